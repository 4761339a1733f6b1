//! What one row of the directive table says.
//!
//! nginx keeps the same facts in its `ngx_command_t` arrays; the names of the arities and the
//! contexts are its own (`nginx: src/core/ngx_conf_file.h`), so that a row can be held against
//! the line it came from.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{BitOr, Deref};

use super::kind::Kind;

/// One directive as nginx knows it: where it may stand, what it takes, what it does here.
#[derive(PartialEq, Eq, Debug)]
pub struct Row {
    /// The name as written in a configuration file.
    pub name: &'static str,
    /// The table file (a module or a family of modules) the row stands in.
    pub module: &'static str,
    /// The levels it may stand in.
    pub contexts: Contexts,
    /// How many arguments it takes, and whether it opens a block.
    pub arity: Arity,
    /// How its arguments are read and checked.
    pub kind: Kind,
    /// The value in force where nothing is set, as it would be written; `None` if there is none.
    pub default: Option<&'static str>,
    /// Where the value comes from if this level does not set it.
    pub inherit: Inherit,
    /// What it does in this build.
    pub effect: Effect,
    /// One line on its purpose.
    pub summary: &'static str,
}

/// Names a row of the table. The constants in [`crate::d`] are the only values, so that a
/// misspelt directive does not compile; they can be used as patterns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DirectiveId {
    /// Differs from row to row, so that comparing seldom gets to the row.
    key: u64,
    row: &'static Row,
}

impl DirectiveId {
    pub(super) const fn new(row: &'static Row) -> Self {
        let key = hash(hash(0xcbf2_9ce4_8422_2325, row.module), row.name);
        Self { key, row }
    }

    /// The row itself, for as long as the program runs.
    pub(crate) const fn row(self) -> &'static Row {
        self.row
    }
}

/// FNV-1a, which a constant can be made with.
const fn hash(start: u64, text: &str) -> u64 {
    let (mut hash, mut rest) = (start, text.as_bytes());
    while let Some((byte, after)) = rest.split_first() {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
        rest = after;
    }
    hash
}

impl Deref for DirectiveId {
    type Target = Row;

    fn deref(&self) -> &Row {
        self.row
    }
}

impl Hash for DirectiveId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Debug for DirectiveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.module, self.name)
    }
}

/// A set of levels of the configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contexts(u16);

impl Contexts {
    /// No level at all.
    pub const NONE: Contexts = Contexts(0);
}

/// Outside every block.
pub const MAIN: Contexts = Contexts(1);
/// `events { … }`.
pub const EVENTS: Contexts = Contexts(1 << 1);
/// `http { … }`.
pub const HTTP: Contexts = Contexts(1 << 2);
/// `server { … }` in `http`.
pub const SERVER: Contexts = Contexts(1 << 3);
/// `location { … }`.
pub const LOCATION: Contexts = Contexts(1 << 4);
/// `if { … }` in a server; nginx: `NGX_HTTP_SIF_CONF`.
pub const SIF: Contexts = Contexts(1 << 5);
/// `if { … }` in a location; nginx: `NGX_HTTP_LIF_CONF`.
pub const LIF: Contexts = Contexts(1 << 6);
/// `limit_except { … }`; nginx: `NGX_HTTP_LMT_CONF`.
pub const LMT: Contexts = Contexts(1 << 7);
/// `upstream { … }`.
pub const UPSTREAM: Contexts = Contexts(1 << 8);
/// Every level.
pub const ANYWHERE: Contexts = Contexts(u16::MAX);

impl Contexts {
    /// Whether every level of `other` is among these.
    #[must_use]
    pub const fn contains(self, other: Contexts) -> bool {
        self.0 & other.0 == other.0
    }

    /// The union, usable in constants.
    #[must_use]
    pub const fn or(self, other: Contexts) -> Contexts {
        Contexts(self.0 | other.0)
    }

