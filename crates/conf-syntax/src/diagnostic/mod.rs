//! What there is to say about a configuration, and in which order.

mod render;

use crate::source::{Position, Sources, Span};
use crate::tree::Directive;

/// nginx's log levels, as far as configurations cause them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// nginx does not start.
    Emerg,
    /// nginx does not start either; a file could not be read.
    Crit,
    /// nginx starts, but the operator should look.
    Warn,
    /// Worth knowing.
    Notice,
}

/// One complaint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// nginx's words, without position.
    pub message: String,
    /// What the caret points to.
    pub span: Option<Span>,
    /// Whose line nginx prints; `None` for the messages that nginx prints without file and line.
    pub report_at: Option<Position>,
    /// When nginx would come across it, in the count of [`Directive::order`].
    pub order: u32,
    /// What else we have to say; nginx says nothing of the kind.
    pub help: Option<String>,
}

/// A collection of complaints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Severity {
    /// As in nginx's messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Emerg => "emerg",
            Self::Crit => "crit",
            Self::Warn => "warn",
            Self::Notice => "notice",
        }
    }

    /// Whether nginx refuses to start.
    #[must_use]
    pub fn is_error(self) -> bool {
        matches!(self, Self::Emerg | Self::Crit)
    }
}

impl Diagnostic {
    /// The order of what nginx comes across when it has read everything and said that the syntax is fine: while it
    /// opens files and sockets.
    pub const AFTER_READING: u32 = u32::MAX;

    /// A complaint without a place, as nginx makes them once it has read everything.
    #[must_use]
    pub fn new(severity: Severity, message: impl Into<String>, order: u32) -> Self {
        let message = message.into();
        Self {
            severity,
            message,
            span: None,
            report_at: None,
            order,
            help: None,
        }
    }

    /// A complaint about a directive: reported at its terminator, with the caret under its name.
    #[must_use]
    pub fn on(directive: &Directive, severity: Severity, message: impl Into<String>) -> Self {
        Self::new(severity, message, directive.order)
            .with_span(directive.name.span)
            .reported_at(directive.report_at())
    }

    /// Puts the caret under something else; the line that nginx prints stays.
    #[must_use]
    pub fn with_span(self, span: Span) -> Self {
        Self {
            span: Some(span),
            ..self
        }
    }

    /// Sets whose line nginx prints.
    #[must_use]
    pub fn reported_at(self, position: Position) -> Self {
        Self {
            report_at: Some(position),
            ..self
        }
    }

    /// Adds a line of advice.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }
}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// All, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// All, in the order in which nginx would come across them.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut sorted: Vec<&Diagnostic> = self.list.iter().collect();
        sorted.sort_by_key(|diagnostic| diagnostic.order);
        sorted
    }

    /// The one that nginx would have stopped at.
    #[must_use]
    pub fn first_error(&self) -> Option<&Diagnostic> {
        self.list
            .iter()
            .filter(|one| one.severity.is_error())
            .min_by_key(|one| one.order)
    }

    /// Whether nginx would refuse to start.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.first_error().is_some()
    }

    /// What nginx finds while it reads, and what it finds [afterwards](Diagnostic::AFTER_READING).
    #[must_use]
    pub fn while_and_after_reading(&self) -> (Self, Self) {
        let all = self.list.iter().cloned();
        let (after, during) = all.partition(|one| one.order == Diagnostic::AFTER_READING);
        (Self { list: during }, Self { list: after })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All, sorted and rendered one after the other.
    #[must_use]
    pub fn render(&self, sources: &Sources) -> String {
        self.sorted()
            .iter()
            .map(|diagnostic| diagnostic.render(sources))
            .collect()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, diagnostics: T) {
        self.list.extend(diagnostics);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_is_the_one_nginx_meets_first() {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(Diagnostic::new(Severity::Emerg, "late", 9));
        diagnostics.push(Diagnostic::new(Severity::Emerg, "first", 4));
        diagnostics.push(Diagnostic::new(Severity::Warn, "warning", 1));
        diagnostics.push(Diagnostic::new(
            Severity::Emerg,
            "same place, added later",
            4,
        ));

        let messages: Vec<&str> = diagnostics
            .sorted()
            .iter()
            .map(|one| one.message.as_str())
            .collect();
        assert_eq!(
            messages,
            ["warning", "first", "same place, added later", "late"]
        );
        assert_eq!(
            diagnostics.first_error().map(|one| one.message.as_str()),
            Some("first")
        );
    }
}
