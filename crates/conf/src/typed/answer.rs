//! What is answered instead: `error_page`, `try_files`, `index`.

use portunus_conf_syntax::{Directive, Word};

use crate::fault::{Fault, show};
use crate::text::Text;
use crate::value::parse_number;

/// `error_page CODE … [=[CODE]] TARGET`. nginx: `ngx_http_core_error_page`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErrorPage<'a> {
    /// The statuses it stands in for.
    pub codes: Vec<u16>,
    /// The status that is answered.
    pub status: PageStatus,
    /// A path, a named location or a URL; may have variables.
    pub target: &'a Word,
}

/// The status of an error page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageStatus {
    /// The one that led there.
    Same,
    /// `=CODE`
    Fixed(u16),
    /// `=`: whatever the target answers.
    OfTarget,
}

impl<'a> ErrorPage<'a> {
    /// Reads an `error_page`.
    ///
    /// # Errors
    /// If a code is none, or not from 300 to 599, or 499.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let [codes @ .., last, target] = &directive.args[..] else {
            return Err(Fault::of(directive, "has too few arguments"));
        };
        let (codes, status) = match Text::after(last, "=") {
            Some(_) if codes.is_empty() => return Err(Fault::invalid("value", last)),
            Some(Text { bytes: b"", .. }) => (codes.iter().collect(), PageStatus::OfTarget),
            Some(code) => {
                let code = parse_number(code.bytes).map_err(|_| Fault::invalid("value", last))?;
                let code = u16::try_from(code).unwrap_or(u16::MAX);
                // Zero means to nginx what no number means.
                let status = if code == 0 {
                    PageStatus::OfTarget
                } else {
                    PageStatus::Fixed(code)
                };
                (codes.iter().collect(), status)
            }
            None => {
                let all: Vec<&Word> = codes.iter().chain(std::iter::once(last)).collect();
                (all, PageStatus::Same)
            }
        };
        let codes = codes
            .into_iter()
            .map(parse_code)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            codes,
            status,
            target,
        })
    }
}

fn parse_code(word: &Word) -> Result<u16, Fault> {
    let code = parse_number(word.as_bytes())
        .ok()
        .filter(|code| *code != 499);
    let code = code.ok_or_else(|| Fault::invalid("value", word))?;
    let in_range = u16::try_from(code)
        .ok()
        .filter(|code| (300..=599).contains(code));
    in_range.ok_or_else(|| {
        let text = show(word.as_bytes());
        Fault::new(format!("value \"{text}\" must be between 300 and 599")).at(word)
    })
}

/// `try_files CANDIDATE … LAST`. nginx: `ngx_http_try_files`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TryFiles<'a> {
    /// What is looked for, in turn.
    pub candidates: Vec<Candidate<'a>>,
    /// What happens when nothing is found.
    pub last: Fallback<'a>,
}

/// Something that `try_files` looks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate<'a> {
    /// The path, without the final slash of a directory; may have variables.
    pub path: Text<'a>,
    /// Whether it must be a directory.
    pub directory: bool,
}

/// The last argument of `try_files`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fallback<'a> {
    /// `=CODE`
    Code(u16),
    /// `@name`, or a path that is redirected to internally; may have variables.
    Target(&'a Word),
}

impl<'a> TryFiles<'a> {
    /// Reads a `try_files`.
    ///
    /// # Errors
    /// If the code is not a number up to 999.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let Some((last, candidates)) = directive.args.split_last() else {
            return Err(Fault::of(directive, "has no arguments"));
        };
        let candidates = candidates.iter().map(|word| {
            let text = Text::from(word);
            match text.bytes {
                [path @ .., b'/'] => Candidate {
                    path: text.with(path),
                    directory: true,
                },
                _ => Candidate {
                    path: text,
                    directory: false,
                },
            }
        });
        let last = match Text::after(last, "=") {
            Some(code) => {
                let number = parse_number(code.bytes).ok().filter(|code| *code <= 999);
                let number = number.and_then(|code| u16::try_from(code).ok());
                Fallback::Code(number.ok_or_else(|| Fault::invalid("code", last))?)
            }
            None => Fallback::Target(last),
        };
        Ok(Self {
            candidates: candidates.collect(),
            last,
        })
    }
}
