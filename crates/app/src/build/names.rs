//! Which variables a configuration defines itself: `set`, `map` and its kin, named captures.
//!
//! nginx resolves names when the whole configuration has been read, so a variable may be used above
//! the line that defines it; hence this walk over everything before anything is compiled.

use std::collections::{HashMap, HashSet};

use portunus_conf::{Diagnostic, Directive, Scope, Severity, Word};
use portunus_handler::Variable;
use portunus_routing::Slot;

/// Slots of variables that keep a value per request, and numbers of `map` blocks.
#[derive(Debug, Default)]
pub(super) struct Names {
    slots: HashMap<Box<str>, Slot>,
    maps: HashMap<Box<str>, usize>,
    geos: HashMap<Box<str>, usize>,
    splits: HashMap<Box<str>, usize>,
    geo_count: usize,
    split_count: usize,
    /// Definitions of names that nginx keeps for itself.
    clashes: Vec<Diagnostic>,
    /// Names of slots that are worth nothing, and not an empty text, until they are set: those that a group of a regular
    /// expression or an `auth_request_set` fills.
    unset: HashSet<Box<str>>,
    map_count: usize,
}

impl Names {
    /// Finds every definition below a level.
    pub(super) fn collect(root: Scope<'_>) -> Self {
        let mut names = Self::default();
        names.walk(root);
        names
    }

    /// What a name means, or `None` where nothing defines it.
    pub(super) fn resolve(&self, name: &[u8]) -> Option<Variable> {
        let text = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
        let own = self.of_its_own(name, &text);
        let Some(slot) = self.slots.get(text.as_str()) else {
            return own;
        };
        // A name with a meaning of its own keeps it until something sets it.
        let otherwise = own.or_else(|| {
            let empty = !self.unset.contains(text.as_str());
            empty.then_some(Variable::Empty)
        });
        Some(match otherwise {
            Some(other) => Variable::SlotOr(*slot, Box::new(other)),
            None => Variable::Slot(*slot),
        })
    }

    /// What a name means that nothing has set.
    fn of_its_own(&self, name: &[u8], text: &str) -> Option<Variable> {
        let (map, geo, split) = (
            self.maps.get(text).map(|number| Variable::Map(*number)),
            self.geos.get(text).map(|number| Variable::Geo(*number)),
            self.splits.get(text).map(|number| Variable::Split(*number)),
        );
        map.or(geo).or(split).or_else(|| Variable::builtin(name))
    }

    /// Everything that is defined, with what it means.
    pub(super) fn defined(&self) -> Vec<(Box<[u8]>, Variable)> {
        let tables = [&self.maps, &self.geos, &self.splits];
        let names = tables.into_iter().flat_map(HashMap::keys);
        let names = names.chain(self.slots.keys());
        names
            .filter_map(|name| Some((name.as_bytes().into(), self.resolve(name.as_bytes())?)))
            .collect()
    }

    /// The slot of a variable that [`Names::collect`] has seen.
    pub(super) fn slot(&mut self, name: &str) -> Slot {
        let next = u32::try_from(self.slots.len()).map_or(Slot(u32::MAX), Slot);
        *self
            .slots
            .entry(name.to_ascii_lowercase().into())
            .or_insert(next)
    }

    /// How many slots a request needs.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The complaints about definitions of names that are not free.
    pub(super) fn take_clashes(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.clashes)
    }

    /// nginx: `ngx_http_add_variable`.
    fn check_free(&mut self, directive: &Directive, name: &str) {
        if !Variable::is_changeable(&name.to_ascii_lowercase()) {
            let message = format!("the duplicate \"{name}\" variable");
            let clash = Diagnostic::on(directive, Severity::Emerg, message);
            self.clashes.push(clash);
        }
    }

    fn walk(&mut self, scope: Scope<'_>) {
        for (_, directive, block) in scope.directives() {
            self.define(directive);
            if let Some(block) = block {
                self.walk(block);
            } else if directive.name == "map" || directive.name == "geo" {
                self.define_in_block(directive);
            }
        }
    }

    fn define(&mut self, directive: &Directive) {
        match directive.name.as_bytes() {
            b"set" => self.define_slot(directive, directive.args.first()),
            b"auth_request_set" => {
                self.define_slot(directive, directive.args.first());
                let name = directive.args.first().and_then(variable_name);
                self.unset.extend(name);
            }
            b"map" => {
                let number = self.map_count;
                self.map_count += 1;
                if let Some(name) = directive.args.get(1).and_then(variable_name) {
                    self.check_free(directive, &name);
                    // As in nginx the last definition rules.
                    self.maps.insert(name, number);
                }
            }
            b"geo" => {
                let number = self.geo_count;
                self.geo_count += 1;
                if let Some(name) = directive.args.last().and_then(variable_name) {
                    self.check_free(directive, &name);
                    self.geos.insert(name, number);
                }
            }
            b"split_clients" => {
                let number = self.split_count;
                self.split_count += 1;
                if let Some(name) = directive.args.get(1).and_then(variable_name) {
                    self.check_free(directive, &name);
                    self.splits.insert(name, number);
                }
            }
            b"server_name" | b"location" | b"rewrite" | b"if" => {
                directive
                    .args
                    .iter()
                    .for_each(|word| self.define_captures(directive, word));
            }
            _ => {}
        }
    }

    /// Keys of a `map` may be regular expressions with named groups.
    fn define_in_block(&mut self, directive: &Directive) {
        for entry in directive.block.iter().flat_map(|block| &block.directives) {
            self.define_captures(entry, &entry.name);
        }
    }

    fn define_slot(&mut self, directive: &Directive, word: Option<&Word>) {
        if let Some(name) = word.and_then(variable_name)
            && !SETTABLE.contains(&&*name)
        {
            self.check_free(directive, &name);
            self.slot(&name);
        }
    }

    fn define_captures(&mut self, directive: &Directive, word: &Word) {
        let Some(text) = word.as_str() else { return };
        for opener in ["(?<", "(?P<", "(?'"] {
            for (at, _) in text.match_indices(opener) {
                let rest = &text[at + opener.len()..];
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                match end {
                    Some(end) if end > 0 && rest[end..].starts_with(['>', '\'']) => {
                        self.check_free(directive, &rest[..end]);
                        self.slot(&rest[..end]);
                        self.unset.insert(rest[..end].to_ascii_lowercase().into());
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Built-in variables that `set` may change.
const SETTABLE: &[&str] = &["args", "limit_rate"];

/// The name behind the `$` of a word.
pub(super) fn variable_name(word: &Word) -> Option<Box<str>> {
    let name = word.as_str()?.strip_prefix('$')?;
    (!name.is_empty()).then(|| name.to_ascii_lowercase().into())
}
