//! The programs of the rewrite module.

use portunus_conf::{Directive, Scope, d};
use portunus_handler::Variable;
use portunus_routing::LocationMatch;
use portunus_routing::rewrite::{Condition, Program, Return, Rewrite, Step};

use super::names::variable_name;
use super::{Builder, UnknownVariable};

impl Builder<'_> {
    /// What `rewrite`, `if`, `set`, `return` and `break` of a level do; none where there are none.
    pub(super) fn rewrite(
        &mut self,
        scope: Scope<'_>,
        matcher: Option<&LocationMatch>,
    ) -> Option<Program<Variable>> {
        let steps = self.steps(scope, matcher);
        if steps.is_empty() {
            return None;
        }
        let mut program = Program { steps };
        program.each_regex(&mut |regex| regex.bind(|name| self.names.slot(name)));
        Some(program)
    }

    fn steps(&mut self, scope: Scope<'_>, matcher: Option<&LocationMatch>) -> Vec<Step<Variable>> {
        let mut steps = Vec::new();
        for (row, directive, block) in scope.directives() {
            let step = if row == d::SET {
                self.set(directive)
            } else if row == d::REWRITE {
                self.rewrite_step(directive)
            } else if row == d::RETURN {
                self.return_step(directive)
            } else if row == d::BREAK {
                Some(Step::Break)
            } else if row == d::IF {
                block.and_then(|block| self.if_step(directive, block, matcher))
            } else {
                None
            };
            steps.extend(step);
        }
        steps
    }

    fn set(&mut self, directive: &Directive) -> Option<Step<Variable>> {
        let [name, value] = &directive.args[..] else {
            return None;
        };
        let variable = match variable_name(name) {
            Some(known) if &*known == "args" => Variable::Args,
            Some(known) if &*known == "limit_rate" => Variable::LimitRate,
            Some(known) => Variable::Slot(self.names.slot(&known)),
            None => {
                let text = name.message_text();
                self.error_at(directive, name, format!("invalid variable name \"{text}\""));
                return None;
            }
        };
        let value = self.template(directive, value);
        Some(Step::Set {
            name: name.message_text().trim_start_matches('$').into(),
            variable,
            value,
        })
    }

    fn rewrite_step(&mut self, directive: &Directive) -> Option<Step<Variable>> {
        let (pattern, replacement) = (directive.args.first()?, directive.args.get(1)?);
        let flag = directive.args.get(2).map(portunus_conf::Word::as_bytes);
        let resolve = |name: &[u8]| self.names.resolve(name).ok_or(UnknownVariable(name.into()));
        match Rewrite::compile(pattern.as_bytes(), replacement.as_bytes(), flag, resolve) {
            Ok(rewrite) => Some(Step::Rewrite(Box::new(rewrite))),
            Err(error) => {
                self.refuse_value(directive, pattern, &error.to_string());
                None
            }
        }
    }

    fn return_step(&mut self, directive: &Directive) -> Option<Step<Variable>> {
        let code = directive.args.first()?;
        let text = directive.args.get(1).map(portunus_conf::Word::as_bytes);
        let resolve = |name: &[u8]| self.names.resolve(name).ok_or(UnknownVariable(name.into()));
        match Return::compile(code.as_bytes(), text, resolve) {
            Ok(response) => Some(Step::Return(response)),
            Err(error) => {
                self.refuse_value(directive, code, &error.to_string());
                None
            }
        }
    }

    fn if_step(
        &mut self,
        directive: &Directive,
        block: Scope<'_>,
        matcher: Option<&LocationMatch>,
    ) -> Option<Step<Variable>> {
        let words: Vec<_> = directive
            .args
            .iter()
            .map(portunus_conf::Word::as_bytes)
            .collect();
        let resolve = |name: &[u8]| self.names.resolve(name).ok_or(UnknownVariable(name.into()));
        let condition = match Condition::compile(&words, resolve) {
            Ok(condition) => condition,
            Err(error) => {
                let word = directive.args.first()?;
                self.refuse_value(directive, word, &error.to_string());
                return None;
            }
        };
        // In a location the block is a location of its own; in a server only its steps count.
        let in_location = block.levels().any(|level| {
            level
                .directive()
                .is_some_and(|directive| directive.name == "location")
        });
        let location = in_location.then(|| self.level(block, matcher));
        Some(Step::If {
            condition,
            location,
            steps: self.steps(block, matcher),
        })
    }
}
