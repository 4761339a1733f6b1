//! Compares two servers' outcomes of one exchange, and checks what the case says about them.

use std::collections::BTreeSet;

use portunus_testkit::{Field, Head, Response};

use crate::replay::{Answer, Outcome};
use crate::script::{Aspect, Exchange, Expected, Note};

/// How much of a value is shown.
const SHOWN: usize = 1200;

/// One thing in which the answers differ.
#[derive(Debug)]
struct Difference {
    aspect: Aspect,
    theirs: String,
    ours: String,
}

/// Compares; gives what is wrong, in sentences. `same_program` says that no difference is wanted.
pub(crate) fn compare(
    exchange: &Exchange,
    theirs: &Outcome,
    ours: &Outcome,
    same_program: bool,
) -> Vec<String> {
    let mut wrong = check_expected(exchange, &theirs.answer);
    let differences = differences(exchange, theirs, ours);
    let notes = if same_program {
        &[][..]
    } else {
        &exchange.options.differs
    };

    for difference in &differences {
        if !notes.iter().any(|note| covers(note, difference)) {
            let Difference {
                aspect,
                theirs,
                ours,
            } = difference;
            wrong.push(format!(
                "{aspect:?} differs\n  reference: {theirs}\n  ours:      {ours}"
            ));
        }
    }
    for note in notes {
        if !differences
            .iter()
            .any(|difference| covers(note, difference))
        {
            let aspect = &note.aspect;
            wrong.push(format!(
                "{aspect:?} does not differ as noted any more; take the note out"
            ));
        }
    }
    wrong
}

/// Whether a note speaks of a difference.
fn covers(note: &Note, difference: &Difference) -> bool {
    let as_said = note
        .ours
        .as_ref()
        .is_none_or(|said| *said == difference.ours);
    note.aspect == Aspect::All || (note.aspect == difference.aspect && as_said)
}

/// The reference must do what the case says it does.
fn check_expected(exchange: &Exchange, theirs: &Answer) -> Vec<String> {
    let (Some(expected), actual) = (&exchange.options.expected, statuses(theirs)) else {
        return Vec::new();
    };
    if actual.as_ref() == Some(expected) {
        return Vec::new();
    }
    vec![format!(
        "the reference was expected to give {expected:?}, but: {}",
        show(theirs)
    )]
}

fn statuses(answer: &Answer) -> Option<Expected> {
    match answer {
        Answer::Responses(responses) => Some(Expected::Statuses(
            responses.iter().map(Response::status).collect(),
        )),
        Answer::Nothing => Some(Expected::Nothing),
        Answer::Raw(_) | Answer::Failed(_) => None,
    }
}

fn differences(exchange: &Exchange, theirs: &Outcome, ours: &Outcome) -> Vec<Difference> {
    let mut found = Found {
        exchange,
        list: Vec::new(),
    };
    match (&theirs.answer, &ours.answer) {
        (Answer::Nothing, Answer::Nothing) => {}
        (Answer::Raw(one), Answer::Raw(other)) => {
            found.check(Aspect::Body, show_bytes(one), show_bytes(other));
        }
        (Answer::Responses(one), Answer::Responses(other)) if one.len() == other.len() => {
            one.iter()
                .zip(other)
                .for_each(|(one, other)| found.check_response(one, other));
        }
        (one, other) => {
            let (theirs, ours) = (show(one), show(other));
            found.list.push(Difference {
                aspect: Aspect::Answer,
                theirs,
                ours,
            });
        }
    }
    found.check(
        Aspect::Closing,
        format!("{:?}", theirs.closed),
        format!("{:?}", ours.closed),
    );
    found.list
}

struct Found<'a> {
    exchange: &'a Exchange,
    list: Vec<Difference>,
}

impl Found<'_> {
    fn varies(&self, aspect: &Aspect) -> bool {
        self.exchange
            .options
            .varies
            .iter()
            .any(|note| note.aspect == *aspect)
    }

    fn check(&mut self, aspect: Aspect, theirs: String, ours: String) {
        if theirs != ours && !self.varies(&aspect) {
            self.list.push(Difference {
                aspect,
                theirs,
                ours,
            });
        }
    }

    fn check_response(&mut self, theirs: &Response, ours: &Response) {
        let status = |response: &Response| response.status().to_string();
        let version = |response: &Response| format!("HTTP/1.{}", response.head.minor);
        let interim = |response: &Response| {
            let statuses = response.interim.iter().map(|head| head.status.to_string());
            statuses.collect::<Vec<_>>().join(" ")
        };
        self.check(Aspect::Status, status(theirs), status(ours));
        self.check(Aspect::Version, version(theirs), version(ours));
        self.check(Aspect::Interim, interim(theirs), interim(ours));
        self.check_fields(&theirs.head.fields, &ours.head.fields);
        self.check_fields(&theirs.trailers, &ours.trailers);
        if theirs.body != ours.body && !self.varies(&Aspect::Body) {
            let at = theirs
                .body
                .iter()
                .zip(&ours.body)
                .take_while(|(a, b)| a == b)
                .count();
            let from = |body: &[u8]| {
                let rest = body.get(at.saturating_sub(40)..).unwrap_or_default();
                format!("{} bytes, from byte {at}: {}", body.len(), show_bytes(rest))
            };
            let (theirs, ours) = (from(&theirs.body), from(&ours.body));
            self.list.push(Difference {
                aspect: Aspect::Body,
                theirs,
                ours,
            });
        }
    }

    /// Fields without regard to the order of names; values of one name in their order.
    fn check_fields(&mut self, theirs: &[Field], ours: &[Field]) {
        let names: BTreeSet<String> = theirs
            .iter()
            .chain(ours)
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
        for name in names {
            let aspect = Aspect::Field(name.clone());
            let varies = self.varies(&aspect);
            let (one, other) = (values(theirs, &name, varies), values(ours, &name, varies));
            if one != other {
                self.list.push(Difference {
                    aspect,
                    theirs: one,
                    ours: other,
                });
            }
        }
    }
}

/// The values of a name; only that they are there, where they vary.
fn values(fields: &[Field], name: &str, varies: bool) -> String {
    let named = fields
        .iter()
        .filter(|(one, _)| one.eq_ignore_ascii_case(name));
    let shown: Vec<String> = named
        .map(|(_, value)| {
            if varies {
                "…".to_owned()
            } else {
                show_bytes(value)
            }
        })
        .collect();
    if shown.is_empty() {
        "none".to_owned()
    } else {
        shown.join(" and ")
    }
}

fn show(answer: &Answer) -> String {
    match answer {
        Answer::Nothing => "closed without an answer".to_owned(),
        Answer::Failed(why) => why.clone(),
        Answer::Raw(bytes) => show_bytes(bytes),
        Answer::Responses(responses) => {
            let shown = responses.iter().map(|response| show_head(&response.head));
            shown.collect::<Vec<_>>().join("; ")
        }
    }
}

fn show_head(head: &Head) -> String {
    let fields = head
        .fields
        .iter()
        .map(|(name, value)| format!("{name}: {}", show_bytes(value)));
    format!(
        "{} ({})",
        head.status,
        fields.collect::<Vec<_>>().join(", ")
    )
}

fn show_bytes(bytes: &[u8]) -> String {
    let shown = bytes.get(..bytes.len().min(SHOWN)).unwrap_or_default();
    let more = if shown.len() < bytes.len() { "…" } else { "" };
    match std::str::from_utf8(shown) {
        Ok(text) => format!("{}{more}", text.replace('\r', "\\r").replace('\n', "\\n")),
        Err(_) => format!("{}{more}", shown.escape_ascii()),
    }
}
