//! The kinds of values: nginx's setters of one value (`nginx: ngx_conf_set_flag_slot` and the like).

use portunus_conf_syntax::{Directive, Word};

use super::{At, Checker, Outcome, regex, special};
use crate::fault::{Fault, show};
use crate::table::{Kind, SizeRule};
use crate::text::Text;
use crate::value::{parse_msec, parse_number, parse_offset, parse_sec, parse_size};

/// Checks one directive by the kind of its row.
pub(super) fn check<'a>(checker: &mut Checker<'a, '_>, at: At<'a>) -> Outcome {
    let directive = at.directive;
    match at.id.kind {
        Kind::Words | Kind::TextList | Kind::KeyValue => Ok(()),
        Kind::Bits(words) => check_bits(checker, at, words),
        Kind::MimeTypes => check_mime_types(checker, at),
        Kind::Predicates => directive
            .args
            .iter()
            .try_for_each(|word| Text::from(word).variables().map(drop)),
        Kind::Special(special) => {
            regex::check_first(checker, at, special)?;
            special::check(checker, at, special)?;
            regex::check(checker, at, special)
        }
        _ => {
            at.once()?;
            check_once(at)?;
            if let (Kind::Path, Some((path, levels))) = (at.id.kind, directive.args.split_first()) {
                let levels = levels
                    .iter()
                    .filter_map(|word| parse_number(word.as_bytes()).ok());
                checker.add_path(path.as_bytes(), levels.collect(), false, at)?;
            }
            if at.id.kind == Kind::SizeWith(SizeRule::LowWater) {
                let name = directive.name.message_text();
                checker.warn(directive, format!("\"{name}\" is not supported, ignored"));
            }
            Ok(())
        }
    }
}

/// The kinds that a level may have only one of.
fn check_once(at: At<'_>) -> Outcome {
    let directive = at.directive;
    let Some(word) = directive.args.first() else {
        return Ok(());
    };
    let text = word.as_bytes();
    let value = |error| {
        let fault = Fault::value(directive, word, error);
        match example(at.id.kind) {
            Some(help) => fault.with_help(help),
            None => fault,
        }
    };
    match at.id.kind {
        Kind::Flag => check_flag(directive, word),
        Kind::Number => parse_number(text).map(drop).map_err(value),
        Kind::NumberIn(low, high) => {
            let number = parse_number(text).map_err(value)?;
            if (low..=high).contains(&number) {
                return Ok(());
            }
            Err(Fault::new(format!("value must be between {low} and {high}")).at(word))
        }
        Kind::Size => parse_size(text).map(drop).map_err(value),
        Kind::SizeWith(rule) => check_size(directive, rule, parse_size(text).map_err(value)?),
        Kind::Offset => parse_offset(text).map(drop).map_err(value),
        Kind::Msec => parse_msec(text).map(drop).map_err(value),
        Kind::Sec => parse_sec(text).map(drop).map_err(value),
        Kind::Enumeration(words) => {
            if words
                .iter()
                .any(|one| one.as_bytes().eq_ignore_ascii_case(text))
            {
                return Ok(());
            }
            Err(Fault::invalid("value", word).with_choice(words))
        }
        Kind::Buffers => check_buffers(directive),
        Kind::Path => check_path(directive),
        Kind::AccessRights => check_access_rights(directive),
        Kind::Complex => Text::from(word).variables().map(drop),
        Kind::ComplexSize => {
            let text = Text::from(word);
            if text.has_variables() {
                return text.variables().map(drop);
            }
            parse_size(text.bytes).map(drop).map_err(value)
        }
        _ => Ok(()),
    }
}

/// How values of a kind are written, for those who wrote something else.
fn example(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Number => "a number without a unit is asked for",
        Kind::Size | Kind::SizeWith(_) | Kind::ComplexSize => {
            "bytes are asked for, with k or m for more: 8k, 32m"
        }
        Kind::Offset => "bytes are asked for, with k, m or g for more: 8k, 32m, 1g",
        Kind::Msec => "a time is asked for, in seconds or with a unit: 10, 500ms, 1m30s",
        Kind::Sec => "a time in whole seconds is asked for, or one with a unit: 10, 1m30s, 1d",
        _ => return None,
    })
}

fn check_flag(directive: &Directive, word: &Word) -> Outcome {
    let text = word.as_bytes();
    if text.eq_ignore_ascii_case(b"on") || text.eq_ignore_ascii_case(b"off") {
        return Ok(());
    }
    let (value, name) = (word.message_text(), directive.name.message_text());
    let message =
        format!("invalid value \"{value}\" in \"{name}\" directive, it must be \"on\" or \"off\"");
    Err(Fault::new(message).at(word))
}

