//! What commands ask for.

use super::parser::RawCommand;

/// Most parameters of a command (nginx: `NGX_HTTP_SSI_MAX_PARAMS`).
const MOST_PARAMETERS: usize = 16;

/// The name of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the command of that name")]
pub enum Verb {
    Include,
    Echo,
    Config,
    Set,
    If,
    Elif,
    Else,
    Endif,
    Block,
    Endblock,
}

/// A command with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `include`.
    Include(Include),
    /// `echo`.
    Echo {
        /// `var`: name of a variable.
        variable: Vec<u8>,
        /// `default`: what is shown in the place of a variable without a value.
        default: Option<Vec<u8>>,
        /// `encoding`: `none`, `url`, `entity`.
        encoding: Option<Vec<u8>>,
    },
    /// `config`.
    Config {
        /// `errmsg`: what is shown in the place of a command that fails.
        message: Option<Vec<u8>>,
        /// `timefmt`: format of dates.
        time_format: Option<Vec<u8>>,
    },
    /// `set`.
    Set {
        /// `var`.
        variable: Vec<u8>,
        /// `value`.
        value: Vec<u8>,
    },
    /// `if` with its `expr`.
    If(Vec<u8>),
    /// `elif` with its `expr`.
    Elif(Vec<u8>),
    /// `else`.
    Else,
    /// `endif`.
    Endif,
    /// `block` with its `name`.
    Block(Vec<u8>),
    /// `endblock`.
    Endblock,
}

/// `include`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// `virtual` or `file`: what to include, variables not expanded.
    pub target: Vec<u8>,
    /// Whether nothing goes on before it is done: `wait="yes"`, `file`.
    pub wait: bool,
    /// `set`: the variable that takes the answer, which is not shown then.
    pub set: Option<Vec<u8>>,
    /// `stub`: the block that is shown where the answer is empty or an error.
    pub stub: Option<Vec<u8>>,
}

/// What is wrong with a command: the page's fault, in nginx's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each says itself what it is")]
pub enum CommandError {
    #[error("invalid SSI command: \"{0}\"")]
    Unknown(String),
    #[error("invalid context of SSI command: \"{0}\"")]
    Context(String),
    #[error("too many SSI command parameters: \"{0}\"")]
    TooManyParameters(String),
    #[error("duplicate \"{0}\" parameter in \"{1}\" SSI command")]
    Duplicate(String, String),
    #[error("invalid parameter name: \"{0}\" in \"{1}\" SSI command")]
    Parameter(String, String),
    #[error("mandatory \"{0}\" parameter is absent in \"{1}\" SSI command")]
    Absent(&'static str, String),
    #[error("inclusion may be either virtual=\"{0}\" or file=\"{1}\"")]
    VirtualAndFile(String, String),
    #[error("no parameter in \"include\" SSI command")]
    NoTarget,
    #[error("\"set\" and \"stub\" cannot be used together in \"include\" SSI command")]
    SetAndStub,
    #[error("\"wait\" cannot be used with file=\"{0}\"")]
    WaitWithFile(String),
    #[error("invalid value \"{0}\" in the \"wait\" parameter")]
    Wait(String),
}

impl Verb {
    const ALL: [(&'static [u8], Self); 10] = [
        (b"include", Self::Include),
        (b"echo", Self::Echo),
        (b"config", Self::Config),
        (b"set", Self::Set),
        (b"if", Self::If),
        (b"elif", Self::Elif),
        (b"else", Self::Else),
        (b"endif", Self::Endif),
        (b"block", Self::Block),
        (b"endblock", Self::Endblock),
    ];

    /// The command of that name.
    ///
    /// # Errors
    /// [`CommandError::Unknown`].
    pub fn of(name: &[u8]) -> Result<Self, CommandError> {
        let mut all = Self::ALL.iter();
        all.find(|(known, _)| *known == name)
            .map(|(_, verb)| *verb)
            .ok_or_else(|| CommandError::Unknown(text(name)))
    }

    /// Its parameters; the first so many must be there.
    fn parameters(self) -> (&'static [&'static str], usize) {
        match self {
            Self::Include => (&["virtual", "file", "wait", "set", "stub"], 0),
            Self::Echo => (&["var", "default", "encoding"], 1),
            Self::Config => (&["errmsg", "timefmt"], 0),
            Self::Set => (&["var", "value"], 2),
            Self::If | Self::Elif => (&["expr"], 1),
            Self::Block => (&["name"], 1),
            Self::Else | Self::Endif | Self::Endblock => (&[], 0),
        }
    }

    /// Reads the parameters of a command of this name.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn read(self, raw: RawCommand) -> Result<Command, CommandError> {
        let [first, second, third, fourth, fifth] = self.values(raw)?;
        Ok(match self {
            Self::Include => Command::Include(Include::new(first, second, third, fourth, fifth)?),
            Self::Echo => Command::Echo {
                variable: first.unwrap_or_default(),
                default: second,
                encoding: third,
            },
            Self::Config => Command::Config {
                message: first,
                time_format: second,
            },
            Self::Set => Command::Set {
                variable: first.unwrap_or_default(),
                value: second.unwrap_or_default(),
            },
            Self::If => Command::If(first.unwrap_or_default()),
            Self::Elif => Command::Elif(first.unwrap_or_default()),
            Self::Else => Command::Else,
            Self::Endif => Command::Endif,
            Self::Block => Command::Block(first.unwrap_or_default()),
            Self::Endblock => Command::Endblock,
        })
    }

    /// The values in the order of [`Verb::parameters`].
    fn values(self, raw: RawCommand) -> Result<[Option<Vec<u8>>; 5], CommandError> {
        let (known, mandatory) = self.parameters();
        let command = text(&raw.name);
        if raw.parameters.len() > MOST_PARAMETERS {
            return Err(CommandError::TooManyParameters(command));
        }
        let mut values: [Option<Vec<u8>>; 5] = Default::default();
        for (name, value) in raw.parameters {
            let place = known.iter().position(|known| known.as_bytes() == name);
            match place.and_then(|at| values.get_mut(at)) {
                None => return Err(CommandError::Parameter(text(&name), command)),
                Some(Some(_)) => return Err(CommandError::Duplicate(text(&name), command)),
                Some(empty) => *empty = Some(value),
            }
        }
        for (name, value) in known[..mandatory].iter().zip(&values) {
            if value.is_none() {
                return Err(CommandError::Absent(name, command));
            }
        }
        Ok(values)
    }
}

impl Include {
    fn new(
        uri: Option<Vec<u8>>,
        file: Option<Vec<u8>>,
        wait: Option<Vec<u8>>,
        set: Option<Vec<u8>>,
        stub: Option<Vec<u8>>,
    ) -> Result<Self, CommandError> {
        let is_file = file.is_some();
        let target = match (uri, file) {
            (Some(uri), Some(file)) => {
                return Err(CommandError::VirtualAndFile(text(&uri), text(&file)));
            }
            (None, None) => return Err(CommandError::NoTarget),
            (Some(target), None) | (None, Some(target)) => target,
        };
        if set.is_some() && stub.is_some() {
            return Err(CommandError::SetAndStub);
        }
        let wait = match wait {
            None => is_file,
            Some(_) if is_file => return Err(CommandError::WaitWithFile(text(&target))),
            Some(word) if word.eq_ignore_ascii_case(b"yes") => true,
            Some(word) if word.eq_ignore_ascii_case(b"no") => false,
            Some(word) => return Err(CommandError::Wait(text(&word))),
        };
        Ok(Self {
            target,
            wait,
            set,
            stub,
        })
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
