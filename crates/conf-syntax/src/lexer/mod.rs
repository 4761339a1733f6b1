//! Bytes → statements: the words up to a `;`, a `{`, a `}` or the end.
//!
//! Never fails: what nginx would stop at becomes a [`Fault`], and reading goes on where the next
//! statement probably begins. nginx: `ngx_conf_read_token`.

mod scan;

use std::sync::Arc;

use crate::error::SyntaxError;
use crate::source::{Position, SourceId, Span};
use crate::word::{Word, unescape};

/// nginx's read buffer; a word or comment of which it would need one byte more is "too long".
/// nginx: `NGX_CONF_BUFFER`.
const BUFFER: usize = 4096;

/// How much of a too long word nginx shows.
const TOO_LONG_SHOWN: usize = 10;

/// Reads one text.
#[derive(Debug)]
pub(crate) struct Lexer {
    text: Arc<[u8]>,
    source: SourceId,
    dialect: Dialect,
    pos: usize,
}

/// Where a text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// A file, which nginx reads through a small buffer.
    File,
    /// The parameter of `-g`, which it has in memory.
    Parameter,
}

/// What ended a statement, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Semicolon,
    BlockStart,
    BlockEnd,
    /// Words without a terminator; reported already.
    Missing,
    EndOfText,
}

/// Something nginx would have stopped at.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) error: SyntaxError,
    /// Where the caret belongs.
    pub(crate) span: Span,
    /// Whose line nginx prints.
    pub(crate) report_at: Position,
    pub(crate) help: Option<String>,
}

impl Lexer {
    /// A lexer at the start of a text; the text must be shorter than 4 GiB.
    pub(crate) fn new(text: Arc<[u8]>, source: SourceId, dialect: Dialect) -> Self {
        Self {
            text,
            source,
            dialect,
            pos: 0,
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The empty span at the end of the text.
    pub(crate) fn end_of_text(&self) -> Span {
        self.span(self.text.len(), self.text.len())
    }

    /// Reads the next statement; its words replace what was in `words`. The span is that of the
    /// terminator. [`Ending::BlockStart`] may come without words, all other endings that end a
    /// directive have some.
    pub(crate) fn read_statement(
        &mut self,
        words: &mut Vec<Word>,
        faults: &mut Vec<Fault>,
    ) -> (Ending, Span) {
        words.clear();
        loop {
            self.skip_blanks(faults);
            let at = self.pos;
            match self.text.get(at).copied() {
                None => return self.end(words, faults),
                Some(byte @ b';') if words.is_empty() => {
                    faults.push(self.unexpected(byte, None));
                    self.pos += 1;
                }
                Some(byte @ (b';' | b'{')) => {
                    if words.is_empty() {
                        faults.push(self.unexpected(byte, None));
                    }
                    self.pos += 1;
                    let ending = if byte == b';' {
                        Ending::Semicolon
                    } else {
                        Ending::BlockStart
                    };
                    return (ending, self.span(at, at + 1));
                }
                Some(b'}') if words.is_empty() => {
                    self.pos += 1;
                    return (Ending::BlockEnd, self.span(at, at + 1));
                }
                Some(byte @ b'}') => {
                    faults.push(self.unexpected(byte, missing_semicolon(words)));
                    return (Ending::Missing, self.span(at, at));
                }
                Some(_) => {
                    if self.read_word(words, faults).is_break() {
                        return (Ending::Missing, self.span(self.pos, self.pos));
                    }
                }
            }
        }
    }

    /// The end of the text, which must not come within a directive.
    fn end(&self, words: &[Word], faults: &mut Vec<Fault>) -> (Ending, Span) {
        let end = self.end_of_text();
        let Some(last) = words.last() else {
            return (Ending::EndOfText, end);
        };
        let span = Span {
            start: last.span.end,
            end: last.span.end,
            ..last.span
        };
        let help = missing_semicolon(words);
        faults.push(Fault {
            error: self.early_end(),
            span,
            report_at: end.start(),
            help,
        });
        (Ending::Missing, end)
    }

    /// The error for a text that ends within a directive.
    fn early_end(&self) -> SyntaxError {
        match self.dialect {
            Dialect::File => SyntaxError::EndOfFileInDirective,
            Dialect::Parameter => SyntaxError::EndOfParameter,
        }
    }

    /// The fault of the byte at the current position.
    fn unexpected(&self, byte: u8, help: Option<String>) -> Fault {
        let span = self.span(self.pos, self.pos + 1);
        Fault {
            error: SyntaxError::Unexpected(byte),
            span,
            report_at: span.start(),
            help,
        }
    }

    /// A span of this text; its ends are within the text, hence within 32 bits.
    fn span(&self, start: usize, end: usize) -> Span {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span {
            source: self.source,
            start: offset(start),
            end: offset(end),
        }
    }

    /// A stretch of the text.
    fn slice(&self, start: usize, end: usize) -> &[u8] {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The word between two offsets; `inset` quotes are left out of its value at either end.
    fn word(&self, start: usize, end: usize, inset: usize) -> Word {
        Word {
            value: unescape(self.slice(start + inset, end - inset)),
            span: self.span(start, end),
            quoted: inset > 0,
        }
    }
}

/// What to say where a directive was not terminated.
fn missing_semicolon(words: &[Word]) -> Option<String> {
    let name = words.first()?.message_text();
    Some(format!(
        "is a \";\" missing at the end of the \"{name}\" directive?"
    ))
}
