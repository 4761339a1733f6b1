//! Differences that are wanted (the rows with `Differs:` in config/DIRECTIVES.md), as far as the grammar cannot keep
//! clear of them.

use std::io::Read as _;

use portunus_testkit::{Answer, Aspect, Difference, Response};

use super::talk::Talk;

/// How the length of a body is told.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// Unpacks what is compressed, so that the contents are compared and not the compressors; how long the packed body was,
/// and with static text whether its length was known before, is left out.
pub(crate) fn open_up(answer: &mut Answer) {
    let Answer::Responses(responses) = answer else {
        return;
    };
    for response in responses {
        name_boundary(response);
        forget_refused_length(response);
        let is_packed = response.field("content-encoding") == Some("gzip");
        if !is_packed {
            continue;
        }
        let mut plain = Vec::new();
        let mut reader = flate2::read::MultiGzDecoder::new(response.body.as_slice());
        // What is no gzip, as a file that only says so, stays as it is, its length too.
        if response.body.is_empty() || reader.read_to_end(&mut plain).is_ok() {
            response.body = plain;
            let fields = &mut response.head.fields;
            fields.retain(|(name, _)| !FRAMING.contains(&name.to_ascii_lowercase().as_str()));
        }
    }
}

/// Whether there may be a further request on the connection: after a 412 nginx says that there may, and closes.
pub(crate) fn goes_on(answer: &Answer) -> bool {
    match answer {
        Answer::Responses(responses) => responses
            .iter()
            .all(|one| one.status() != 412 && one.field("connection") == Some("keep-alive")),
        Answer::Raw(_) | Answer::Nothing | Answer::Failed(_) => false,
    }
}

/// Whether what stands behind an answer in the log is the same: nginx forgets the requests that came together with one
/// that it answered by 412.
pub(crate) fn is_logged_alike(talk: &Talk, answer: &Answer) -> bool {
    !talk.pipelined || first(answer).is_some_and(|response| response.status() != 412)
}

/// `client_max_body_size`: a page for a refused head is told of no body. nginx tells a length that is none.
fn forget_refused_length(response: &mut Response) {
    const LINE: &[u8] = b"CONTENT_LENGTH = ";
    let lines = response.body.split_inclusive(|byte| *byte == b'\n');
    let is_none = |value: &[u8]| {
        let value = std::str::from_utf8(value.trim_ascii());
        value.is_ok_and(|value| value.parse::<i64>().is_err())
    };
    let lines = lines.map(|line| match line.strip_prefix(LINE) {
        Some(value) if is_none(value) => b"CONTENT_LENGTH = \n",
        _ => line,
    });
    response.body = lines.collect::<Vec<_>>().concat();
}

/// Gives the parts of several ranges a boundary that both servers have.
fn name_boundary(response: &mut Response) {
    const KEY: &str = "boundary=";
    let kind = response.field("content-type").unwrap_or_default();
    let Some((_, boundary)) = kind.split_once(KEY) else {
        return;
    };
    let boundary = boundary.to_owned();
    let replace = |text: &mut Vec<u8>| {
        // Bodies may be binary: bytes are mapped to characters and back.
        let whole: String = text.iter().map(|byte| char::from(*byte)).collect();
        let named = whole.replace(&boundary, "BOUNDARY");
        *text = named.chars().filter_map(|c| u8::try_from(c).ok()).collect();
    };
    let fields = response.head.fields.iter_mut();
    fields
        .chain(&mut response.trailers)
        .for_each(|(_, value)| replace(value));
    replace(&mut response.body);
}

