//! Regular expressions, compiled where nginx compiles them: as their directive is read.
//!
//! The engine is the caller's ([`RegexCheck`]); without one, patterns are taken as they are.

use portunus_conf_syntax::Word;

use super::{At, Checker, Outcome};
use crate::fault::{Fault, show};
use crate::table::Special;
use crate::text::Text;
use crate::typed::{Condition, LocationMatch, ProxyRedirect, ServerName};

/// Compiles a pattern, case ignored or not, and tells how many groups it has.
///
/// # Errors
/// What nginx says of it.
pub type RegexCheck = fn(pattern: &[u8], caseless: bool) -> Result<usize, String>;

/// A pattern of a directive.
struct Pattern<'a> {
    text: Text<'a>,
    caseless: bool,
}

/// Checks the patterns of a directive that nginx compiles before anything else is said of it.
pub(super) fn check_first(checker: &Checker<'_, '_>, at: At<'_>, special: Special) -> Outcome {
    match special {
        Special::Location => compile(checker, at, special),
        Special::Rewrite
            if at
                .directive
                .args
                .get(1)
                .is_some_and(|word| !word.as_bytes().is_empty()) =>
        {
            compile(checker, at, special)
        }
        _ => Ok(()),
    }
}

/// Checks the patterns of a directive whose words are as they should be.
pub(super) fn check<'a>(checker: &mut Checker<'a, '_>, at: At<'a>, special: Special) -> Outcome {
    match special {
        Special::Location | Special::Rewrite => Ok(()),
        Special::Map => {
            check_map(checker, at);
            Ok(())
        }
        _ => compile(checker, at, special),
    }
}

fn compile(checker: &Checker<'_, '_>, at: At<'_>, special: Special) -> Outcome {
    let Some(regex) = checker.state.regex else {
        return Ok(());
    };
    for Pattern { text, caseless } in patterns(at, special) {
        let groups =
            regex(text.bytes, caseless).map_err(|message| Fault::new(message).at(text.word))?;
        if special == Special::SplitPathInfo && groups != 2 {
            let pattern = show(text.bytes);
            let message = format!("pattern \"{pattern}\" must have 2 captures");
            return Err(Fault::new(message).at(text.word));
        }
    }
    Ok(())
}

fn patterns(at: At<'_>, special: Special) -> Vec<Pattern<'_>> {
    let directive = at.directive;
    let args = &directive.args;
    match special {
        Special::Location => match LocationMatch::parse(directive) {
            Ok(LocationMatch::Regex {
                pattern: text,
                caseless,
            }) => vec![pattern(text, caseless)],
            _ => Vec::new(),
        },
        Special::If => match Condition::parse(directive) {
            Ok(Condition::Matches {
                pattern: text,
                caseless,
                ..
            }) => vec![pattern(text, caseless)],
            _ => Vec::new(),
        },
        Special::ServerName => args
            .iter()
            .filter_map(|word| match ServerName::parse(word) {
                Ok(ServerName::Regex {
                    pattern: text,
                    caseless,
                }) => Some(pattern(text, caseless)),
                _ => None,
            })
            .collect(),
        Special::ProxyRedirect => match ProxyRedirect::parse(directive) {
            Ok(ProxyRedirect::Regex {
                pattern: text,
                caseless,
                ..
            }) => vec![pattern(text, caseless)],
            _ => Vec::new(),
        },
        Special::Rewrite | Special::SplitPathInfo => {
            let word = args.first().map(Text::from);
            word.map(|text| pattern(text, false)).into_iter().collect()
        }
        Special::GzipDisable => args
            .iter()
            .filter(|word| **word != "msie6" && **word != "degradation")
            .map(|word| pattern(Text::from(word), true))
            .collect(),
        Special::ValidReferers => args
            .iter()
            .filter_map(|word| Text::after(word, "~"))
            .map(|text| pattern(text, true))
            .collect(),
        Special::CookieRule => {
            let tilde = args.first().and_then(marked);
            tilde.into_iter().collect()
        }
        Special::CookieFlags => {
            let tilde = args.first().and_then(|word| Text::after(word, "~"));
            let tilde = tilde.map(|text| pattern(text, true));
            tilde.into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn pattern(text: Text<'_>, caseless: bool) -> Pattern<'_> {
    Pattern { text, caseless }
}

/// `~pattern`, or `~*pattern` to ignore case.
fn marked(word: &Word) -> Option<Pattern<'_>> {
    let caseless = Text::after(word, "~*").map(|text| pattern(text, true));
    caseless.or_else(|| Text::after(word, "~").map(|text| pattern(text, false)))
}

/// Each line of a block is a directive of its own. nginx: `ngx_http_map`.
fn check_map<'a>(checker: &mut Checker<'a, '_>, at: At<'a>) {
    let Some(regex) = checker.state.regex else {
        return;
    };
    for line in at.directive.children() {
        let Some(Pattern { text, caseless }) = marked(&line.name) else {
            continue;
        };
        if let Err(message) = regex(text.bytes, caseless) {
            let fault = Fault::new(message).at(text.word);
            checker.report(line, fault);
        }
    }
}
