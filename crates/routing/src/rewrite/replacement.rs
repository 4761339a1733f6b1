//! The `rewrite` directive (nginx: `ngx_http_rewrite`).

use std::fmt;

use portunus_template::{CompileError, Template};

use crate::{Regex, RegexError};

/// `rewrite pattern replacement flag`
#[derive(Debug)]
pub struct Rewrite<V> {
    /// What the URI must match.
    pub regex: Regex,
    /// The new path; of a redirect the whole new URL.
    pub path: Template<V>,
    /// The new query, if the replacement has a `?`; never in a redirect.
    pub args: Option<Template<V>>,
    /// Whether the query of the request is appended. A `?` at the end of the replacement says no.
    pub keeps_args: bool,
    /// What follows.
    pub action: Action,
}

/// What follows on a `rewrite` that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The next directive; in the end the location is searched for again.
    Next,
    /// The search for a location (`last`).
    Last,
    /// The next phase, in the location where the request is (`break`).
    Break,
    /// A redirect: `redirect`, `permanent`, or a replacement that begins with a scheme.
    Redirect {
        /// 301 or 302.
        status: u16,
    },
}

/// What becomes of the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewArgs {
    /// It stays.
    Kept,
    /// It goes: a `?` at the end of the replacement.
    Dropped,
    /// The replacement has another, which may be empty.
    Put(Vec<u8>),
}

/// Why a `rewrite` is none, in nginx's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError<E> {
    /// A URI cannot be empty.
    #[error("empty replacement")]
    EmptyReplacement,
    /// The pattern does not compile.
    #[error(transparent)]
    Regex(#[from] RegexError),
    /// Something else than `last`, `break`, `redirect` or `permanent`.
    #[error("invalid parameter \"{0}\"")]
    Flag(String),
    /// The replacement does not compile.
    #[error("{0}")]
    Template(CompileError<E>),
}

impl<V> Rewrite<V> {
    /// Compiles the arguments of `rewrite`; `resolve` knows the variables of the replacement.
    ///
    /// # Errors
    ///
    /// The first fault in the order in which nginx looks.
    pub fn compile<E>(
        pattern: &[u8],
        replacement: &[u8],
        flag: Option<&[u8]>,
        mut resolve: impl FnMut(&[u8]) -> Result<V, E>,
    ) -> Result<Rewrite<V>, RewriteError<E>> {
        if replacement.is_empty() {
            return Err(RewriteError::EmptyReplacement);
        }
        let regex = Regex::compile(pattern, false)?;
        let (replacement, keeps_args) = match replacement.strip_suffix(b"?") {
            Some(replacement) => (replacement, false),
            None => (replacement, true),
        };
        let action = action(replacement, flag)?;
        let query = memchr::memchr(b'?', replacement);
        let (path, args) = match (query, action) {
            (Some(at), Action::Next | Action::Last | Action::Break) => {
                (&replacement[..at], Some(&replacement[at + 1..]))
            }
            _ => (replacement, None),
        };
        let path = Template::compile(path, &mut resolve).map_err(RewriteError::Template)?;
        let args = args
            .map(|args| Template::compile(args, &mut resolve))
            .transpose()
            .map_err(RewriteError::Template)?;
        Ok(Rewrite {
            regex,
            path,
            args,
            keeps_args,
            action,
        })
    }

    /// Whether the replacement has a query of its own.
    pub fn has_query(&self) -> bool {
        self.args.is_some() || self.path.source().contains(&b'?')
    }
}

fn action<E>(replacement: &[u8], flag: Option<&[u8]>) -> Result<Action, RewriteError<E>> {
    let leads_away = begins_with_scheme(replacement);
    match flag {
        Some(b"redirect") => Ok(Action::Redirect { status: 302 }),
        Some(b"permanent") => Ok(Action::Redirect { status: 301 }),
        None | Some(b"last" | b"break") if leads_away => Ok(Action::Redirect { status: 302 }),
        None => Ok(Action::Next),
        Some(b"last") => Ok(Action::Last),
        Some(b"break") => Ok(Action::Break),
        Some(other) => Err(RewriteError::Flag(
            String::from_utf8_lossy(other).into_owned(),
        )),
    }
}

/// Whether a replacement or the argument of `return` is a URL by its beginning.
pub(super) fn begins_with_scheme(text: &[u8]) -> bool {
    [&b"http://"[..], b"https://", b"$scheme"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

/// Prints the directive without its semicolon.
impl<V> fmt::Display for Rewrite<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rewrite \"{}\" \"{}", self.regex, self.path)?;
        if let Some(args) = &self.args {
            write!(f, "?{args}")?;
        }
        if !self.keeps_args {
            f.write_str("?")?;
        }
        f.write_str("\"")?;
        match self.action {
            Action::Next => Ok(()),
            Action::Last => f.write_str(" last"),
            Action::Break => f.write_str(" break"),
            Action::Redirect { status: 301 } => f.write_str(" permanent"),
            Action::Redirect { .. } => f.write_str(" redirect"),
        }
    }
}
