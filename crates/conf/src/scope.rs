//! One level of a configuration, and typed access to what holds there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use portunus_conf_syntax::{Directive, Position, Word};

use crate::config::Config;
use crate::level::{Item, Level, LevelId};
use crate::table::{Contexts, DirectiveId, Inherit, Kind, LIF, LMT};
use crate::value;

/// A level of a configuration: the main one, or a block such as `server`.
///
/// All values are resolved: from the nearest enclosing level that sets the directive, else from the
/// default in the table. Since the configuration has been checked, every value can be read; asking a
/// directive for a value of another kind than its row says gives the empty value of that kind.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub(crate) config: &'a Config,
    pub(crate) level: LevelId,
}

/// A number of buffers and the size of each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Buffers {
    /// How many there are.
    pub number: u64,
    /// Size of each in bytes.
    pub size: u64,
}

/// Media types that a filter applies to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MimeTypes {
    /// Every type (`*`).
    All,
    /// These types, in lower case.
    These(Vec<Vec<u8>>),
}

impl<'a> Scope<'a> {
    fn data(self) -> &'a Level {
        &self.config.levels.levels[self.level]
    }

    fn directive_of(self, item: &Item) -> &'a Directive {
        &self.config.levels.directives[item.directive]
    }

    /// What kind of level it is.
    #[must_use]
    pub fn context(self) -> Contexts {
        self.data().context
    }

    /// The level around it.
    #[must_use]
    pub fn parent(self) -> Option<Scope<'a>> {
        self.data().parent.map(|level| Scope { level, ..self })
    }

    /// The directive whose block this is; `None` for the main level.
    #[must_use]
    pub fn directive(self) -> Option<&'a Directive> {
        self.data()
            .block
            .map(|index| &self.config.levels.directives[index])
    }

    /// The arguments of the directive whose block this is.
    #[must_use]
    pub fn args(self) -> &'a [Word] {
        self.directive().map_or(&[], |directive| &directive.args)
    }

    /// Where nginx reports what it finds when the block ends, and when that is.
    #[must_use]
    pub fn end(self) -> (Option<Position>, u32) {
        let block = self
            .directive()
            .and_then(|directive| directive.block.as_ref());
        (
            block.map(portunus_conf_syntax::Block::report_at),
            self.data().end_order,
        )
    }

    /// This level and those around it, innermost first.
    pub fn levels(self) -> impl Iterator<Item = Scope<'a>> {
        std::iter::successors(Some(self), |scope| scope.parent())
    }

    /// All directives of this level, in order, each with its row and the level that its block is.
    pub fn directives(
        self,
    ) -> impl DoubleEndedIterator<Item = (DirectiveId, &'a Directive, Option<Scope<'a>>)> {
        let items = self.data().items.iter();
        items.map(move |item| {
            let inner = item.level.map(|level| Scope { level, ..self });
            (item.id, self.directive_of(item), inner)
        })
    }

    /// The blocks of one name in this level, in order.
    pub fn children(self, id: DirectiveId) -> impl Iterator<Item = Scope<'a>> {
        self.directives()
            .filter(move |(row, ..)| *row == id)
            .filter_map(|(.., inner)| inner)
    }

    /// The first block of a name.
    #[must_use]
    pub fn child(self, id: DirectiveId) -> Option<Scope<'a>> {
        self.children(id).next()
    }

    /// The directives of one name in this level alone.
    pub fn own(self, id: DirectiveId) -> impl DoubleEndedIterator<Item = &'a Directive> {
        self.directives()
            .filter(move |(row, ..)| *row == id)
            .map(|(_, directive, _)| directive)
    }

    /// Whether this level itself has a directive.
    #[must_use]
    pub fn set_here(self, id: DirectiveId) -> bool {
        self.own(id).next().is_some()
    }

    /// The level whose directives of this name hold here: by the row's rule the nearest that has
    /// any, or this one alone.
    #[must_use]
    pub fn origin(self, id: DirectiveId) -> Option<Scope<'a>> {
        match id.inherit {
            Inherit::Nearest => self.levels().find(|level| level.set_here(id)),
            Inherit::Location => {
                let inner = |level: &Scope<'_>| (LIF | LMT).contains(level.context());
                let around = self.levels().find(|level| !inner(level));
                let mut levels = self.levels().take_while(inner).chain(around);
                levels.find(|level| level.set_here(id))
            }
            Inherit::Own => Some(self).filter(|level| level.set_here(id)),
        }
    }

    /// All directives of this name that hold here, in order.
    #[must_use]
    pub fn all(self, id: DirectiveId) -> Vec<&'a Directive> {
        self.origin(id)
            .map_or_else(Vec::new, |level| level.own(id).collect())
    }

    /// The directive of this name that holds here.
    #[must_use]
    pub fn find(self, id: DirectiveId) -> Option<&'a Directive> {
        self.origin(id).and_then(|level| level.own(id).next_back())
    }

    /// Its first argument; `None` where it is set nowhere.
    #[must_use]
    pub fn word(self, id: DirectiveId) -> Option<&'a Word> {
        self.find(id).and_then(|directive| directive.args.first())
    }

    /// Its arguments; none where it is set nowhere.
    #[must_use]
    pub fn words(self, id: DirectiveId) -> &'a [Word] {
        self.find(id).map_or(&[], |directive| &directive.args)
    }

    /// Its first argument, or the default.
    #[must_use]
    pub fn text(self, id: DirectiveId) -> Option<&'a [u8]> {
        let default = id.row().default.map(str::as_bytes);
        self.word(id).map(Word::as_bytes).or(default)
    }

    /// Whether it is `on`.
    #[must_use]
    pub fn flag(self, id: DirectiveId) -> bool {
        self.text(id)
            .is_some_and(|text| text.eq_ignore_ascii_case(b"on"))
    }

    /// A number; `None` where there is neither value nor default.
    #[must_use]
    pub fn number(self, id: DirectiveId) -> Option<u64> {
        let number = self
            .text(id)
            .and_then(|text| value::parse_number(text).ok());
        number.and_then(|number| u64::try_from(number).ok())
    }

    /// Access rights as bits of a file's mode. nginx: `ngx_conf_set_access_slot`.
    #[must_use]
    pub fn access(self, id: DirectiveId) -> u32 {
        let mut mode = 0o600;
        for word in self.words(id) {
            let mut parts = word.as_bytes().splitn(2, |byte| *byte == b':');
            let shift = match parts.next() {
                Some(b"user") => {
                    mode &= 0o077;
                    6
                }
                Some(b"group") => 3,
                _ => 0,
            };
            let right = if parts.next() == Some(b"rw") { 6 } else { 4 };
            mode |= right << shift;
        }
        mode
    }

    /// A size in bytes; 0 where there is neither value nor default.
    #[must_use]
    pub fn size(self, id: DirectiveId) -> u64 {
        self.text(id)
            .and_then(|text| value::parse_size(text).ok())
            .unwrap_or(0)
    }

    /// A file size in bytes; `None` where there is neither value nor default.
    #[must_use]
    pub fn offset(self, id: DirectiveId) -> Option<u64> {
        self.text(id)
            .and_then(|text| value::parse_offset(text).ok())
    }

    /// A time; zero where there is neither value nor default.
    #[must_use]
    pub fn duration(self, id: DirectiveId) -> Duration {
        let parse = match id.kind {
            Kind::Sec => value::parse_sec,
            _ => value::parse_msec,
        };
        self.text(id)
            .and_then(|text| parse(text).ok())
            .unwrap_or_default()
    }

    /// One of the words of an enumeration, spelt as in its row.
    #[must_use]
    pub fn enumeration(self, id: DirectiveId) -> &'static str {
        let Kind::Enumeration(words) = id.kind else {
            return "";
        };
        let text = self.text(id).unwrap_or_default();
        let found = words
            .iter()
            .find(|word| word.as_bytes().eq_ignore_ascii_case(text));
        found.copied().unwrap_or("")
    }

    /// The words of a bit mask that are set, spelt as in its row.
    #[must_use]
    pub fn bits(self, id: DirectiveId) -> Vec<&'static str> {
        let Kind::Bits(words) = id.kind else {
            return Vec::new();
        };
        let set = self.list_or_default(id);
        let is_set = |word: &&&str| {
            set.iter()
                .any(|one| one.eq_ignore_ascii_case(word.as_bytes()))
        };
        words.iter().filter(is_set).copied().collect()
    }

    /// Number and size of buffers.
    #[must_use]
    pub fn buffers(self, id: DirectiveId) -> Buffers {
        let [number, size] = self.list_or_default(id)[..] else {
            return Buffers::default();
        };
        let number = value::parse_number(number)
            .ok()
            .and_then(|number| number.try_into().ok());
        Buffers {
            number: number.unwrap_or(0),
            size: value::parse_size(size).unwrap_or(0),
        }
    }

    /// Media types; those given join the first of the default, which is `text/html`.
    #[must_use]
    pub fn mime_types(self, id: DirectiveId) -> MimeTypes {
        let default: Vec<&[u8]> = default_words(id);
        let given: Vec<&[u8]> = self.args_of_all(id);
        if given.contains(&&b"*"[..]) {
            return MimeTypes::All;
        }
        let types = match given.is_empty() {
            true => default,
            false => default.into_iter().take(1).chain(given).collect(),
        };
        let mut lower: Vec<Vec<u8>> = Vec::new();
        for one in types {
            let one = one.to_ascii_lowercase();
            if !lower.contains(&one) {
                lower.push(one);
            }
        }
        MimeTypes::These(lower)
    }

    /// A path made full: below the prefix unless it is absolute.
    #[must_use]
    pub fn path(self, id: DirectiveId) -> Option<PathBuf> {
        self.text(id).map(|text| self.config.full_path(text))
    }

    /// The prefix of the configuration.
    #[must_use]
    pub fn prefix(self) -> &'a Path {
        self.config.prefix()
    }

    fn args_of_all(self, id: DirectiveId) -> Vec<&'a [u8]> {
        let args = self
            .all(id)
            .into_iter()
            .flat_map(|directive| &directive.args);
        args.map(Word::as_bytes).collect()
    }

    fn list_or_default(self, id: DirectiveId) -> Vec<&'a [u8]> {
        let given = self.args_of_all(id);
        if given.is_empty() {
            default_words(id)
        } else {
            given
        }
    }
}

fn default_words(id: DirectiveId) -> Vec<&'static [u8]> {
    let default = id.row().default.unwrap_or_default();
    default
        .split_ascii_whitespace()
        .map(str::as_bytes)
        .collect()
}

impl PartialEq for Scope<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.config, other.config) && self.level == other.level
    }
}

impl std::fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.directive() {
            Some(directive) => write!(f, "Scope({:?} {:?})", directive.name, directive.args),
            None => f.write_str("Scope(main)"),
        }
    }
}
