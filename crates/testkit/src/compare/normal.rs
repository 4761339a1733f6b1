//! Makes answers of two servers comparable: what is peculiar to one (its ports, its directory, the
//! session it gave) is replaced by the name that stands for it.

use std::collections::BTreeMap;

use super::Answer;
use crate::client::Response;

/// Shorter values stand for too much.
const SHORTEST: usize = 4;

/// In longer bodies nothing is replaced: a port's number may stand there by chance.
const LONGEST: usize = 64 * 1024;

/// The line of nginx's own error pages that names the server.
const SIGNATURE: (&[u8], &[u8]) = (b"<hr><center>", b"</center>");

/// Fields that are never compared.
const IGNORED: [&str; 2] = ["date", "server"];

/// Replaces what is peculiar to one server: the values of these names, and the line of an error page
/// that names the server; `Date` and `Server` go.
pub fn normalise(answer: &mut Answer, names: &BTreeMap<String, String>) {
    match answer {
        Answer::Raw(bytes) => {
            *bytes = replace_signature(&replace_values(bytes, names));
            for field in IGNORED {
                *bytes = drop_raw_field(bytes, field);
            }
        }
        Answer::Responses(responses) => {
            responses
                .iter_mut()
                .for_each(|response| normalise_response(response, names));
        }
        Answer::Nothing | Answer::Failed(_) => {}
    }
}

fn normalise_response(response: &mut Response, names: &BTreeMap<String, String>) {
    let length = response.body.len();
    if length <= LONGEST {
        response.body = replace_signature(&replace_values(&response.body, names));
    }
    let changed = response.body.len() != length;
    let fields = &mut response.head.fields;
    fields.retain(|(name, _)| !IGNORED.contains(&name.to_ascii_lowercase().as_str()));
    for (name, value) in fields.iter_mut().chain(&mut response.trailers) {
        *value = replace_values(value, names);
        if changed && name.eq_ignore_ascii_case("Content-Length") {
            *value = response.body.len().to_string().into_bytes();
        }
    }
}

/// Values by names; the longest first, since one may contain another.
fn replace_values(text: &[u8], names: &BTreeMap<String, String>) -> Vec<u8> {
    let mut names: Vec<_> = names
        .iter()
        .filter(|(_, value)| value.len() >= SHORTEST)
        .collect();
    names.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    let replace = |text: Vec<u8>, (name, value): (&String, &String)| {
        replace_all(text, value.as_bytes(), format!("%%{name}%%").as_bytes())
    };
    names.into_iter().fold(text.to_vec(), replace)
}

fn replace_all(text: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::new();
    let (mut kept, mut at) = (0, 0);
    while let Some(found) = text.get(at..).and_then(|rest| find(rest, from)) {
        let (start, end) = (at + found, at + found + from.len());
        at = end;
        if is_part_of_a_number(&text, start, end) {
            continue;
        }
        replaced.extend_from_slice(text.get(kept..start).unwrap_or_default());
        replaced.extend_from_slice(to);
        kept = end;
    }
    if kept == 0 {
        return text;
    }
    replaced.extend_from_slice(text.get(kept..).unwrap_or_default());
    replaced
}

/// Whether a port's number stands there by chance: in a random boundary, in an `ETag`.
fn is_part_of_a_number(text: &[u8], start: usize, end: usize) -> bool {
    let is = |at: Option<usize>, class: fn(&u8) -> bool| {
        at.and_then(|at| text.get(at)).is_some_and(class)
    };
    let before = start.checked_sub(1);
    let value = text.get(start..end).unwrap_or_default();
    // A letter alone may be one of a text (`a$server_port`).
    let continues = is(before, u8::is_ascii_digit)
        || is(before, u8::is_ascii_hexdigit) && is(start.checked_sub(2), u8::is_ascii_alphanumeric);
    value.iter().all(u8::is_ascii_digit) && (continues || is(Some(end), u8::is_ascii_hexdigit))
}

/// A page may include others.
fn replace_signature(text: &[u8]) -> Vec<u8> {
    let (before, after) = SIGNATURE;
    let (mut replaced, mut rest) = (Vec::new(), text);
    while let Some(start) = find(rest, before).map(|at| at + before.len()) {
        let (head, tail) = rest.split_at(start.min(rest.len()));
        let Some(end) = find(tail, after) else { break };
        replaced.extend_from_slice(head);
        replaced.extend_from_slice(b"%%SERVER%%");
        rest = tail.get(end..).unwrap_or_default();
    }
    replaced.extend_from_slice(rest);
    replaced
}

fn drop_raw_field(text: &[u8], name: &str) -> Vec<u8> {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let is_field = |line: &[u8]| {
        line.get(..=name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(format!("{name}:").as_bytes()))
    };
    lines
        .filter(|line| !is_field(line))
        .collect::<Vec<_>>()
        .concat()
}

/// Where a text is in another.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len().max(1))
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_replaced_where_it_stands_by_itself() {
        let names = BTreeMap::from([
            ("PORT_0".to_owned(), "45123".to_owned()),
            ("ID".to_owned(), "ab12".to_owned()),
        ]);
        for (text, expected) in [
            ("localhost:45123/", "localhost:%%PORT_0%%/"),
            ("45123", "%%PORT_0%%"),
            ("p45123 45123", "p%%PORT_0%% %%PORT_0%%"),
            ("boundary=00451234512398765", "boundary=00451234512398765"),
            ("\"6745123f-9\" 45123", "\"6745123f-9\" %%PORT_0%%"),
            ("xab12x", "x%%ID%%x"),
        ] {
            assert_eq!(replace_values(text.as_bytes(), &names), expected.as_bytes());
        }
    }
}
