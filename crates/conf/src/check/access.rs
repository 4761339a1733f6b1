//! Who may do what, and what is added to answers and requests.

use portunus_conf_syntax::Word;

use super::core::variables;
use super::map::clash_of;
use super::names::NameSet;
use super::{At, Checker, Outcome};
use crate::fault::{Fault, show};
use crate::table::Special;
use crate::text::Text;
use crate::typed::{AddHeader, Expires, Param, Who, parse_variable};
use crate::value::parse_number;

pub(super) fn check<'a>(checker: &mut Checker<'a, '_>, at: At<'a>, special: Special) -> Outcome {
    let directive = at.directive;
    let Some(word) = directive.args.first() else {
        return Ok(());
    };
    match special {
        Special::AccessRule => {
            let who = Who::parse_rule(directive)?;
            warn_of_low_bits(checker, at, who, word);
            Ok(())
        }
        Special::AddHeader => AddHeader::parse(directive).map(drop),
        Special::AuthBasicUserFile => {
            at.once()?;
            variables(word)
        }
        Special::AuthRequestSet => {
            if !word.as_bytes().starts_with(b"$") {
                return Err(Fault::invalid("variable name", word));
            }
            parse_variable(word)?;
            directive.args.get(1).map_or(Ok(()), variables)
        }
        Special::Charset => {
            at.once()?;
            if *word == "$" {
                return Err(Fault::new("invalid variable name \"$\"").at(word));
            }
            Ok(())
        }
        Special::Expires => {
            at.once()?;
            Expires::parse(directive).map(drop)
        }
        Special::Mirror => {
            let off = *word == "off";
            let was_off = at
                .earlier
                .is_some_and(|one| one.args.first().is_some_and(|w| *w == "off"));
            if was_off || (off && at.earlier.is_some()) {
                return Err(Fault::duplicate(directive));
            }
            Ok(())
        }
        Special::Param => Param::parse(directive).map(drop),
        Special::PoolSize => {
            at.once()?;
            if *word == "auto" || parse_number(word.as_bytes()).is_ok_and(|number| number > 0) {
                return Ok(());
            }
            let fault = Fault::of(directive, "invalid value").at(word);
            Err(fault.with_help("a number above 0 is asked for, or \"auto\""))
        }
        Special::Lane => {
            at.once()?;
            match directive.args.get(1) {
                Some(slots) if !parse_number(slots.as_bytes()).is_ok_and(|slots| slots > 0) => {
                    let fault = Fault::invalid("number of slots", slots);
                    Err(fault
                        .with_help("a number above 0 is asked for; without one it is half of them"))
                }
                _ => Ok(()),
            }
        }
        Special::RealIpFrom => check_proxy(checker, at, word),
        Special::RealIpHeader => at.once(),
        Special::ValidReferers => check_referers(at),
        _ => Ok(()),
    }
}

fn warn_of_low_bits(checker: &mut Checker<'_, '_>, at: At<'_>, who: Who<'_>, word: &Word) {
    if matches!(who, Who::Network(network) if network.low_bits) {
        let text = word.message_text();
        checker.warn(
            at.directive,
            format!("low address bits of {text} are meaningless"),
        );
    }
}

fn check_proxy(checker: &mut Checker<'_, '_>, at: At<'_>, word: &Word) -> Outcome {
    let who = Who::parse_proxy(at.directive)?;
    warn_of_low_bits(checker, at, who, word);
    if matches!(who, Who::Name(_)) && !checker.state.is_found(word.as_bytes()) {
        let text = show(word.as_bytes());
        return Err(Fault::new(format!("host not found in set_real_ip_from \"{text}\"")).at(word));
    }
    Ok(())
}

/// nginx: `ngx_http_valid_referers`.
fn check_referers(at: At<'_>) -> Outcome {
    let mut names = NameSet::default();
    let add = |names: &mut NameSet, word: &Word| {
        let text = Text::from(word);
        match text.bytes {
            b"" => return Err(Fault::invalid("referer", word)),
            b"none" | b"blocked" | b"server_names" => return Ok(()),
            b"~" => {
                return Err(Fault::new("empty regex in \"~\"").at(word));
            }
            [b'~', ..] => return Ok(()),
            _ => {}
        }
        let host = text.split_at_byte(b'/').map_or(text, |(host, _)| host);
        // The same host with several paths is no conflict.
        let has_path = host.bytes.len() < text.bytes.len();
        match names.add(host.bytes, true) {
            Err(super::names::NameClash::Taken) if has_path => Ok(()),
            Err(clash) => Err(clash_of(host.bytes, word, clash)),
            Ok(()) => Ok(()),
        }
    };
    for word in at.all_earlier().flat_map(|directive| &directive.args) {
        // Faults of these have been reported.
        add(&mut names, word).ok();
    }
    at.directive
        .args
        .iter()
        .try_for_each(|word| add(&mut names, word))
}
