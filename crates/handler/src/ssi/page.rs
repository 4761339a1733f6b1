//! Carries out the commands of one page.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use portunus_filters::ssi::{
    Command, CommandError, Expression, Include, Operand, RawCommand, Verb, expand,
};
use portunus_routing::Regex;
use portunus_uri_path::{Escape, escape, escape_html};

use super::shared::Shared;
use super::{Effect, Inclusion};
use crate::config::Ssi as Rules;
use crate::context::Context;
use crate::subrequest;

/// Shown where a command fails.
const ERROR_MESSAGE: &[u8] = b"[an error occurred while processing the directive]";
/// Shown where a variable has no value.
const NO_VALUE: &[u8] = b"(none)";

/// A page, with the request that it answers.
#[derive(Debug)]
pub(crate) struct Page {
    pub(super) cx: Box<Context>,
    pub(super) rules: Arc<Rules>,
    /// Whether text is shown: not in blocks, nor in branches that were not chosen.
    shown: bool,
    /// A branch has been chosen.
    chosen: bool,
    branch: Branch,
    /// Between `block` and `endblock`.
    in_block: bool,
    encoding: Encoding,
    error_message: Bytes,
}

/// Where in `if … elif … else … endif` the page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Branch {
    Outside,
    If,
    Else,
}

/// How `echo` writes values.
#[derive(Debug, Clone, Copy)]
enum Encoding {
    None,
    Url,
    Entity,
}

/// A command failed; it has been logged.
pub(super) struct Failed;

impl Page {
    /// A page that answers `cx`, which goes its own way: this one works on a copy.
    pub(crate) fn new(cx: &mut Context, rules: &Arc<Rules>) -> Self {
        let mut cx = subrequest::copy_of(cx);
        if cx.inclusion.is_none() {
            cx.inclusion = Some(Box::new(Inclusion::of_page(&cx.slots)));
        }
        Self {
            cx,
            rules: Arc::clone(rules),
            shown: true,
            chosen: false,
            branch: Branch::Outside,
            in_block: false,
            encoding: Encoding::Entity,
            error_message: Bytes::from_static(ERROR_MESSAGE),
        }
    }

    pub(super) fn longest_value(&self) -> usize {
        self.rules.value_length
    }

    /// Whether text is shown here; if it belongs to a block, that takes it.
    pub(super) fn shows_text(&mut self, text: &[u8]) -> bool {
        if !self.shown && self.in_block {
            self.put_in_block(|block| block.extend_from_slice(text));
        }
        self.shown
    }

    fn put_in_block(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        let shared = self.shared();
        if let Some((_, text)) = shared.blocks.borrow_mut().last_mut() {
            put(text);
        }
    }

    /// What is shown in the place of a command that failed.
    pub(super) fn fail(&self, complaint: fmt::Arguments<'_>) -> Effect {
        self.cx.log_error(complaint);
        self.failure()
    }

    fn failure(&self) -> Effect {
        if self.rules.silent_errors {
            return Effect::Nothing;
        }
        Effect::Text(self.error_message.clone())
    }

    /// Carries out a command.
    pub(super) fn carry_out(&mut self, raw: RawCommand) -> Effect {
        let verb = match Verb::of(&raw.name) {
            Ok(verb) => verb,
            Err(error) if self.shown => return self.fail(format_args!("{error}")),
            Err(_) => return Effect::Nothing,
        };
        // `elif`, `else` and `endif` count everywhere, and `endblock` ends a block.
        let least = match verb {
            Verb::Elif | Verb::Else => Some(Branch::If),
            Verb::Endif => Some(Branch::Else),
            _ => None,
        };
        if !self.shown && verb != Verb::Endblock {
            if self.in_block {
                self.put_in_block(|block| raw.append_to(block));
                return Effect::Nothing;
            }
            if least.is_none() {
                return Effect::Nothing;
            }
        }
        if let Some(most) = least
            && (self.branch == Branch::Outside || self.branch > most)
        {
            let name = String::from_utf8_lossy(&raw.name).into_owned();
            return self.fail(format_args!("{}", CommandError::Context(name)));
        }
        match verb.read(raw) {
            Ok(command) => self.obey(command).unwrap_or_else(|Failed| self.failure()),
            Err(error) => self.fail(format_args!("{error}")),
        }
    }

    fn obey(&mut self, command: Command) -> Result<Effect, Failed> {
        self.catch_up();
        match command {
            Command::Include(include) => return self.include(&include),
            Command::Echo {
                variable,
                default,
                encoding,
            } => return Ok(self.echo(&variable, default, encoding.as_deref())),
            Command::Config {
                message,
                time_format,
            } => {
                if let Some(format) = time_format {
                    self.inclusion_mut().time_format = Some(format.into());
                }
                if let Some(message) = message {
                    self.error_message = message.into();
                }
            }
            Command::Set { variable, value } => {
                let value = self.expand(&value)?;
                let name = variable.to_ascii_lowercase();
                self.shared().set_variable(&name, value);
            }
            Command::If(_) if self.branch != Branch::Outside => {
                self.cx
                    .log_error(format_args!("the \"if\" command inside the \"if\" command"));
                return Err(Failed);
            }
            Command::If(expression) | Command::Elif(expression) => self.choose(&expression)?,
            Command::Else => {
                self.shown = !self.chosen;
                self.branch = Branch::Else;
            }
            Command::Endif => {
                self.shown = true;
                self.chosen = false;
                self.branch = Branch::Outside;
            }
            Command::Block(name) => {
                let shared = self.shared();
                shared.blocks.borrow_mut().push((name, Vec::new()));
                self.shown = false;
                self.in_block = true;
            }
            Command::Endblock => {
                self.shown = true;
                self.in_block = false;
            }
        }
        Ok(Effect::Nothing)
    }

