//! A diagnostic as text: nginx's own line first, then what nginx does not show.

use std::fmt::Write as _;

use super::Diagnostic;
use crate::error::MESSAGE_LIMIT;
use crate::source::{Sources, Span};

/// How many characters of a source line are shown, and how many of them before the caret.
const WIDTH: usize = 120;
const BEFORE: usize = 80;

impl Diagnostic {
    /// nginx's line: `nginx: [emerg] MESSAGE in FILE:LINE`, without line end.
    #[must_use]
    pub fn first_line(&self, sources: &Sources) -> String {
        format!("nginx: [{}] {}", self.severity.name(), self.said(sources))
    }

    /// `MESSAGE in FILE:LINE`, as it stands in nginx's error log.
    #[must_use]
    pub fn said(&self, sources: &Sources) -> String {
        let message = self
            .message
            .get(..self.message.floor_char_boundary(MESSAGE_LIMIT));
        let place = self
            .report_at
            .map(|at| format!(" in {}", sources.describe(at)));
        format!(
            "{}{}",
            message.unwrap_or_default(),
            place.unwrap_or_default()
        )
    }

    /// nginx's line, then line and column, the source line with a caret, the includes that led
    /// there, and advice. Ends with a line feed.
    #[must_use]
    pub fn render(&self, sources: &Sources) -> String {
        let mut text = self.first_line(sources);
        text.push('\n');
        if let Some(span) = self.span {
            if self.report_at.is_none() {
                // nginx does not say where; we do, but not in its line.
                let place = sources.describe(span.start());
                writeln!(text, "  at {place}").expect("writing to a string");
            }
            render_excerpt(&mut text, sources, span);
            for include in sources.include_chain(span.source) {
                let place = sources.describe(include.start());
                writeln!(text, "  included from {place}").expect("writing to a string");
            }
        }
        if let Some(help) = &self.help {
            writeln!(text, "  help: {help}").expect("writing to a string");
        }
        text
    }
}

/// The line in which a span starts, and a caret for each of its characters in that line.
fn render_excerpt(text: &mut String, sources: &Sources, span: Span) {
    let source = sources.source(span.source);
    let line = source.lines().line(span.start);
    let bytes = source.line_text(line);
    let start = (span.start - source.lines().start(line)) as usize;
    let end = start + (span.end - span.start) as usize;
    let (before, rest) = bytes.split_at(start.min(bytes.len()));
    let marked = rest
        .get(..(end - start).min(rest.len()))
        .unwrap_or_default();

    // Only what can be shown is decoded: lines may be as long as files.
    let mut shown = visible(before.get(before.len().saturating_sub(4 * BEFORE)..));
    let skipped = shown.len().saturating_sub(BEFORE);
    shown.drain(..skipped);
    // Tabs stay tabs, so that the caret lands below its word whatever their width.
    let blank = |character: &char| if *character == '\t' { '\t' } else { ' ' };
    let indent: String = shown.iter().map(blank).collect();
    let room = WIDTH - shown.len();
    shown.extend(
        visible(rest.get(..rest.len().min(4 * WIDTH)))
            .iter()
            .take(room),
    );
    let carets = visible(marked.get(..marked.len().min(4 * WIDTH))).len();

    let place = format!("{line}:{}", characters(before) + 1);
    let margin = " ".repeat(place.len());
    let shown: String = shown.into_iter().collect();
    let carets = "^".repeat(carets.clamp(1, room));
    write!(
        text,
        "  {place} | {}\n  {margin} | {indent}{carets}\n",
        shown.trim_end()
    )
    .expect("writing to a string");
}

/// How many characters a text has if it is UTF-8.
fn characters(text: &[u8]) -> usize {
    let is_continuation = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
    text.iter().filter(|byte| !is_continuation(**byte)).count()
}

/// The characters of a stretch of a line, those that would disturb a terminal replaced.
fn visible(stretch: Option<&[u8]>) -> Vec<char> {
    let text = String::from_utf8_lossy(stretch.unwrap_or_default());
    text.chars()
        .map(|character| match character {
            '\t' => '\t',
            control if control.is_control() => char::REPLACEMENT_CHARACTER,
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{Diagnostic, Diagnostics, MemoryLoader, Severity, parse};

    fn render(text: &str, word: usize) -> String {
        let files = MemoryLoader::from([("/c", text)]);
        let tree = parse(b"/c", &files, &mut Diagnostics::default());
        let directive = &tree.directives[0];
        Diagnostic::on(directive, Severity::Warn, "odd")
            .with_span(directive.args[word].span)
            .with_help("think")
            .render(&tree.sources)
    }

    #[test]
    fn the_line_is_that_of_the_terminator_and_the_caret_is_where_the_word_is() {
        assert_eq!(
            render("\n\tlisten\t\"é\" 80\n;", 1),
            "nginx: [warn] odd in /c:3\n  2:13 | \tlisten\t\"é\" 80\n       | \t      \t    ^^\n  help: think\n"
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_caret() {
        let text = format!("a {} b {};", "x".repeat(500), "y".repeat(500));
        let rendered = render(&text, 1);
        let lines: Vec<&str> = rendered.lines().collect();
        assert_eq!(lines[1].len(), "  1:504 | ".len() + 120);
        assert_eq!(lines[1].find(" b "), lines[2].find('^').map(|at| at - 1));
    }
}
