//! From pieces of a body to text and commands.
//!
//! ```text
//!  Text ──"<!--#"──▶ BeforeCommand ─▶ Command ─▶ BeforeName ◀──────────────┐
//!   ▲                                    │           │                     │
//!   │                                    │           ▼                     │
//!   │                                    │         Name ─▶ AfterName ─▶ BeforeValue ─▶ Value ─▶ AfterValue
//!   │                                    ▼           │                                             │
//!   └───────────">"── Dash2 ◀──"-"── Dash1 ◀─────────┴─────────────────────────────────────────────┘
//! ```
//!
//! What fits nowhere leads to `Broken`, which lasts until the next `-->`.

use std::ops::Range;

use memchr::memmem::Finder;

/// What a command begins with.
const OPENING: &[u8] = b"<!--#";
/// Longest name of a command, and of a parameter.
///
/// Source: nginx, `NGX_HTTP_SSI_COMMAND_LEN`, `NGX_HTTP_SSI_PARAM_LEN`.
const LONGEST_NAME: usize = 32;

/// What the parser has come upon.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// This part of the piece is text.
    Text(Range<usize>),
    /// Bytes of earlier pieces that looked like the beginning of a command are text as well.
    Held(&'static [u8]),
    /// A command has ended.
    Command(RawCommand),
    /// What began as a command was none; with what is wrong, in nginx's words.
    Broken(String),
}

/// A command as it is written.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RawCommand {
    /// Its name.
    pub name: Vec<u8>,
    /// Its parameters, in order; quotes gone, backslashes still there.
    pub parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

impl RawCommand {
    /// The command as text, so that a block can be looked through later.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(OPENING);
        out.extend_from_slice(&self.name);
        for (name, value) in &self.parameters {
            for part in [b" ", &name[..], b"=\"", &value[..], b"\""] {
                out.extend_from_slice(part);
            }
        }
        out.extend_from_slice(b" -->");
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Outside of commands; so many bytes of the opening have been seen at the end of a piece.
    Text {
        held: usize,
    },
    BeforeCommand,
    Command,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    /// Within quotes of that kind.
    Value {
        quote: u8,
    },
    /// Behind a backslash within quotes of that kind.
    Escaped {
        quote: u8,
    },
    AfterValue,
    Dash1,
    Dash2,
    /// What is wrong has been noted; so many dashes have been seen.
    Broken {
        dashes: usize,
    },
}

/// Finds commands in one body.
#[derive(Debug)]
pub struct Parser {
    state: State,
    opening: Finder<'static>,
    longest_value: usize,
    command: RawCommand,
    complaint: String,
}

impl Parser {
    /// `longest_value`: bytes that the value of a parameter may have.
    #[must_use]
    pub fn new(longest_value: usize) -> Self {
        Self {
            state: State::Text { held: 0 },
            opening: Finder::new(OPENING),
            longest_value,
            command: RawCommand::default(),
            complaint: String::new(),
        }
    }

    /// The next thing in `piece` from `at` on, which is moved behind it; none when the piece is used up.
    pub fn next(&mut self, piece: &[u8], at: &mut usize) -> Option<Event> {
        while let Some(rest) = piece.get(*at..).filter(|rest| !rest.is_empty()) {
            let State::Text { held } = self.state else {
                *at += 1;
                match self.take(rest[0]) {
                    None => continue,
                    event => return event,
                }
            };
            if held > 0 {
                let wanted = &OPENING[held..];
                let known = wanted.len().min(rest.len());
                if wanted[..known] != rest[..known] {
                    self.state = State::Text { held: 0 };
                    return Some(Event::Held(&OPENING[..held]));
                }
                *at += known;
                self.opened(held + known);
                continue;
            }
            let start = *at;
            let (end, seen) = match self.opening.find(rest) {
                Some(found) => (start + found, OPENING.len()),
                None => (piece.len() - tail(rest), tail(rest)),
            };
            *at = end + seen;
            self.opened(seen);
            if end > start {
                return Some(Event::Text(start..end));
            }
        }
        None
    }

