//! What is done to a pattern before PCRE sees it.

use std::borrow::Cow;

/// `pattern` as text: bytes that are not UTF-8 become `\xHH`, which means the same to PCRE.
pub(super) fn as_text(pattern: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(pattern) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(pattern.len() + 8);
    for chunk in pattern.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    Cow::Owned(text)
}

/// Replaces every `$` that is an assertion by `\z`, the end and nothing but the end.
///
/// PCRE has a compile option for this (`PCRE2_DOLLAR_ENDONLY`), which the crate does not offer.
/// A pattern that switches on lines (`(?m)`) means something else by `$`, and one that switches on
/// comments (`(?x)`) cannot be scanned so simply: both stay as they are.
pub(super) fn anchor_dollars(pattern: &str) -> Cow<'_, str> {
    if !pattern.contains('$') || has_settings(pattern, "mx") {
        return Cow::Borrowed(pattern);
    }
    let mut out = String::with_capacity(pattern.len() + 2);
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '$' => {
                out.push_str("\\z");
                rest = &rest[1..];
                continue;
            }
            '\\' => escape_length(rest),
            '[' => class_length(rest),
            other => other.len_utf8(),
        };
        let (unit, tail) = rest.split_at(length);
        out.push_str(unit);
        rest = tail;
    }
    Cow::Owned(out)
}

/// Whether any `(?…)` sets one of `letters`.
pub(super) fn has_settings(pattern: &str, letters: &str) -> bool {
    pattern.match_indices("(?").any(|(at, opening)| {
        let options = &pattern[at + opening.len()..];
        let end = options
            .find(|c: char| !c.is_ascii_alphabetic() && c != '^')
            .unwrap_or(0);
        let is_setting = options[end..].starts_with([')', ':', '-']);
        is_setting && options[..end].contains(|letter| letters.contains(letter))
    })
}

/// Length of the escape at the start of `rest`, a `\Q…\E` being one.
pub(super) fn escape_length(rest: &str) -> usize {
    let mut chars = rest.chars().skip(1);
    match chars.next() {
        None => 1,
        Some('Q') => rest.find("\\E").map_or(rest.len(), |at| at + 2),
        // A control letter takes whatever stands behind it.
        Some('c') => 2 + chars.next().map_or(0, char::len_utf8),
        Some(escaped) => 1 + escaped.len_utf8(),
    }
}

/// Length of the character class at the start of `rest`; all of it if it does not end.
pub(super) fn class_length(rest: &str) -> usize {
    let mut at = 1;
    if rest[at..].starts_with('^') {
        at += 1;
    }
    // A bracket in the first place is a member.
    if rest[at..].starts_with(']') {
        at += 1;
    }
    while let Some(first) = rest[at..].chars().next() {
        match first {
            ']' => return at + 1,
            '\\' => at += escape_length(&rest[at..]),
            '[' => at += posix_length(&rest[at..]),
            other => at += other.len_utf8(),
        }
    }
    rest.len()
}

/// Length of `[:name:]` at the start of `rest`, or 1 if it is a bare bracket.
fn posix_length(rest: &str) -> usize {
    let name = rest.strip_prefix("[:").unwrap_or_default();
    let length = name
        .find(|c: char| !c.is_ascii_alphabetic() && c != '^')
        .unwrap_or(0);
    if name[length..].starts_with(":]") {
        length + 4
    } else {
        1
    }
}
