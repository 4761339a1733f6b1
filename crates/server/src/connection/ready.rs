//! Field lines of an answer that are ready to be sent.

use crate::field_list::FieldList;
use crate::spelling::{Names, Spelling, write_field};

/// Field lines of an HTTP/1 answer, written by the service as they are to stand on the wire, with places for what the
/// connection says itself. They come before the fields of the response, and cost neither a map nor a look-up of a name.
#[derive(Clone, Debug, Default)]
pub struct ReadyFields {
    lines: Vec<u8>,
    /// Where `Date` goes.
    date: usize,
    /// Where `Connection` and the coding of the body go.
    connection: usize,
    /// The length that the lines tell.
    length: Option<u64>,
    /// What comes behind the lines.
    more: FieldList,
}

impl ReadyFields {
    /// Uses the memory of lines that have been sent.
    pub(crate) fn again(mut lines: Vec<u8>) -> Self {
        lines.clear();
        Self {
            lines,
            ..Self::default()
        }
    }

    /// Adds a line; the name in its spelling, neither part with a line end in it.
    pub fn field(&mut self, name: &str, value: &[u8]) {
        self.lines.extend_from_slice(name.as_bytes());
        self.lines.extend_from_slice(b": ");
        self.lines.extend_from_slice(value);
        self.lines.extend_from_slice(b"\r\n");
    }

    /// Adds `Content-Length`: the body must have, or for `HEAD` would have, so many bytes.
    pub fn content_length(&mut self, length: u64) {
        self.field(
            "Content-Length",
            itoa::Buffer::new().format(length).as_bytes(),
        );
        self.length = Some(length);
    }

    /// `Date` comes next.
    pub fn date(&mut self) {
        self.date = self.lines.len();
    }

    /// `Transfer-Encoding`, `Connection` and `Keep-Alive` come next, where there are such.
    pub fn connection(&mut self) {
        self.connection = self.lines.len();
    }

    /// Has these fields behind the lines, but for those that the connection says itself.
    pub fn follow_with(&mut self, more: FieldList) {
        self.more = more;
    }

    /// Adds fields of an answer, spelled as the operator spells them. None that the connection says itself.
    pub fn append(&mut self, fields: &FieldList, spelling: &Spelling) {
        for (name, value) in fields.iter() {
            write_field(
                name.as_str(),
                value.as_bytes(),
                spelling,
                &Names::default(),
                &mut self.lines,
            );
        }
    }

    /// The same as `other`, in memory that is there.
    pub(crate) fn become_like(&mut self, other: &Self) {
        self.lines.extend_from_slice(&other.lines);
        self.date = other.date;
        self.connection = other.connection;
        self.length = other.length;
        self.more.clone_from(&other.more);
    }

    pub(crate) const fn more(&self) -> &FieldList {
        &self.more
    }

    pub(crate) const fn length(&self) -> Option<u64> {
        self.length
    }

    /// The lines before the date, between it and the connection's, and after those.
    pub(crate) fn parts(&self) -> (&[u8], &[u8], &[u8]) {
        let (before, rest) = self.lines.split_at(self.date.min(self.lines.len()));
        let (between, after) = rest.split_at(self.connection.saturating_sub(before.len()));
        (before, between, after)
    }

    pub(crate) fn into_memory(self) -> Vec<u8> {
        self.lines
    }
}
