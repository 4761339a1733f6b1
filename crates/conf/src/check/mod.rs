//! nginx's checks on the values of directives, in nginx's words and nginx's order.
//!
//! The levels are walked as nginx reads them: a directive is checked when it is met, a block's
//! content before what can be said only at its end. [`Diagnostics`] sort by that order, so the first
//! error is the one nginx stops at. Checks that merging levels makes are in [`merge`], those after
//! the whole file in [`cycle`].

mod access;
mod cache;
mod core;
mod cycle;
mod hashes;
mod limit;
mod listen;
mod location;
mod log;
mod map;
mod merge;
mod names;
mod process;
mod ranges;
mod regex;
mod rewrite;
mod slots;
mod special;
mod state;
mod upstream;

use std::collections::HashMap;

use portunus_conf_syntax::{Diagnostic, Diagnostics, Directive, Severity, Sources, Word};

pub use self::regex::RegexCheck;
use self::state::{DataPath, State};
use crate::config::{Config, LoadOptions};
use crate::d;
use crate::fault::Fault;
use crate::scope::Scope;
use crate::table::DirectiveId;

/// Checks a whole configuration.
pub(crate) fn check(
    config: &Config,
    sources: &Sources,
    options: &LoadOptions,
    diagnostics: &mut Diagnostics,
) {
    let state = State {
        look_up: options.look_up,
        regex: options.regex,
        ..State::default()
    };
    let mut checker = Checker {
        config,
        sources,
        diagnostics,
        state,
    };
    checker.walk(config.main());
    cycle::check(&mut checker);
}

/// What checking needs at hand.
pub(crate) struct Checker<'a, 'd> {
    config: &'a Config,
    sources: &'a Sources,
    diagnostics: &'d mut Diagnostics,
    state: State<'a>,
}

/// A directive in its place.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    /// The level it stands in.
    scope: Scope<'a>,
    id: DirectiveId,
    directive: &'a Directive,
    /// The directive of the same name before it in the same level.
    earlier: Option<&'a Directive>,
}

/// What a check gives.
type Outcome = Result<(), Fault>;

impl<'a> At<'a> {
    /// A fault if the level has the directive already.
    fn once(&self) -> Outcome {
        match self.earlier {
            Some(_) => Err(Fault::duplicate(self.directive)),
            None => Ok(()),
        }
    }

    /// The directives of the same name before it in the same level.
    fn all_earlier(&self) -> impl Iterator<Item = &'a Directive> {
        let order = self.directive.order;
        let none = self.earlier.is_none();
        let own = self.scope.own(self.id);
        own.take_while(move |directive| !none && directive.order < order)
    }
}

impl<'a> Checker<'a, '_> {
    fn walk(&mut self, scope: Scope<'a>) {
        let mut earlier: HashMap<DirectiveId, &'a Directive> = HashMap::new();
        for (id, directive, inner) in scope.directives() {
            let at = At {
                scope,
                id,
                directive,
                earlier: earlier.insert(id, directive),
            };
            if let Err(fault) = slots::check(self, at) {
                self.report(directive, fault);
            }
            if let Some(inner) = inner {
                self.walk(inner);
                if let Err(fault) = self.check_end(inner) {
                    self.report_end(inner, fault);
                }
            }
        }
    }

    /// What can be said only at the end of a block.
    fn check_end(&mut self, inner: Scope<'a>) -> Outcome {
        let block = inner.directive().map(|directive| &directive.name);
        match block.map(Word::as_bytes) {
            Some(b"upstream") if !inner.set_here(d::UPSTREAM_SERVER) => {
                Err(Fault::new("no servers are inside upstream"))
            }
            Some(b"server") if !inner.set_here(d::LISTEN) => self.add_default_listen(inner),
            Some(b"http") => {
                merge::check(self, inner);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Reports a fault of a directive, or of a line in a block such as `map`.
    fn report(&mut self, directive: &Directive, fault: Fault) {
        let mut diagnostic = Diagnostic::on(directive, Severity::Emerg, fault.message);
        diagnostic.span = fault.span.or(diagnostic.span);
        diagnostic.help = fault.help;
        self.diagnostics.push(diagnostic);
    }

    /// Reports a fault that shows at the end of a block.
    fn report_end(&mut self, scope: Scope<'_>, fault: Fault) {
        let (position, order) = scope.end();
        let mut diagnostic = Diagnostic::new(Severity::Emerg, fault.message, order);
        diagnostic.span = fault
            .span
            .or(scope.directive().map(|directive| directive.name.span));
        diagnostic.report_at = position;
        diagnostic.help = fault.help;
        self.diagnostics.push(diagnostic);
    }

    /// Takes note of a directory that files are kept in. nginx: `ngx_add_path`.
    fn add_path(&mut self, name: &[u8], levels: Vec<i64>, cache: bool, at: At<'a>) -> Outcome {
        let name = name.strip_suffix(b"/").unwrap_or(name);
        let full = self.config.full_path(name);
        let known = self.state.paths.iter().find(|path| path.full == full);
        let Some(known) = known else {
            self.state.paths.push(DataPath {
                full,
                levels,
                cache,
                directive: at.directive,
            });
            return Ok(());
        };
        let (name, place) = (
            full.display(),
            self.sources.describe(known.directive.report_at()),
        );
        if cache || known.cache {
            return Err(Fault::new(format!(
                "the same path name \"{name}\" used in {place} and"
            )));
        }
        if known.levels != levels {
            return Err(Fault::new(format!(
                "the same path name \"{name}\" in {place} has the different levels than"
            )));
        }
        Ok(())
    }

    fn warn(&mut self, directive: &Directive, message: impl Into<String>) {
        self.diagnostics
            .push(Diagnostic::on(directive, Severity::Warn, message));
    }
}
