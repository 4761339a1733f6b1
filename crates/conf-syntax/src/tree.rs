//! The tree of directives that a configuration is.

use crate::source::{Position, Sources, Span};
use crate::word::Word;

/// A whole configuration: the texts it was read from and its top-level directives, those of `-g`
/// first, includes expanded in place.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// The texts.
    pub sources: Sources,
    /// The directives of the main context.
    pub directives: Vec<Directive>,
}

/// A name, its arguments, and perhaps a block. There is always a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// The first word.
    pub name: Word,
    /// The other words before the terminator.
    pub args: Vec<Word>,
    /// What stood between its braces; present exactly if the terminator is [`Terminator::Block`].
    pub block: Option<Block>,
    /// What ended the words.
    pub terminator: Terminator,
    /// From the name to the terminator, without the block's content.
    pub span: Span,
    /// When nginx handles it: at its terminator, in a running count over all files. Everything that
    /// can be reported has a place in this count.
    pub order: u32,
}

/// The content of a directive's braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The directives within, includes expanded in place.
    pub directives: Vec<Directive>,
    /// The opening brace.
    pub open: Span,
    /// The closing brace; empty, at the end of the file, where it is missing.
    pub close: Span,
    /// When nginx sees the block end (for errors that it finds only then, at the line of the `}`).
    pub close_order: u32,
}

/// What ended the words of a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminator {
    /// A `;`, at this position.
    Semicolon(Position),
    /// A `{`, at this position.
    Block(Position),
    /// Nothing: a `}` or the end of the file came instead, and has been reported.
    Missing(Position),
}

impl Terminator {
    /// Where it stands, or where it was missed.
    #[must_use]
    pub fn position(self) -> Position {
        match self {
            Self::Semicolon(at) | Self::Block(at) | Self::Missing(at) => at,
        }
    }
}

impl Directive {
    /// Where nginx says an error in this directive is: at its terminator, which for a directive of
    /// several lines is the last of them.
    #[must_use]
    pub fn report_at(&self) -> Position {
        self.terminator.position()
    }

    /// The directives of its block, none if it has no block.
    #[must_use]
    pub fn children(&self) -> &[Directive] {
        self.block.as_ref().map_or(&[], |block| &block.directives)
    }

    /// The first argument that stands on a later line than the name. Where a directive has too
    /// many arguments this is where the forgotten `;` shows.
    #[must_use]
    pub fn first_word_on_a_later_line(&self, sources: &Sources) -> Option<&Word> {
        let line = sources.line(self.name.span.start());
        self.args
            .iter()
            .find(|word| sources.line(word.span.start()) > line)
    }
}

impl Block {
    /// Where nginx says an error is that it finds when the block ends.
    #[must_use]
    pub fn report_at(&self) -> Position {
        self.close.start()
    }
}
