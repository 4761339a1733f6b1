//! What the runner is told: our own options, and those that test runners pass to any test.

use std::path::PathBuf;

use crate::case::Case;

/// The command line.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    words: Vec<String>,
    exact: bool,
    pub(crate) list: bool,
    pub(crate) only_ignored: bool,
    /// The reference takes both parts.
    pub(crate) self_check: bool,
    /// A program in place of our binary.
    pub(crate) binary: Option<PathBuf>,
}

impl Arguments {
    /// Reads the command line; options that are not ours are skipped.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Self {
        let mut parsed = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--self-check" => parsed.self_check = true,
                "--binary" => parsed.binary = arguments.next().map(PathBuf::from),
                "--list" => parsed.list = true,
                "--ignored" => parsed.only_ignored = true,
                "--exact" => parsed.exact = true,
                "--format" | "--test-threads" | "--color" | "--skip" | "--logfile" | "-Z" => {
                    arguments.next();
                }
                option if option.starts_with('-') => {}
                word => parsed.words.push(word.to_owned()),
            }
        }
        parsed
    }

    /// Whether a case is to be run.
    pub(crate) fn wants(&self, case: &Case) -> bool {
        let named = |word: &String| {
            if self.exact {
                case.name == *word || case.group() == word
            } else {
                case.name.contains(word)
            }
        };
        !self.only_ignored && (self.words.is_empty() || self.words.iter().any(named))
    }
}