/// Whether a difference is one that we mean to have.
pub(crate) fn is_wanted(theirs: &Answer, ours: &Answer, difference: &Difference) -> bool {
    // What variables bring into a field may end it: nginx sends it all the same. And it forgets to send what a filter
    // holds back of an answer that is not buffered.
    if let Answer::Failed(why) = theirs {
        let forgotten = why.starts_with("timed out") && matches!(ours, Answer::Responses(_));
        return forgotten || why.starts_with("malformed answer");
    }
    if matches!(theirs, Answer::Nothing) {
        // `error_page`: nginx has no answer where a page for a 412 would have to be asked for elsewhere.
        return first(ours).is_some_and(|own| own.status() == 412);
    }
    let (Some(response), Some(own)) = (first(theirs), first(ours)) else {
        return false;
    };
    let is_packed = response.field("content-encoding") == Some("gzip");
    match &difference.aspect {
        // `gzip_static`: there are ranges of it.
        _ if is_packed && matches!(own.status(), 206 | 416) => true,
        // A packed answer whose length is known lets a client that knows no chunks keep its connection.
        Aspect::Field(name) if name == "connection" => is_packed,
        Aspect::Field(name) if name == "accept-ranges" => {
            is_packed || difference.theirs.contains(" and ")
        }
        // `add_trailer`: behind the parts of `add_after_body` nginx sends a trailer for each of them.
        Aspect::Field(_) if difference.theirs == format!("{0} and {0}", difference.ours) => true,
        // `add_header`: a 416 has it once.
        Aspect::Field(_) | Aspect::Order if response.status() == 416 => true,
        // `fastcgi_pass`: no answer without a body tells its length.
        Aspect::Field(name) if name == "content-length" => response.status() == 204,
        // `fastcgi_pass`: a status without a phrase has its usual one, and blanks before a phrase are none of it.
        Aspect::Reason => match difference.theirs.trim() {
            "" => has_phrase(own.status()),
            theirs => theirs == difference.ours,
        },
        // Two dates are one too many.
        Aspect::Field(name) if name == "last-modified" => difference.theirs.contains(" and "),
        // The clock may have gone on from one server to the other.
        Aspect::Field(name) if name == "expires" => same_day(&difference.theirs, &difference.ours),
        Aspect::Field(name) if name == "cache-control" => {
            same_moment(&difference.theirs, &difference.ours)
        }
        Aspect::Order => unplaced(&difference.theirs) == unplaced(&difference.ours),
        _ => false,
    }
}

fn first(answer: &Answer) -> Option<&Response> {
    match answer {
        Answer::Responses(responses) => responses.first(),
        Answer::Raw(_) | Answer::Nothing | Answer::Failed(_) => None,
    }
}

/// Whether nginx has a phrase for a status: it leaves it out only where an application gave none.
fn has_phrase(status: u16) -> bool {
    matches!(status, 200..=202 | 204 | 206 | 301..=304 | 307 | 308 | 400..=416 | 421 | 429 | 500..=505 | 507)
}

/// Ages that lead to the same time of the day (`expires @15h30m`).
fn same_moment(one: &str, other: &str) -> bool {
    const PATIENCE: u64 = 5;
    let age = |field: &str| {
        let field = field.split(" and ").next()?;
        field.strip_prefix("max-age=")?.parse::<u64>().ok()
    };
    let ages = age(one).zip(age(other));
    ages.is_some_and(|(one, other)| one.abs_diff(other) <= PATIENCE)
}

fn same_day(one: &str, other: &str) -> bool {
    const DAY: usize = "Sat, 03 Feb 2024".len();
    let day = |date: &str| date.get(..DAY).map(str::to_owned);
    one.ends_with("GMT") && other.ends_with("GMT") && day(one) == day(other)
}

/// Names in order, but for those that have a place of their own here and stand where they came from in nginx (a date that
/// is not a file's, a second type), and for repeated ones, which stand together here.
fn unplaced(names: &str) -> Vec<&str> {
    const PLACED: [&str; 5] = [
        "last-modified",
        "content-type",
        "etag",
        "status",
        "location",
    ];
    let mut order = Vec::new();
    for name in names.split(", ") {
        if !PLACED.contains(&name) && !order.contains(&name) {
            order.push(name);
        }
    }
    order
}
