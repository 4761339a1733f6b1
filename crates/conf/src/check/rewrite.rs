//! The rewrite directives.

use super::core::variables;
use super::{At, Outcome};
use crate::fault::Fault;
use crate::table::Special;
use crate::typed::{Condition, Return, Rewrite, parse_variable};

pub(super) fn check(at: At<'_>, special: Special) -> Outcome {
    let directive = at.directive;
    match special {
        Special::Rewrite => Rewrite::parse(directive)?.replacement.variables().map(drop),
        Special::Return => match Return::parse(directive)?.text {
            Some(text) => text.variables().map(drop),
            None => Ok(()),
        },
        Special::If => match Condition::parse(directive)? {
            Condition::Equals { value, .. } => value.variables().map(drop),
            Condition::File { path, .. } => path.variables().map(drop),
            Condition::Truthy(_) | Condition::Matches { .. } => Ok(()),
        },
        Special::Set => {
            let [variable, value] = &directive.args[..] else {
                return Ok(());
            };
            if !variable.as_bytes().starts_with(b"$") {
                return Err(Fault::invalid("variable name", variable));
            }
            parse_variable(variable)?;
            variables(value)
        }
        _ => Ok(()),
    }
}
