//! The lines `# NAME: VALUE` below a title.

use portunus_testkit::Aspect;

/// What is known about an exchange beside the bytes.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// `# port: N`: which of the configuration's ports.
    pub(crate) port: usize,
    /// `# same connection`: the one of the exchange before.
    pub(crate) same_connection: bool,
    /// `# raw`: the lines are bytes and nothing else, no line ends are added.
    pub(crate) raw: bool,
    /// `# half-close`: nothing more will be sent after the request, and the server is told.
    pub(crate) half_close: bool,
    /// `# then: closed`: the server closes after the answer.
    pub(crate) then_closed: bool,
    /// `# answers: N` or `# answers: raw`.
    pub(crate) answers: Answers,
    /// `# methods: HEAD GET`, where the first word of the request does not tell.
    pub(crate) methods: Vec<String>,
    /// `# expect: 200`: the statuses that the reference gives, so that a case shows what it means to.
    pub(crate) expected: Option<Expected>,
    /// `# take: NAME = BEFORE*AFTER`.
    pub(crate) takes: Vec<Take>,
    /// `# Differs: WHAT: REASON`: differences that are there, and wanted. `# Revised: WHAT: REASON`: those that are there
    /// only with some revisions of the reference.
    pub(crate) differs: Vec<Note>,
    /// `# Varies: WHAT: REASON`: what no two answers have in common.
    pub(crate) varies: Vec<Note>,
}

/// How many answers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    Count(usize),
    /// Everything up to the end of the connection, as bytes.
    Raw,
}

/// What the reference is known to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    Statuses(Vec<u16>),
    /// It closes the connection without a word.
    Nothing,
}

/// A text to take out of the answer, for later requests, where it is `%%NAME%%`.
#[derive(Debug)]
pub(crate) struct Take {
    pub(crate) name: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// A remark about one aspect of the answers.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) aspect: Aspect,
    /// For a status, and for a field if it is said: ours.
    pub(crate) ours: Option<String>,
    /// The difference need not be there.
    pub(crate) is_revised: bool,
}

impl Default for Answers {
    fn default() -> Self {
        Self::Count(1)
    }
}

impl Options {
    /// Adds what a line says.
    ///
    /// # Errors
    /// If it says nothing known.
    pub(crate) fn add(&mut self, line: &str) -> Result<(), String> {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        let bad = || format!("not understood: # {line}");
        match name.trim() {
            "port" => self.port = value.parse().map_err(|_| bad())?,
            "same connection" => self.same_connection = true,
            "raw" => self.raw = true,
            "half-close" => self.half_close = true,
            "then" if value == "closed" => self.then_closed = true,
            "answers" if value == "raw" => self.answers = Answers::Raw,
            "answers" => self.answers = Answers::Count(value.parse().map_err(|_| bad())?),
            "methods" => self.methods = value.split_whitespace().map(str::to_owned).collect(),
            "expect" if value == "nothing" => self.expected = Some(Expected::Nothing),
            "expect" => {
                let statuses = value
                    .split_whitespace()
                    .map(str::parse)
                    .collect::<Result<_, _>>();
                self.expected = Some(Expected::Statuses(statuses.map_err(|_| bad())?));
            }
            "take" => self.takes.push(take(value).ok_or_else(bad)?),
            "Differs" => self.differs.push(note(value).ok_or_else(bad)?),
            "Revised" => self.differs.push(Note {
                is_revised: true,
                ..note(value).ok_or_else(bad)?
            }),
            "Varies" => self.varies.push(note(value).ok_or_else(bad)?),
            _ => return Err(bad()),
        }
        Ok(())
    }
}

/// `NAME = BEFORE*AFTER`.
fn take(value: &str) -> Option<Take> {
    let (name, pattern) = value.split_once(" = ")?;
    let (before, after) = pattern.split_once('*')?;
    let unescape = |text: &str| text.replace("\\r", "\r").replace("\\n", "\n");
    let (name, before, after) = (name.trim().to_owned(), unescape(before), unescape(after));
    Some(Take {
        name,
        before,
        after,
    })
}

/// `WHAT: REASON`; there must be a reason.
fn note(value: &str) -> Option<Note> {
    let (what, reason) = value.split_once(": ")?;
    let mut words = what.split_whitespace();
    let (kind, detail, value) = (words.next()?, words.next(), words.next());
    let aspect = match (kind, detail) {
        ("field", Some(name)) => Aspect::Field(name.to_ascii_lowercase()),
        ("answer", None) => Aspect::Answer,
        ("status", _) => Aspect::Status,
        ("reason", None) => Aspect::Reason,
        ("version", None) => Aspect::Version,
        ("body", None) => Aspect::Body,
        ("interim", None) => Aspect::Interim,
        ("closing", None) => Aspect::Closing,
        ("all", None) => Aspect::All,
        _ => return None,
    };
    let ours = if kind == "status" { detail } else { value };
    (!reason.trim().is_empty()).then_some(Note {
        aspect,
        ours: ours.map(str::to_owned),
        is_revised: false,
    })
}