    /// `include`: the rest is in a module of its own.
    fn include(&mut self, include: &Include) -> Result<Effect, Failed> {
        self.ask_for(include).map(Effect::Part)
    }

    /// Decides whether a branch is shown.
    fn choose(&mut self, expression: &[u8]) -> Result<(), Failed> {
        if self.chosen {
            self.shown = false;
            return Ok(());
        }
        let expression = Expression::parse(expression).map_err(|error| self.failed(&error))?;
        let left = self.expand(&expression.left)?;
        let holds = match &expression.right {
            None => !left.is_empty(),
            Some(Operand::Text(text)) => self.expand(text)? == left,
            Some(Operand::Pattern(pattern)) => {
                let pattern = self.expand(pattern)?;
                self.matches(&pattern, &left)?
            }
        };
        self.shown = holds != expression.negative;
        self.chosen = self.shown;
        self.branch = Branch::If;
        Ok(())
    }

    /// Matches, and keeps what was captured.
    fn matches(&self, pattern: &[u8], subject: &[u8]) -> Result<bool, Failed> {
        let regex = Regex::compile(pattern, false).map_err(|error| self.failed(&error))?;
        let groups = regex.groups_of(subject);
        let Some(groups) = groups.map_err(|error| self.failed(&error))? else {
            return Ok(false);
        };
        let text = |group: &Option<std::ops::Range<usize>>| {
            let found = group.clone().and_then(|range| subject.get(range));
            found.unwrap_or_default().to_vec()
        };
        let shared = self.shared();
        for named in regex.names() {
            if let Some(group) = groups.get(named.group) {
                let name = named.name.to_ascii_lowercase();
                shared.set_variable(name.as_bytes(), text(group));
            }
        }
        let taking_part = groups.iter().rposition(Option::is_some);
        let known = taking_part.map_or(0, |last| last + 1);
        *shared.captures.borrow_mut() = groups[..known].iter().map(text).collect();
        Ok(true)
    }

    fn echo(
        &mut self,
        variable: &[u8],
        default: Option<Vec<u8>>,
        encoding: Option<&[u8]>,
    ) -> Effect {
        let value = self.value(&variable.to_ascii_lowercase());
        let value = value.or(default).unwrap_or_else(|| NO_VALUE.to_vec());
        if value.is_empty() {
            return Effect::Nothing;
        }
        match encoding {
            None => {}
            Some(b"none") => self.encoding = Encoding::None,
            Some(b"url") => self.encoding = Encoding::Url,
            Some(b"entity") => self.encoding = Encoding::Entity,
            Some(unknown) => self.cx.log_error(format_args!(
                "unknown encoding \"{}\" in the \"echo\" command",
                unknown.escape_ascii()
            )),
        }
        let mut out = Vec::with_capacity(value.len());
        match self.encoding {
            Encoding::None => out = value,
            Encoding::Url => escape(Escape::Html, &value, &mut out),
            Encoding::Entity => escape_html(&value, &mut out),
        }
        Effect::Text(out.into())
    }

    /// The value of a variable: the page's own, or else one of the request.
    fn value(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        if let Some(value) = self.shared().variable(name) {
            return Some(value);
        }
        let site = Rc::clone(&self.cx.site);
        let variable = site.variable_names.resolve(name)?;
        let mut value = Vec::new();
        self.cx.append_value(&variable, &mut value).then_some(value)
    }

    /// Expands a text with variables.
    pub(super) fn expand(&mut self, text: &[u8]) -> Result<Vec<u8>, Failed> {
        let expanded = expand(text, |name, out| {
            out.extend(self.value(name).unwrap_or_default());
        });
        expanded.map_err(|error| self.failed(&error))
    }

    pub(super) fn failed(&self, error: &dyn fmt::Display) -> Failed {
        self.cx.log_error(format_args!("{error}"));
        Failed
    }

    /// Takes over what subrequests have done to variables of the configuration.
    fn catch_up(&mut self) {
        let shared = self.shared();
        self.cx.slots.clone_from(&shared.slots.borrow());
    }

    pub(super) fn shared(&self) -> Rc<Shared> {
        Rc::clone(&self.inclusion().shared)
    }

    pub(super) fn inclusion(&self) -> &Inclusion {
        let inclusion = self.cx.inclusion.as_deref();
        inclusion.expect("a page has one from its beginning on")
    }

    fn inclusion_mut(&mut self) -> &mut Inclusion {
        let inclusion = self.cx.inclusion.as_deref_mut();
        inclusion.expect("a page has one from its beginning on")
    }
}
