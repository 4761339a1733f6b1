//! The files of a configuration: their exact bytes, who included whom, and places in them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use crate::line_index::LineIndex;

/// Names one loaded text in its [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A stretch of a source: `start` inclusive, `end` exclusive, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The text it lies in.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte; never before `start`, never past the end of the text.
    pub end: u32,
}

/// One byte of a source, or its end: where nginx says an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// The text it lies in.
    pub source: SourceId,
    /// Offset in bytes.
    pub offset: u32,
}

/// All texts of one configuration, in the order in which nginx reads them. A file that is included
/// twice is here twice, since each time it was included from elsewhere; the bytes are shared.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    list: Vec<Source>,
}

/// One loaded text.
#[derive(Debug, Clone)]
pub struct Source {
    path: Option<Box<[u8]>>,
    text: Arc<[u8]>,
    included_by: Option<Span>,
    lines: OnceLock<LineIndex>,
}

impl Span {
    /// The position of its first byte.
    #[must_use]
    pub fn start(self) -> Position {
        Position {
            source: self.source,
            offset: self.start,
        }
    }

    /// From the start of this span to the end of a later one in the same source.
    #[must_use]
    pub fn to(self, later: Self) -> Self {
        Self {
            end: later.end.max(self.end),
            ..self
        }
    }
}

impl Sources {
    /// Adds a text; `path` is `None` for the `-g` parameter.
    pub(crate) fn add(
        &mut self,
        path: Option<&[u8]>,
        text: Arc<[u8]>,
        included_by: Option<Span>,
    ) -> SourceId {
        let id = SourceId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        let path = path.map(Box::from);
        self.list.push(Source {
            path,
            text,
            included_by,
            lines: OnceLock::new(),
        });
        id
    }

    /// The text that an id names.
    ///
    /// # Panics
    /// If the id comes from another `Sources`.
    #[must_use]
    pub fn source(&self, id: SourceId) -> &Source {
        self.list
            .get(id.0 as usize)
            .expect("a SourceId is used with the Sources that made it")
    }

    /// All texts, in the order in which they were read.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.list.iter()
    }

    /// Every file once, in the order of first reading, as `nginx -T` prints them.
    pub fn files(&self) -> impl Iterator<Item = &Source> {
        let mut seen = HashSet::new();
        self.list
            .iter()
            .filter(move |source| source.path().is_some_and(|path| seen.insert(path)))
    }

    /// How many texts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether nothing has been read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The line (from 1) of a position.
    #[must_use]
    pub fn line(&self, at: Position) -> u32 {
        self.source(at.source).lines().line(at.offset)
    }

    /// The bytes of a span.
    #[must_use]
    pub fn text(&self, span: Span) -> &[u8] {
        let range = span.start as usize..span.end as usize;
        self.source(span.source).text.get(range).unwrap_or_default()
    }

    /// Where a source was included from, innermost first; empty for the main file.
    pub fn include_chain(&self, id: SourceId) -> impl Iterator<Item = Span> {
        std::iter::successors(self.source(id).included_by, |span| {
            self.source(span.source).included_by
        })
    }

    /// `FILE:LINE` of a position, or `command line`, as nginx writes it after `in`.
    #[must_use]
    pub fn describe(&self, at: Position) -> String {
        match self.source(at.source).path() {
            Some(path) => format!("{}:{}", String::from_utf8_lossy(path), self.line(at)),
            None => "command line".to_owned(),
        }
    }
}

impl Source {
    /// The path as nginx prints it, `None` for the text of the `-g` option.
    #[must_use]
    pub fn path(&self) -> Option<&[u8]> {
        self.path.as_deref()
    }

    /// The path for people.
    #[must_use]
    pub fn display_path(&self) -> Cow<'_, str> {
        self.path()
            .map_or(Cow::Borrowed("command line"), String::from_utf8_lossy)
    }

    /// The exact bytes.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The `include` directive that brought it in.
    #[must_use]
    pub fn included_by(&self) -> Option<Span> {
        self.included_by
    }

    /// Its lines, indexed on first use.
    #[must_use]
    pub fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }

    /// The bytes of a line (from 1), without its line end.
    #[must_use]
    pub fn line_text(&self, line: u32) -> &[u8] {
        let lines = self.lines();
        let range = lines.start(line) as usize..lines.start(line.saturating_add(1)) as usize;
        let text = self.text.get(range).unwrap_or_default();
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        text.strip_suffix(b"\r").unwrap_or(text)
    }
}
