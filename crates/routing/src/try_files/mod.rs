//! The files to try, in order (nginx: `ngx_http_try_files_module`).

use std::fmt;

use portunus_template::{CompileError, Template, Variables};
use portunus_uri_path::split_args;

use crate::rewrite::parse_status;

/// `try_files candidate… fallback`
#[derive(Debug)]
pub struct TryFiles<V> {
    /// What to look for, in this order.
    pub candidates: Vec<Candidate<V>>,
    /// What to do if nothing is there.
    pub fallback: Fallback<V>,
}

/// A file or directory to look for.
#[derive(Debug)]
pub struct Candidate<V> {
    /// Its path below the root, without the slash at its end.
    pub path: Template<V>,
    /// Whether it must be a directory, which a slash at its end says.
    pub is_directory: bool,
}

/// What happens if no candidate is there.
#[derive(Debug)]
pub enum Fallback<V> {
    /// An internal redirect to a URI, or to a named location if it begins with `@`.
    Uri(Template<V>),
    /// `=code`
    Status(u16),
}

/// What has been found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TryOutcome {
    /// A candidate is there. Its path becomes the URI, and the request goes on in this location.
    Found {
        /// The path below the root, as the candidate expanded.
        path: Vec<u8>,
        /// Which candidate it was, from 0.
        candidate: usize,
        /// Whether it is a directory.
        is_directory: bool,
    },
    /// An internal redirect.
    Redirect {
        /// The new path, not normalised.
        uri: Vec<u8>,
        /// The new query.
        args: Vec<u8>,
    },
    /// A redirect to a named location, with its `@`.
    Named(Vec<u8>),
    /// The answer is this status.
    Status(u16),
}

/// Why a `try_files` is none, in nginx's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TryFilesError<E> {
    /// `=` with something else than a number up to 999 behind it.
    #[error("invalid code \"{0}\"")]
    Code(String),
    /// A path does not compile.
    #[error("{0}")]
    Template(CompileError<E>),
}

impl<V> TryFiles<V> {
    /// Compiles the arguments of `try_files`, of which there are two at least.
    ///
    /// # Errors
    ///
    /// See [`TryFilesError`].
    pub fn compile<E>(
        arguments: &[&[u8]],
        mut resolve: impl FnMut(&[u8]) -> Result<V, E>,
    ) -> Result<TryFiles<V>, TryFilesError<E>> {
        let mut template = |source: &[u8]| {
            Template::compile(source, &mut resolve).map_err(TryFilesError::Template)
        };
        let (last, tried) = match arguments {
            [tried @ .., last] => (*last, tried),
            [] => (&b""[..], arguments),
        };
        let mut candidates = Vec::with_capacity(tried.len());
        for argument in tried {
            let (path, is_directory) = match argument.strip_suffix(b"/") {
                Some(path) => (path, true),
                None => (*argument, false),
            };
            candidates.push(Candidate {
                path: template(path)?,
                is_directory,
            });
        }
        let fallback = match last.strip_prefix(b"=") {
            Some(code) => match parse_status(code) {
                Some(status) => Fallback::Status(status),
                None => return Err(TryFilesError::Code(String::from_utf8_lossy(last).into())),
            },
            None => Fallback::Uri(template(last)?),
        };
        Ok(TryFiles {
            candidates,
            fallback,
        })
    }

    /// Looks for the candidates in turn and says what follows.
    ///
    /// `is_there` is given each path and whether it must be a directory (else it must not be one);
    /// it maps the path below the root or alias of the location.
    pub fn decide<S: Variables<V> + ?Sized>(
        &self,
        scope: &mut S,
        mut is_there: impl FnMut(&mut S, &[u8], bool) -> bool,
    ) -> TryOutcome {
        let mut path = Vec::new();
        for (at, candidate) in self.candidates.iter().enumerate() {
            path.clear();
            candidate.path.expand(scope, &mut path);
            let is_directory = candidate.is_directory;
            if is_there(scope, &path, is_directory) {
                return TryOutcome::Found {
                    path,
                    candidate: at,
                    is_directory,
                };
            }
        }
        self.fallback.decide(scope)
    }
}

impl<V> Fallback<V> {
    /// What follows if no candidate is there.
    pub fn decide<S: Variables<V> + ?Sized>(&self, scope: &mut S) -> TryOutcome {
        match self {
            Fallback::Status(status) => TryOutcome::Status(*status),
            Fallback::Uri(template) => {
                let mut target = Vec::new();
                template.expand(scope, &mut target);
                if target.starts_with(b"@") {
                    return TryOutcome::Named(target);
                }
                let (uri, args) = split_args(&target);
                TryOutcome::Redirect {
                    uri: uri.to_vec(),
                    args: args.to_vec(),
                }
            }
        }
    }
}

/// Prints the directive without its semicolon.
impl<V> fmt::Display for TryFiles<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("try_files")?;
        for candidate in &self.candidates {
            let slash = if candidate.is_directory { "/" } else { "" };
            write!(f, " {}{slash}", candidate.path)?;
        }
        match &self.fallback {
            Fallback::Uri(uri) => write!(f, " {uri}"),
            Fallback::Status(status) => write!(f, " ={status}"),
        }
    }
}

#[cfg(test)]
mod tests;
