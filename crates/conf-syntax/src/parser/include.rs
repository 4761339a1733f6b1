//! The `include` directive, the one directive that this layer knows.

use std::io;
use std::sync::Arc;

use super::{Include, MAX_FILES, Parser, Task};
use crate::diagnostic::{Diagnostic, Severity};
use crate::error::SyntaxError;
use crate::glob;
use crate::lexer::{Dialect, Fault, Lexer};
use crate::source::Span;
use crate::word::Word;

/// How `include` is taken within a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Custom {
    /// As the directive that it is everywhere else.
    No,
    /// nginx: `ngx_http_core_type`: as the directive, always.
    Types,
    /// nginx: `ngx_http_map`, `ngx_http_geo`: as the directive if it has one argument.
    Pairs,
    /// nginx: `ngx_http_charset_map`, `ngx_http_split_clients`: as a word like others.
    Never,
}

impl Parser<'_> {
    /// Whether a statement that ended in `{` is an `include`, which has no block.
    pub(super) fn is_include_block(&self, words: &[Word]) -> bool {
        self.enclosing() == Custom::No && self.is_include(words)
    }

    /// Whether a statement that ended in `;` is an `include` that this layer has to deal with.
    pub(super) fn is_include(&self, words: &[Word]) -> bool {
        words.first().is_some_and(|name| *name == "include")
            && match self.enclosing() {
                Custom::No | Custom::Types => true,
                Custom::Pairs => words.len() == 2,
                Custom::Never => false,
            }
    }

    fn enclosing(&self) -> Custom {
        let directive = self.open.last().and_then(|block| block.directive.as_ref());
        match directive.and_then(|directive| directive.name.as_str()) {
            Some("types") => Custom::Types,
            Some("map" | "geo") => Custom::Pairs,
            Some("charset_map" | "split_clients") => Custom::Never,
            _ => Custom::No,
        }
    }

    /// What an `include` terminated by `;` brings in, in order. nginx: `ngx_conf_include`.
    pub(super) fn include(&mut self, words: &[Word], terminator: Span) -> Vec<Task> {
        let [name, argument] = words else {
            let span = words.first().map_or(terminator, |name| name.span);
            let error = SyntaxError::IncludeArguments;
            self.report(Fault {
                error,
                span,
                report_at: terminator.start(),
                help: None,
            });
            return Vec::new();
        };
        let include = Include {
            directive: name.span.to(terminator),
            argument: argument.span,
            report_at: terminator.start(),
        };

        let path = self.full_path(argument.as_bytes());
        let paths = if glob::is_pattern(&path) {
            self.loader.glob(&path).unwrap_or_else(|error| {
                self.report_include(
                    include,
                    &SyntaxError::Glob {
                        pattern: path,
                        error,
                    },
                );
                Vec::new()
            })
        } else {
            vec![path]
        };
        paths
            .into_iter()
            .map(|path| Task::Open {
                path,
                include: Some(include),
            })
            .collect()
    }

    /// A path below the directory of the main file, unless it is absolute.
    /// nginx: `ngx_conf_full_name` with `conf_prefix`.
    fn full_path(&self, name: &[u8]) -> Vec<u8> {
        // As a C string ends, so does the path.
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        if name.starts_with(b"/") {
            return name.to_vec();
        }
        let slash = memchr::memrchr(b'/', self.main_path);
        let prefix = slash
            .and_then(|at| self.main_path.get(..=at))
            .unwrap_or_default();
        [prefix, name].concat()
    }

    /// Reads a file and makes it the next text.
    pub(super) fn open_file(&mut self, path: Vec<u8>, include: Option<Include>) {
        if self.exhausted {
            return;
        }
        if self.sources.len() >= MAX_FILES {
            self.report_file(include, &SyntaxError::TooManyFiles(MAX_FILES));
            self.exhausted = true;
            return;
        }
        if include.is_some_and(|include| self.is_being_read(&path, include.directive)) {
            return self.report_file(include, &SyntaxError::IncludeCycle(path));
        }
        let text = match self.load(&path) {
            Ok(text) => text,
            Err(error) => return self.report_file(include, &error),
        };
        let included_by = include.map(|include| include.directive);
        let source = self
            .sources
            .add(Some(&path), Arc::clone(&text), included_by);
        let lexer = Lexer::new(text, source, Dialect::File);
        self.tasks.push(Task::Read {
            lexer,
            depth: self.open.len(),
        });
    }

    fn load(&mut self, path: &[u8]) -> Result<Arc<[u8]>, SyntaxError> {
        if let Some(text) = self.texts.get(path) {
            return Ok(Arc::clone(text));
        }
        let text = self.loader.read(path).map_err(|error| {
            let path = path.to_vec();
            if error.kind() == io::ErrorKind::IsADirectory {
                SyntaxError::Read { path, error }
            } else {
                SyntaxError::Open { path, error }
            }
        })?;
        if u32::try_from(text.len()).is_err() {
            return Err(SyntaxError::TooLarge(path.to_vec()));
        }
        let text: Arc<[u8]> = text.into();
        self.texts.insert(path.to_vec(), Arc::clone(&text));
        Ok(text)
    }

    /// Whether a path is that of the including file, or of one that led there.
    fn is_being_read(&self, path: &[u8], directive: Span) -> bool {
        let including = self
            .sources
            .include_chain(directive.source)
            .map(|span| span.source);
        let mut chain = std::iter::once(directive.source).chain(including);
        chain.any(|source| self.sources.source(source).path() == Some(path))
    }

    fn report_file(&mut self, include: Option<Include>, error: &SyntaxError) {
        match include {
            Some(include) => self.report_include(include, error),
            None => self.push(Diagnostic::new(severity(error), error.to_string(), 0)),
        }
    }

    /// Reports a fault of an included file at its `include`. A directory can be opened but not
    /// read, and of that nginx says neither file nor line.
    fn report_include(&mut self, include: Include, error: &SyntaxError) {
        let severity = severity(error);
        let diagnostic =
            Diagnostic::new(severity, error.to_string(), 0).with_span(include.argument);
        let report_at = (severity == Severity::Emerg).then_some(include.report_at);
        self.push(Diagnostic {
            report_at,
            ..diagnostic
        });
    }
}

fn severity(error: &SyntaxError) -> Severity {
    match error {
        SyntaxError::Read { .. } => Severity::Crit,
        _ => Severity::Emerg,
    }
}