fn check_size(directive: &Directive, rule: SizeRule, size: u64) -> Outcome {
    const POOL: u64 = 112;
    const ALIGNMENT: u64 = 16;
    match rule {
        SizeRule::Pool if size < POOL => Err(Fault::new(format!(
            "the pool size must be no less than {POOL}"
        ))),
        SizeRule::Pool if !size.is_multiple_of(ALIGNMENT) => Err(Fault::new(format!(
            "the pool size must be a multiple of {ALIGNMENT}"
        ))),
        SizeRule::GzipWindow if !is_power(size, 512, 32 * 1024) => Err(Fault::of(
            directive,
            "must be 512, 1k, 2k, 4k, 8k, 16k, or 32k",
        )),
        SizeRule::GzipHash if !is_power(size, 512, 128 * 1024) => Err(Fault::of(
            directive,
            "must be 512, 1k, 2k, 4k, 8k, 16k, 32k, 64k, or 128k",
        )),
        SizeRule::Http2Receive if size <= 16 => Err(Fault::of(directive, "value is too small")),
        SizeRule::Http2Preread if size > 0x7fff_ffff => Err(Fault::new(
            "the maximum body preread buffer size is 2147483647",
        )),
        SizeRule::Http2Chunk if size == 0 => Err(Fault::new("the http2 chunk size cannot be zero")),
        _ => Ok(()),
    }
}

fn is_power(size: u64, low: u64, high: u64) -> bool {
    size.is_power_of_two() && (low..=high).contains(&size)
}

fn check_buffers(directive: &Directive) -> Outcome {
    let [number, size] = &directive.args[..] else {
        return Ok(());
    };
    let invalid = |word| Fault::of(directive, "invalid value").at(word);
    if !parse_number(number.as_bytes()).is_ok_and(|number| number > 0) {
        return Err(invalid(number));
    }
    if !parse_size(size.as_bytes()).is_ok_and(|size| size > 0) {
        return Err(invalid(size));
    }
    Ok(())
}

/// nginx: `ngx_conf_set_path_slot`.
fn check_path(directive: &Directive) -> Outcome {
    let mut length = 0;
    let levels = directive.args.get(1..).unwrap_or_default();
    for word in levels {
        let level = parse_number(word.as_bytes()).unwrap_or(0);
        if level == 0 {
            return Err(Fault::of(directive, "invalid value").at(word));
        }
        length += level.saturating_add(1).min(1 << 20);
    }
    // The digits of a file name, and a slash after each level.
    if usize::try_from(length).is_ok_and(|length| length > 10 + levels.len()) {
        return Err(Fault::of(directive, "invalid value"));
    }
    Ok(())
}

/// nginx: `ngx_conf_set_access_slot`.
fn check_access_rights(directive: &Directive) -> Outcome {
    for word in &directive.args {
        let who = ["user:", "group:", "all:"]
            .iter()
            .find_map(|who| Text::after(word, who));
        if !who.is_some_and(|right| matches!(right.bytes, b"rw" | b"r")) {
            return Err(Fault::invalid("value", word));
        }
    }
    Ok(())
}

/// nginx: `ngx_conf_set_bitmask_slot`.
fn check_bits(checker: &mut Checker<'_, '_>, at: At<'_>, words: &[&str]) -> Outcome {
    let index = |word: &Word| {
        words
            .iter()
            .position(|one| one.as_bytes().eq_ignore_ascii_case(word.as_bytes()))
    };
    let mut set: Vec<usize> = at
        .all_earlier()
        .flat_map(|directive| &directive.args)
        .filter_map(index)
        .collect();
    for word in &at.directive.args {
        let index = index(word).ok_or_else(|| Fault::invalid("value", word).with_choice(words))?;
        if set.contains(&index) {
            let text = word.message_text();
            checker.warn(at.directive, format!("duplicate value \"{text}\""));
        }
        set.push(index);
    }
    Ok(())
}

/// nginx: `ngx_http_types_slot`.
fn check_mime_types(checker: &mut Checker<'_, '_>, at: At<'_>) -> Outcome {
    let default = at
        .id
        .default
        .and_then(|default| default.split(' ').next())
        .unwrap_or_default();
    let mut known = vec![default.as_bytes().to_vec()];
    for word in at.all_earlier().flat_map(|directive| &directive.args) {
        known.push(word.as_bytes().to_ascii_lowercase());
    }
    for word in &at.directive.args {
        if known.iter().any(|one| one == b"*") {
            return Ok(());
        }
        let lower = word.as_bytes().to_ascii_lowercase();
        if known.contains(&lower) {
            let text = show(&lower);
            checker.warn(at.directive, format!("duplicate MIME type \"{text}\""));
        } else {
            known.push(lower);
        }
    }
    Ok(())
}