    /// What the end of the body leaves as text: the beginning of an opening. A command without an end is dropped.
    ///
    /// Differs: nginx drops the former, too.
    #[must_use]
    pub fn finish(&self) -> &'static [u8] {
        match self.state {
            State::Text { held } => &OPENING[..held],
            _ => b"",
        }
    }

    fn opened(&mut self, seen: usize) {
        self.state = if seen == OPENING.len() {
            State::BeforeCommand
        } else {
            State::Text { held: seen }
        };
    }

    /// Takes one byte of a command.
    fn take(&mut self, byte: u8) -> Option<Event> {
        let blank = matches!(byte, b' ' | b'\r' | b'\n' | b'\t');
        let next = match self.state {
            State::BeforeCommand | State::BeforeName | State::AfterName | State::BeforeValue
                if blank =>
            {
                self.state
            }
            State::BeforeCommand => {
                self.command = RawCommand {
                    name: vec![byte],
                    parameters: Vec::new(),
                };
                State::Command
            }
            State::Command if blank => State::BeforeName,
            State::AfterValue if blank => State::BeforeName,
            State::Command | State::BeforeName | State::AfterValue if byte == b'-' => State::Dash1,
            State::Command => self.name_of_command(byte),
            State::BeforeName => {
                self.command.parameters.push((vec![byte], Vec::new()));
                State::Name
            }
            State::Name if blank => State::AfterName,
            State::Name | State::AfterName if byte == b'=' => State::BeforeValue,
            State::Name if byte != b'-' => self.name(byte),
            State::Name | State::AfterName => self.misplaced(byte, "after", "parameter"),
            State::BeforeValue if matches!(byte, b'"' | b'\'') => State::Value { quote: byte },
            State::BeforeValue => self.misplaced(byte, "before value of", "parameter"),
            State::Value { quote } if byte == quote => State::AfterValue,
            State::Value { quote } if byte == b'\\' => self.value(byte, State::Escaped { quote }),
            State::Value { quote } | State::Escaped { quote } => {
                self.value(byte, State::Value { quote })
            }
            State::AfterValue => self.after_value(byte),
            State::Dash1 if byte == b'-' => State::Dash2,
            State::Dash2 if byte == b'>' => {
                self.state = State::Text { held: 0 };
                return Some(Event::Command(std::mem::take(&mut self.command)));
            }
            State::Dash1 | State::Dash2 => self.broken(format!(
                "unexpected \"{}\" symbol in \"{}\" SSI command",
                char::from(byte),
                shown(&self.command.name)
            )),
            State::Broken { dashes: 2 } if byte == b'>' => {
                self.state = State::Text { held: 0 };
                return Some(Event::Broken(std::mem::take(&mut self.complaint)));
            }
            // As in nginx three dashes in a row do not end a command.
            State::Broken { dashes } if byte == b'-' && dashes < 2 => {
                State::Broken { dashes: dashes + 1 }
            }
            State::Broken { .. } | State::Text { .. } => State::Broken { dashes: 0 },
        };
        self.state = next;
        None
    }

    fn name_of_command(&mut self, byte: u8) -> State {
        if self.command.name.len() < LONGEST_NAME {
            self.command.name.push(byte);
            return State::Command;
        }
        self.broken(format!(
            "the \"{}{}...\" SSI command is too long",
            shown(&self.command.name),
            char::from(byte)
        ))
    }

    fn name(&mut self, byte: u8) -> State {
        if let Some((name, _)) = self.command.parameters.last_mut()
            && name.len() < LONGEST_NAME
        {
            name.push(byte);
            return State::Name;
        }
        let (name, _) = self.parameter();
        self.broken(format!(
            "too long \"{}{}...\" parameter in \"{}\" SSI command",
            shown(name),
            char::from(byte),
            shown(&self.command.name)
        ))
    }

    fn value(&mut self, byte: u8, then: State) -> State {
        if let Some((_, value)) = self.command.parameters.last_mut()
            && value.len() < self.longest_value
        {
            value.push(byte);
            return then;
        }
        let (name, value) = self.parameter();
        self.broken(format!(
            "too long \"{}{}...\" value of \"{}\" parameter in \"{}\" SSI command",
            shown(value),
            char::from(byte),
            shown(name),
            shown(&self.command.name)
        ))
    }

    fn after_value(&mut self, byte: u8) -> State {
        let (name, value) = self.parameter();
        self.broken(format!(
            "unexpected \"{}\" symbol after \"{}\" value of \"{}\" parameter in \"{}\" SSI command",
            char::from(byte),
            shown(value),
            shown(name),
            shown(&self.command.name)
        ))
    }

    /// A byte that cannot stand beside the name of a parameter; a dash may be the end of the command already.
    fn misplaced(&mut self, byte: u8, place: &str, what: &str) -> State {
        let (name, _) = self.parameter();
        let broken = self.broken(format!(
            "unexpected \"{}\" symbol {place} \"{}\" {what} in \"{}\" SSI command",
            char::from(byte),
            shown(name),
            shown(&self.command.name)
        ));
        match (broken, byte) {
            (State::Broken { .. }, b'-') => State::Broken { dashes: 1 },
            (state, _) => state,
        }
    }

    fn broken(&mut self, complaint: String) -> State {
        self.complaint = complaint;
        State::Broken { dashes: 0 }
    }

    /// The parameter that is being read.
    fn parameter(&self) -> (&[u8], &[u8]) {
        let last = self.command.parameters.last();
        last.map_or((b"", b""), |(name, value)| (name, value))
    }
}

/// How many bytes at the end of `text` may begin an opening; it does not hold a whole one.
fn tail(text: &[u8]) -> usize {
    (1..OPENING.len())
        .rev()
        .find(|length| text.ends_with(&OPENING[..*length]))
        .unwrap_or(0)
}

fn shown(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
