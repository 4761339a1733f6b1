//! Blanks, comments and words: the part of the lexer that looks at every byte.

use std::ops::ControlFlow;

use super::{BUFFER, Dialect, Fault, Lexer, TOO_LONG_SHOWN};
use crate::error::SyntaxError;
use crate::word::{Word, unescape};

impl Lexer {
    /// Skips blanks and comments.
    pub(super) fn skip_blanks(&mut self, faults: &mut Vec<Fault>) {
        while let Some(byte) = self.text.get(self.pos) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.pos += 1,
                b'#' => {
                    let start = self.pos;
                    let line_feed = self.find(b'\n', start);
                    if self.is_too_long(start, line_feed) {
                        faults.push(self.too_long(start));
                    }
                    self.pos = line_feed.unwrap_or(self.text.len());
                }
                _ => return,
            }
        }
    }

    /// Reads the word at the current position, which is neither blank nor terminator. Breaks where
    /// the statement has to be given up.
    pub(super) fn read_word(
        &mut self,
        words: &mut Vec<Word>,
        faults: &mut Vec<Fault>,
    ) -> ControlFlow<()> {
        match self.text.get(self.pos) {
            Some(quote @ (b'"' | b'\'')) => self.read_quoted(*quote, words, faults),
            _ => {
                self.read_bare(words, faults);
                ControlFlow::Continue(())
            }
        }
    }

    /// Reads a word without quotes: up to a blank, `;` or `{`, where a `{` right after `$` and
    /// whatever follows a backslash belong to the word, as do `}`, `#` and quotes.
    fn read_bare(&mut self, words: &mut Vec<Word>, faults: &mut Vec<Fault>) {
        let start = self.pos;
        let mut variable = false;
        let mut at = start;
        let end = loop {
            match self.text.get(at) {
                None => break None,
                Some(b'{') if variable => {}
                Some(b'\\') => {
                    variable = false;
                    at += 1;
                }
                Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{') => break Some(at),
                Some(byte) => variable = *byte == b'$',
            }
            at += 1;
        };
        if self.is_too_long(start, end) {
            faults.push(self.too_long(start));
        }
        self.pos = end.unwrap_or(self.text.len());
        words.push(self.word(start, self.pos, 0));
    }

    /// Reads a word in quotes, and looks at what follows it.
    fn read_quoted(
        &mut self,
        quote: u8,
        words: &mut Vec<Word>,
        faults: &mut Vec<Fault>,
    ) -> ControlFlow<()> {
        let start = self.pos;
        let close = self.closing_quote(quote, start + 1);
        let too_long = self.is_too_long(start + 1, close);
        let Some(close) = close.filter(|_| !too_long) else {
            return self.give_up_quote(quote, close, too_long, words, faults);
        };

        self.pos = close + 1;
        words.push(self.word(start, self.pos, 1));
        match self.text.get(self.pos) {
            // A `}` is looked at, and complained about, as the end of the statement.
            None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' | b'}' | b')') => {}
            Some(byte) => faults.push(self.unexpected(*byte, self.quote_help(start, close))),
        }
        if self.is_too_long(start + 1, Some(self.pos)) && self.pos < self.text.len() {
            faults.push(self.too_long(start + 1));
        }
        ControlFlow::Continue(())
    }

    /// Reports a quote that is closed too late or never, and goes on behind it if it is closed on
    /// its own line, else on the next line: its rest may be as it should be.
    fn give_up_quote(
        &mut self,
        quote: u8,
        close: Option<usize>,
        too_long: bool,
        words: &mut Vec<Word>,
        faults: &mut Vec<Fault>,
    ) -> ControlFlow<()> {
        let start = self.pos;
        let span = self.span(start, start + 1);
        let line_end = self.find(b'\n', start).unwrap_or(self.text.len());
        let closed_in_line = close.filter(|close| *close < line_end);
        faults.push(Fault {
            error: if too_long {
                SyntaxError::QuoteNotClosed(quote)
            } else {
                self.early_end()
            },
            span,
            report_at: if too_long {
                span.start()
            } else {
                self.end_of_text().start()
            },
            help: Some(match closed_in_line {
                Some(_) => format!("a parameter has room for {} bytes", BUFFER - 1),
                None => "the quote opened here is not closed".to_owned(),
            }),
        });

        if let Some(close) = closed_in_line {
            self.pos = close + 1;
            words.push(self.word(start, self.pos, 1));
            return ControlFlow::Continue(());
        }
        self.pos = line_end;
        words.push(Word {
            value: unescape(self.slice(start + 1, line_end)),
            span: self.span(start, line_end),
            quoted: true,
        });
        ControlFlow::Break(())
    }

    /// The first such quote from `from` on that no backslash precedes.
    fn closing_quote(&self, quote: u8, from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            at += memchr::memchr2(quote, b'\\', self.text.get(at..)?)?;
            if self.text.get(at) == Some(&quote) {
                return Some(at);
            }
            at += 2;
        }
    }

    /// Whether nginx's buffer would overflow on the way from the first byte of a token to the byte
    /// that ends it (`None`: the last of the text).
    fn is_too_long(&self, start: usize, end: Option<usize>) -> bool {
        let last = end.unwrap_or(self.text.len().saturating_sub(1));
        self.dialect == Dialect::File && last.saturating_sub(start) >= BUFFER
    }

    fn too_long(&self, start: usize) -> Fault {
        let shown_end = self.text.len().min(start + TOO_LONG_SHOWN);
        let span = self.span(start, shown_end);
        Fault {
            error: SyntaxError::TooLong(self.slice(start, shown_end).to_vec()),
            span,
            report_at: span.start(),
            help: Some(format!(
                "a parameter or comment has room for {} bytes",
                BUFFER - 1
            )),
        }
    }

    /// What to say about a byte after a closing quote.
    fn quote_help(&self, open: usize, close: usize) -> Option<String> {
        let spans_lines = self.slice(open, close).contains(&b'\n');
        Some(if spans_lines {
            "the quote closed here was opened on an earlier line; is one missing there?".to_owned()
        } else {
            "after a closing quote nginx wants a blank, \";\", \"{\" or \")\"".to_owned()
        })
    }

    fn find(&self, byte: u8, from: usize) -> Option<usize> {
        memchr::memchr(byte, self.text.get(from..)?).map(|at| from + at)
    }
}
