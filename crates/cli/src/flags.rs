//! nginx's command line.
//!
//! Source: nginx, `ngx_get_options`: flags may be joined (`-tq`), a value may follow its flag with or
//! without a space.

use portunus_app::Signal;

/// The command line as given, nothing resolved.
#[derive(Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Flags {
    pub(crate) help: bool,
    pub(crate) version: bool,
    pub(crate) configure: bool,
    pub(crate) test: bool,
    pub(crate) dump: bool,
    pub(crate) quiet: bool,
    pub(crate) prefix: Option<String>,
    pub(crate) conf: Option<String>,
    pub(crate) error_log: Option<String>,
    pub(crate) globals: Option<String>,
    pub(crate) signal: Option<Signal>,
}

/// A command line that nginx would refuse, in its words.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FlagError {
    #[error("invalid option: \"{0}\"")]
    Invalid(String),
    #[error("option \"-{0}\" requires {1}")]
    NoValue(char, &'static str),
    #[error("invalid option: \"-s {0}\"")]
    Signal(String),
}

impl Flags {
    /// Reads the arguments behind the program's name.
    pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, FlagError> {
        let mut flags = Self::default();
        let mut args = args.into_iter();
        while let Some(word) = args.next() {
            let Some(letters) = word.strip_prefix('-') else {
                return Err(FlagError::Invalid(word));
            };
            flags.parse_word(letters, &mut args)?;
        }
        Ok(flags)
    }

    fn parse_word(
        &mut self,
        letters: &str,
        rest: &mut impl Iterator<Item = String>,
    ) -> Result<(), FlagError> {
        for (at, letter) in letters.char_indices() {
            if self.set_switch(letter) {
                continue;
            }
            let wanted = match letter {
                'p' => "directory name",
                'c' | 'e' => "file name",
                'g' | 's' => "parameter",
                other => return Err(FlagError::Invalid(other.into())),
            };
            let joined = &letters[at + letter.len_utf8()..];
            let value = if joined.is_empty() {
                rest.next()
            } else {
                Some(joined.to_owned())
            };
            return self.set_value(letter, value.ok_or(FlagError::NoValue(letter, wanted))?);
        }
        Ok(())
    }

    fn set_switch(&mut self, letter: char) -> bool {
        match letter {
            '?' | 'h' => (self.help, self.version) = (true, true),
            'v' => self.version = true,
            'V' => (self.version, self.configure) = (true, true),
            't' => self.test = true,
            'T' => (self.test, self.dump) = (true, true),
            'q' => self.quiet = true,
            _ => return false,
        }
        true
    }

    fn set_value(&mut self, letter: char, value: String) -> Result<(), FlagError> {
        match letter {
            'p' => self.prefix = Some(value),
            'c' => self.conf = Some(value),
            'e' => self.error_log = Some(value),
            'g' => self.globals = Some(value),
            _ => match Signal::from_name(&value) {
                Some(signal) => self.signal = Some(signal),
                None => return Err(FlagError::Signal(value)),
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Flags, FlagError> {
        Flags::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn flags_join_and_values_may_stick() {
        let flags = parse("-tq -c/etc/x.conf -p dir").unwrap();
        assert!(flags.test && flags.quiet);
        assert_eq!(flags.conf.as_deref(), Some("/etc/x.conf"));
        assert_eq!(flags.prefix.as_deref(), Some("dir"));
        assert_eq!(parse("-s reload").unwrap().signal, Some(Signal::Reload));
    }

    #[test]
    fn refusals_use_nginx_words() {
        let told = |line: &str| parse(line).unwrap_err().to_string();
        assert_eq!(told("nonsense"), "invalid option: \"nonsense\"");
        assert_eq!(told("-x"), "invalid option: \"x\"");
        assert_eq!(told("-c"), "option \"-c\" requires file name");
        assert_eq!(told("-p"), "option \"-p\" requires directory name");
        assert_eq!(told("-s now"), "invalid option: \"-s now\"");
    }
}
