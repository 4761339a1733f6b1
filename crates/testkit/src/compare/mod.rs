//! Compares what two servers answer to the same bytes, made comparable before.

mod log;
mod normal;

use std::collections::BTreeSet;

use crate::client::{Field, Head, Response};

pub use log::comparable_log;
pub use normal::normalise;

/// How much of a value is shown.
const SHOWN: usize = 1200;

/// What a server said to one or more requests.
#[derive(Debug)]
pub enum Answer {
    /// As many answers as were awaited.
    Responses(Vec<Response>),
    /// Everything up to the end of the connection.
    Raw(Vec<u8>),
    /// It closed the connection without a word.
    Nothing,
    /// Something that no server should do.
    Failed(String),
}

/// What of the answers can differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aspect {
    /// Whether there is an answer at all, or how many.
    Answer,
    /// The status code.
    Status,
    /// The reason phrase, where the status is the same.
    Reason,
    /// The version of the status line.
    Version,
    /// A field or trailer, its name in lower case.
    Field(String),
    /// The order of the fields.
    Order,
    /// The body.
    Body,
    /// The statuses of the 1xx answers before.
    Interim,
    /// Whether the connection is closed.
    Closing,
    /// Whatever it is, in a note only.
    All,
}

/// One thing in which the answers differ.
#[derive(Debug)]
pub struct Difference {
    /// What.
    pub aspect: Aspect,
    /// That of the reference, for reading.
    pub theirs: String,
    /// Ours, for reading.
    pub ours: String,
}

impl From<crate::Error> for Answer {
    fn from(error: crate::Error) -> Self {
        match error {
            crate::Error::Closed { received, .. } if received.is_empty() => Self::Nothing,
            error => Self::Failed(error.to_string()),
        }
    }
}

/// Compares two answers; what `varies` is not compared, of a field only that it is there.
#[must_use]
pub fn differences(
    theirs: &Answer,
    ours: &Answer,
    varies: &dyn Fn(&Aspect) -> bool,
) -> Vec<Difference> {
    let mut found = Found {
        varies,
        list: Vec::new(),
    };
    match (theirs, ours) {
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
    found.list
}

struct Found<'a> {
    varies: &'a dyn Fn(&Aspect) -> bool,
    list: Vec<Difference>,
}

impl Found<'_> {
    fn varies(&self, aspect: &Aspect) -> bool {
        (self.varies)(aspect)
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
        if status(theirs) == status(ours) {
            let reason = |response: &Response| show_bytes(&response.head.reason);
            self.check(Aspect::Reason, reason(theirs), reason(ours));
        }
        self.check(Aspect::Version, version(theirs), version(ours));
        self.check(Aspect::Interim, interim(theirs), interim(ours));
        self.check_fields(&theirs.head.fields, &ours.head.fields);
        self.check_order(&theirs.head.fields, &ours.head.fields);
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

    /// The order of the names, where they are the same.
    fn check_order(&mut self, theirs: &[Field], ours: &[Field]) {
        let names = |fields: &[Field]| {
            let names = fields.iter().map(|(name, _)| name.to_ascii_lowercase());
            names.collect::<Vec<_>>()
        };
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        let (theirs, ours) = (names(theirs), names(ours));
        if sorted(theirs.clone()) == sorted(ours.clone()) {
            self.check(Aspect::Order, theirs.join(", "), ours.join(", "));
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

/// An answer in a line, for reading.
#[must_use]
pub fn show(answer: &Answer) -> String {
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
