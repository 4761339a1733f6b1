//! Compares two servers' outcomes of one exchange, and checks what the case says about them.

use portunus_testkit::{Answer, Aspect, Difference, Response, differences, show};

use crate::replay::Outcome;
use crate::script::{Exchange, Expected, Note};

/// Compares; gives what is wrong, in sentences. `same_program` says that no difference is wanted.
pub(crate) fn compare(
    exchange: &Exchange,
    theirs: &Outcome,
    ours: &Outcome,
    same_program: bool,
) -> Vec<String> {
    let mut wrong = check_expected(exchange, &theirs.answer);
    let differences = all_differences(exchange, theirs, ours);
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
        if !note.is_revised
            && !differences
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

const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// Whether ours is a compressed form that was made beforehand, and has a length. The reference compresses each answer; so do
/// we until the file is a second old and a thread of low priority has had the time.
fn is_form(theirs: &Outcome, ours: &Outcome) -> bool {
    let (Answer::Responses(theirs), Answer::Responses(ours)) = (&theirs.answer, &ours.answer)
    else {
        return false;
    };
    let ([theirs], [ours]) = (&**theirs, &**ours) else {
        return false;
    };
    theirs.field("content-encoding").is_some()
        && theirs.field("content-encoding") == ours.field("content-encoding")
        && theirs.field("content-length").is_none()
        && ours.field("content-length").is_some()
}

/// The differences of the answers and of what became of the connections.
fn all_differences(exchange: &Exchange, theirs: &Outcome, ours: &Outcome) -> Vec<Difference> {
    // The order of fields is left to `cargo xtask compare`.
    let form = is_form(theirs, ours);
    let framing =
        |aspect: &Aspect| matches!(aspect, Aspect::Field(name) if FRAMING.contains(&&**name));
    let varies = |aspect: &Aspect| {
        let mut notes = exchange.options.varies.iter();
        *aspect == Aspect::Order || notes.any(|note| note.aspect == *aspect)
    };
    let mut list = differences(&theirs.answer, &ours.answer, &varies);
    list.retain(|difference| !(form && framing(&difference.aspect)));
    if theirs.closed != ours.closed && !varies(&Aspect::Closing) {
        list.push(Difference {
            aspect: Aspect::Closing,
            theirs: format!("{:?}", theirs.closed),
            ours: format!("{:?}", ours.closed),
        });
    }
    list
}