    /// The levels by name, in the order nginx's documentation lists them.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        if self == ANYWHERE {
            return vec!["any"];
        }
        const ALL: [(Contexts, &str); 9] = [
            (MAIN, "main"),
            (EVENTS, "events"),
            (HTTP, "http"),
            (SERVER, "server"),
            (LOCATION, "location"),
            (SIF, "if in server"),
            (LIF, "if in location"),
            (LMT, "limit_except"),
            (UPSTREAM, "upstream"),
        ];
        let held = ALL.iter().filter(|(level, _)| self.contains(*level));
        held.map(|(_, name)| *name).collect()
    }
}

impl BitOr for Contexts {
    type Output = Contexts;

    fn bitor(self, other: Contexts) -> Contexts {
        self.or(other)
    }
}

/// How many arguments a directive takes, and whether a block follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arity {
    /// Bit `n` is set when `n` arguments are allowed; bit 15 stands for all larger numbers.
    counts: u16,
    /// Whether a block must follow; otherwise a `;` must.
    block: bool,
}

const fn counts(counts: u16) -> Arity {
    let block = false;
    Arity { counts, block }
}

/// No argument.
pub(super) const NOARGS: Arity = counts(0b1);
/// One argument.
pub(super) const TAKE1: Arity = counts(0b10);
/// Two arguments.
pub(super) const TAKE2: Arity = counts(0b100);
/// Three arguments.
pub(super) const TAKE3: Arity = counts(0b1000);
/// None or one.
pub(super) const TAKE01: Arity = counts(0b11);
/// None, one or two.
pub(super) const TAKE012: Arity = counts(0b111);
/// One or two.
pub(super) const TAKE12: Arity = counts(0b110);
/// Two or three.
pub(super) const TAKE23: Arity = counts(0b1100);
/// One to three.
pub(super) const TAKE123: Arity = counts(0b1110);
/// One to four.
pub(super) const TAKE1234: Arity = counts(0b1_1110);
/// One or more; nginx: `NGX_CONF_1MORE`.
pub(super) const MORE1: Arity = counts(!0b1);
/// Two or more; nginx: `NGX_CONF_2MORE`.
pub(super) const MORE2: Arity = counts(!0b11);
/// Exactly one, `on` or `off`.
pub(super) const FLAG: Arity = TAKE1;

impl Arity {
    /// The same counts, with a block to follow.
    #[must_use]
    pub const fn block(self) -> Arity {
        let Arity { counts, .. } = self;
        Arity {
            counts,
            block: true,
        }
    }

    /// Whether a block must follow.
    #[must_use]
    pub const fn is_block(self) -> bool {
        self.block
    }

    /// Whether `n` arguments are allowed. Beyond seven only the open-ended arities allow them
    /// (nginx: `NGX_CONF_MAX_ARGS`).
    #[must_use]
    pub fn allows(self, n: usize) -> bool {
        let bit = if n > 7 { 15 } else { n };
        self.counts >> bit & 1 == 1
    }
}

/// Where a value comes from if a level does not set it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inherit {
    /// From the nearest enclosing level that sets it; a list is taken as a whole.
    Nearest,
    /// Out of an `if` or `limit_except`, from the location around it; else from nowhere. It is how
    /// directives that say who answers are inherited.
    Location,
    /// From nowhere: it holds only for the level it stands in.
    Own,
}

/// What a directive does in this build.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// What nginx's documentation says.
    Honoured,
    /// What nginx's documentation says, but for the difference described.
    Differs(&'static str),
    /// Nothing, because it tunes a mechanism that is not there; the text says which. It is read
    /// and checked, and noted once at level `notice`.
    Accepted(&'static str),
    /// Loading fails with this message.
    Refused(&'static str),
    /// Loading fails: nobody has built it yet. Turn it into [`Effect::Honoured`] when you do.
    Unsupported,
}

/// The default of a row, of which the macro finds one or none.
pub(super) const fn first(found: &[&'static str]) -> Option<&'static str> {
    match found {
        [default, ..] => Some(default),
        [] => None,
    }
}
