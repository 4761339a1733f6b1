//! The levels of a configuration: which directives stand in which block, each with its row.
//!
//! Built from the tree of the syntax crate in one pass, which makes the first of nginx's checks
//! on the way: is the name known, may it stand here, does it end as it must, does it have as many
//! arguments as it may (`nginx: ngx_conf_handler`). What fails is reported and left out.

use std::mem;

use portunus_conf_syntax::{Diagnostic, Diagnostics, Directive, Severity, Terminator};

use crate::d;
use crate::table::{
    ANYWHERE, Contexts, DirectiveId, EVENTS, Effect, HTTP, LIF, LMT, LOCATION, MAIN, SERVER, SIF,
    UPSTREAM, foreign_module, rows_named, similar_name,
};

/// Index of a level.
pub(crate) type LevelId = usize;

/// All levels, and all directives that stand in them.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    pub(crate) levels: Vec<Level>,
    pub(crate) directives: Vec<Directive>,
}

/// One level.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) context: Contexts,
    pub(crate) parent: Option<LevelId>,
    /// The directive whose block it is; `None` for the main level.
    pub(crate) block: Option<usize>,
    /// When nginx sees it end.
    pub(crate) end_order: u32,
    pub(crate) items: Vec<Item>,
}

/// A directive of a level.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    pub(crate) id: DirectiveId,
    pub(crate) directive: usize,
    /// The level that its block is, if directives of the table stand in it.
    pub(crate) level: Option<LevelId>,
}

impl Levels {
    /// Sorts the directives of a tree into levels. The main level is number 0.
    pub(crate) fn build(directives: Vec<Directive>, diagnostics: &mut Diagnostics) -> Self {
        let mut levels = Self::default();
        levels.fill(
            Level::new(MAIN, None, None, u32::MAX),
            directives,
            diagnostics,
        );
        levels
    }

    fn fill(
        &mut self,
        level: Level,
        directives: Vec<Directive>,
        diagnostics: &mut Diagnostics,
    ) -> LevelId {
        let context = level.context;
        let level_id = self.levels.len();
        self.levels.push(level);
        for mut directive in directives {
            let id = match resolve(&directive, context) {
                Ok(id) => id,
                Err(diagnostic) => {
                    diagnostics.extend(diagnostic);
                    continue;
                }
            };
            let block = inner_context(id, context)
                .and_then(|inner| directive.block.as_mut().map(|block| (inner, block)))
                .map(|(inner, block)| (inner, block.close_order, mem::take(&mut block.directives)));
            let index = self.directives.len();
            self.directives.push(directive);
            // Nesting is bounded by the parser, so this recursion is too.
            let inner = block.map(|(inner, end_order, directives)| {
                let level = Level::new(inner, Some(level_id), Some(index), end_order);
                self.fill(level, directives, diagnostics)
            });
            self.levels[level_id].items.push(Item {
                id,
                directive: index,
                level: inner,
            });
        }
        level_id
    }
}

impl Level {
    fn new(
        context: Contexts,
        parent: Option<LevelId>,
        block: Option<usize>,
        end_order: u32,
    ) -> Self {
        Self {
            context,
            parent,
            block,
            end_order,
            items: Vec::new(),
        }
    }
}

/// The context within a directive's block; `None` where no directives of the table stand in it.
fn inner_context(id: DirectiveId, outer: Contexts) -> Option<Contexts> {
    let inner = [
        (d::EVENTS, EVENTS),
        (d::HTTP, HTTP),
        (d::SERVER, SERVER),
        (d::LOCATION, LOCATION),
        (d::LIMIT_EXCEPT, LMT),
        (d::UPSTREAM, UPSTREAM),
        (d::IF, if outer == SERVER { SIF } else { LIF }),
    ];
    inner
        .iter()
        .find(|(block, _)| *block == id)
        .map(|(_, context)| *context)
}

/// Finds the row of a directive, making nginx's checks in nginx's order. `Err(None)` is a fault that
/// has been reported already.
fn resolve(directive: &Directive, context: Contexts) -> Result<DirectiveId, Option<Diagnostic>> {
    if matches!(directive.terminator, Terminator::Missing(_)) {
        return Err(None);
    }
    let name = directive.name.message_text();
    let fault = |message| Some(Diagnostic::on(directive, Severity::Emerg, message));
    // nginx compares names as C strings, after their lengths.
    let rows = rows_named(directive.name.as_bytes());
    if rows.is_empty() {
        return Err(
            fault(format!("unknown directive \"{name}\"")).map(|unknown| explain(&name, unknown))
        );
    }
    let Some(row) = rows.iter().find(|row| row.contexts.contains(context)) else {
        let message = format!("\"{name}\" directive is not allowed here");
        let help = format!("it may stand in: {}", allowed(rows));
        return Err(fault(message).map(|diagnostic| diagnostic.with_help(help)));
    };
    let block = directive.block.is_some();
    if block && !row.arity.is_block() {
        return Err(fault(format!(
            "directive \"{name}\" is not terminated by \";\""
        )));
    }
    if !block && row.arity.is_block() {
        return Err(fault(format!("directive \"{name}\" has no opening \"{{\"")));
    }
    if !row.arity.allows(directive.args.len()) {
        return Err(fault(format!(
            "invalid number of arguments in \"{name}\" directive"
        )));
    }
    match row.effect {
        Effect::Refused(message) => Err(fault(message.to_owned())),
        // What asks for nothing is no harm.
        Effect::Unsupported if is_default(directive, *row) => Ok(*row),
        Effect::Unsupported => Err(fault(format!(
            "the \"{name}\" directive is not supported by this build"
        ))),
        _ => Ok(*row),
    }
}

/// Whether a directive sets what holds without it.
fn is_default(directive: &Directive, row: DirectiveId) -> bool {
    match &directive.args[..] {
        [only] => row.default.is_some_and(|default| *only == default),
        _ => false,
    }
}

/// Adds what may have been meant by an unknown name.
fn explain(name: &str, diagnostic: Diagnostic) -> Diagnostic {
    match foreign_module(name) {
        Some(module) => {
            diagnostic.with_help(format!("it belongs to {module}, which is not built in"))
        }
        None => match similar_name(name) {
            Some(known) => diagnostic.with_help(format!("is \"{known}\" meant?")),
            None => diagnostic,
        },
    }
}

fn allowed(rows: &[DirectiveId]) -> String {
    let contexts = rows.iter().fold(Contexts::NONE, |sum, row| {
        if row.contexts == ANYWHERE {
            sum
        } else {
            sum | row.contexts
        }
    });
    contexts.names().join(", ")
}
