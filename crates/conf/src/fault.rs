//! What is wrong with one directive, in nginx's words.

use std::fmt::Display;

use portunus_conf_syntax::{Directive, Span, Word};

use crate::value::ValueError;

/// A fault of one directive; whoever knows the directive makes a [`crate::Diagnostic`] of it. The
/// operator's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// nginx's message, without position.
    pub message: String,
    /// What the caret points to, if not to the directive's name.
    pub span: Option<Span>,
    /// What would be right; nginx says nothing of the kind.
    pub help: Option<String>,
}

impl Fault {
    /// A message of its own.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: None,
            help: None,
        }
    }

    /// A message that follows the directive's name: `"root" directive is duplicate`.
    pub fn of(directive: &Directive, what: impl Display) -> Self {
        let name = directive.name.message_text();
        Self::new(format!("\"{name}\" directive {what}"))
    }

    /// `"…" directive is duplicate`.
    #[must_use]
    pub fn duplicate(directive: &Directive) -> Self {
        Self::of(directive, "is duplicate")
    }

    /// `"…" directive invalid value`, or `… invalid number`.
    #[must_use]
    pub fn value(directive: &Directive, word: &Word, error: ValueError) -> Self {
        Self::of(directive, error).at(word)
    }

    /// `invalid WHAT "WORD"`.
    #[must_use]
    pub fn invalid(what: &str, word: &Word) -> Self {
        Self::new(format!("invalid {what} \"{}\"", show(word.as_bytes()))).at(word)
    }

    /// `invalid parameter "WORD"`.
    #[must_use]
    pub fn parameter(word: &Word) -> Self {
        Self::invalid("parameter", word)
    }

    /// Adds a line of advice.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// Advice on a value that is one of a few words.
    #[must_use]
    pub fn with_choice(self, words: &[&str]) -> Self {
        self.with_help(format!("it may be: {}", words.join(", ")))
    }

    /// Puts the caret under a word.
    #[must_use]
    pub fn at(self, word: &Word) -> Self {
        Self {
            span: Some(word.span),
            ..self
        }
    }
}

/// Bytes as a message shows them.
pub(crate) fn show(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
