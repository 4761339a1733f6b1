//! Regular expressions as nginx compiles and runs them (nginx: `ngx_regex.c`,
//! `ngx_http_regex_exec`).

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, OnceLock};

use pcre2::ErrorKind;
use pcre2::bytes::{CaptureLocations, Regex as Engine, RegexBuilder};

mod captures;
mod pattern;
mod prefilter;

pub use captures::Captures;
use prefilter::Prefilter;

/// Steps that one match may take in compiled code: measured to end within 2 ms.
const COMPILED_STEPS: u32 = 500_000;

/// The same where PCRE interprets the pattern: within 6 ms.
const INTERPRETED_STEPS: u32 = 50_000;

/// What PCRE answers when the stack of compiled code is too small (`PCRE2_ERROR_JIT_STACKLIMIT`).
const STACK_LIMIT_CODE: i32 = -46;

/// The place of a variable that named groups are stored in; the caller numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

/// A group that the pattern gives a name, and so a variable that a match sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedGroup {
    /// The name, and that of the variable.
    pub name: Box<str>,
    /// Number of the group, from 1.
    pub group: usize,
    /// Where the caller keeps the variable; set by [`Regex::bind`].
    pub slot: Option<Slot>,
}

/// A compiled regular expression: PCRE2 over bytes, with JIT where there is one.
///
/// Differs: `$` matches at the very end only, not in front of a final newline; so a path that ends
/// in `%0a` does not pass for one that ends in `.php`. Patterns that switch on `(?m)` or `(?x)`
/// inside are left as they are.
///
/// Differs: a match that takes too many steps fails with [`MatchError`] after a few milliseconds,
/// where nginx goes on for PCRE's ten million.
pub struct Regex {
    engine: Engine,
    /// The same without JIT, made when a subject outgrows the stack of compiled code.
    interpreted: OnceLock<Option<Engine>>,
    /// The pattern as PCRE is given it.
    translated: String,
    prefilter: Option<Prefilter>,
    source: Box<[u8]>,
    caseless: bool,
    groups: usize,
    names: Vec<NamedGroup>,
    /// Match data that is not in use.
    idle: Mutex<Vec<CaptureLocations>>,
}

/// Why a pattern does not compile: the operator's fault, in nginx's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct RegexError {
    message: String,
    pattern: String,
    rest: String,
}

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "pcre2_compile() failed: {} in \"{}\"",
            self.message, self.pattern
        )?;
        if self.rest.is_empty() {
            Ok(())
        } else {
            write!(f, " at \"{}\"", self.rest)
        }
    }
}

/// A match that neither succeeded nor failed, as one that took too many steps; answered with 500.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pcre2_match() failed: {code} on \"{subject}\" using \"{pattern}\"")]
pub struct MatchError {
    /// PCRE2's error number.
    pub code: i32,
    /// What was matched.
    pub subject: String,
    /// The pattern as the operator wrote it.
    pub pattern: String,
}

impl Regex {
    /// Compiles `pattern`; `caseless` is that of `~*`.
    ///
    /// # Errors
    ///
    /// PCRE2's complaint, with the rest of the pattern from where it arose.
    pub fn compile(pattern: &[u8], caseless: bool) -> Result<Regex, RegexError> {
        let plain = pattern::as_text(pattern);
        let anchored = pattern::anchor_dollars(&plain);
        // If it does not compile, then what the operator wrote is what to complain about.
        let (engine, translated) = match build_limited(&anchored, caseless) {
            Ok(engine) => (engine, anchored),
            Err(_) => {
                build(&plain, caseless, false)
                    .map_err(|error| complaint(&error, &plain, pattern))?;
                let engine = build_limited(&plain, caseless)
                    .map_err(|error| complaint(&error, &plain, pattern))?;
                (engine, Cow::Borrowed(&*plain))
            }
        };
        let is_anchored = translated != plain || !plain.contains('$');
        let prefilter = if caseless || !is_anchored {
            None
        } else {
            Prefilter::of(&plain)
        };
        let named = engine.capture_names().iter().enumerate();
        let mut names: Vec<NamedGroup> = named
            .filter_map(|(group, name)| {
                let name = name.as_deref()?.into();
                Some(NamedGroup {
                    name,
                    group,
                    slot: None,
                })
            })
            .collect();
        names.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Regex {
            groups: engine.captures_len() - 1,
            engine,
            interpreted: OnceLock::new(),
            translated: translated.into_owned(),
            prefilter,
            source: pattern.into(),
            caseless,
            names,
            idle: Mutex::new(Vec::new()),
        })
    }

    /// Says where the variable of each named group is kept, so that matches fill it.
    pub fn bind(&mut self, mut slot_of: impl FnMut(&str) -> Slot) {
        for named in &mut self.names {
            named.slot = Some(slot_of(&named.name));
        }
    }

    /// The named groups in the order of their names.
    pub fn names(&self) -> &[NamedGroup] {
        &self.names
    }

    /// How many groups the pattern captures.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// The pattern as the operator wrote it.
    pub fn source(&self) -> &[u8] {
        &self.source
    }

    /// Whether case is ignored.
    pub fn is_caseless(&self) -> bool {
        self.caseless
    }

    /// Whether the pattern occurs in `subject`; captures nothing.
    ///
    /// # Errors
    ///
    /// [`MatchError`] if it takes too many steps.
    #[inline]
    pub fn is_match(&self, subject: &[u8]) -> Result<bool, MatchError> {
        match self.foresee(subject) {
            Some(matches) => Ok(matches),
            None => self.search(subject),
        }
    }

    fn search(&self, subject: &[u8]) -> Result<bool, MatchError> {
        match self.engine.is_match(subject) {
            Err(error) if error.code() == STACK_LIMIT_CODE => match self.interpreted() {
                Some(engine) => engine.is_match(subject),
                None => Err(error),
            },
            result => result,
        }
        .map_err(|error| self.failure(error.code(), subject))
    }

    /// Matches `subject` and, if the pattern occurs in it, stores the groups in `captures`.
    ///
    /// A pattern without groups empties `captures`, a failed match leaves them alone.
    ///
    /// # Errors
    ///
    /// [`MatchError`] if it takes too many steps.
    #[inline]
    pub fn captures(&self, subject: &[u8], captures: &mut Captures) -> Result<bool, MatchError> {
        // Inlined up to here: of a list of expressions, most are turned away.
        let Some(matches) = self.foresee(subject) else {
            return self.search_groups(subject, captures);
        };
        if matches {
            // A pattern that PCRE is not asked about has no groups.
            captures.clear();
        }
        Ok(matches)
    }

    fn search_groups(&self, subject: &[u8], captures: &mut Captures) -> Result<bool, MatchError> {
        if self.groups == 0 {
            let matched = self.search(subject)?;
            if matched {
                captures.clear();
            }
            return Ok(matched);
        }
        let idle = self.idle.try_lock().ok().and_then(|mut idle| idle.pop());
        let mut locations = idle.unwrap_or_else(|| self.engine.capture_locations());
        let result = match self.engine.captures_read(&mut locations, subject) {
            Ok(Some(_)) => {
                captures.record(self, subject, &locations);
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(error) if error.code() == STACK_LIMIT_CODE => {
                self.captures_interpreted(subject, captures, error.code())
            }
            Err(error) => Err(self.failure(error.code(), subject)),
        };
        if let Ok(mut idle) = self.idle.try_lock() {
            idle.push(locations);
        }
        result
    }

    /// Matches `subject`; where the pattern occurs, what each group took, from the whole match on.
    ///
    /// # Errors
    ///
    /// [`MatchError`] if it takes too many steps.
    pub fn groups_of(
        &self,
        subject: &[u8],
    ) -> Result<Option<Vec<Option<Range<usize>>>>, MatchError> {
        let groups = |locations: &CaptureLocations| {
            let span = |group| locations.get(group).map(|(start, end)| start..end);
            (0..=self.groups).map(span).collect()
        };
        type Found = Option<Vec<Option<Range<usize>>>>;
        let read = |engine: &Engine| -> Result<Found, pcre2::Error> {
            let mut locations = engine.capture_locations();
            let found = engine.captures_read(&mut locations, subject)?;
            Ok(found.map(|_| groups(&locations)))
        };
        let result = match read(&self.engine) {
            Err(error) if error.code() == STACK_LIMIT_CODE => match self.interpreted() {
                Some(engine) => read(engine),
                None => Err(error),
            },
            result => result,
        };
        result.map_err(|error| self.failure(error.code(), subject))
    }

    #[cold]
    fn captures_interpreted(
        &self,
        subject: &[u8],
        captures: &mut Captures,
        code: i32,
    ) -> Result<bool, MatchError> {
        let engine = self
            .interpreted()
            .ok_or_else(|| self.failure(code, subject))?;
        let mut locations = engine.capture_locations();
        match engine.captures_read(&mut locations, subject) {
            Ok(Some(_)) => {
                captures.record(self, subject, &locations);
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(error) => Err(self.failure(error.code(), subject)),
        }
    }

    /// Whether the pattern matches, where that can be told without PCRE.
    #[inline]
    fn foresee(&self, subject: &[u8]) -> Option<bool> {
        let prefilter = self.prefilter.as_ref()?;
        let admitted = prefilter.admits(subject);
        (!admitted || prefilter.decides()).then_some(admitted)
    }

    fn interpreted(&self) -> Option<&Engine> {
        let limited = limited(INTERPRETED_STEPS, &self.translated);
        let make = || build(&limited, self.caseless, false).ok();
        self.interpreted.get_or_init(make).as_ref()
    }

    #[cold]
    fn failure(&self, code: i32, subject: &[u8]) -> MatchError {
        MatchError {
            code,
            subject: String::from_utf8_lossy(subject).into_owned(),
            pattern: self.to_string(),
        }
    }
}

/// Compiles a pattern with its step limit, to machine code if that can be had.
fn build_limited(pattern: &str, caseless: bool) -> Result<Engine, pcre2::Error> {
    match build(&limited(COMPILED_STEPS, pattern), caseless, true) {
        Err(error) if matches!(error.kind(), ErrorKind::JIT) => {
            build(&limited(INTERPRETED_STEPS, pattern), caseless, false)
        }
        result => result,
    }
}

/// `pattern` with a limit in front, which PCRE takes from there as from a call.
fn limited(steps: u32, pattern: &str) -> String {
    format!("(*LIMIT_MATCH={steps}){pattern}")
}

fn build(pattern: &str, caseless: bool, jit: bool) -> Result<Engine, pcre2::Error> {
    RegexBuilder::new()
        .caseless(caseless)
        .jit(jit)
        .build(pattern)
}

/// Turns the error of compiling `compiled`, which stands for `pattern`, into nginx's words.
fn complaint(error: &pcre2::Error, compiled: &str, pattern: &[u8]) -> RegexError {
    let text = error.to_string();
    // The crate puts "PCRE2: error compiling pattern at offset N: " in front.
    let message = match error.offset() {
        Some(offset) => text
            .split_once(&format!("offset {offset}: "))
            .map_or(&*text, |(_, m)| m),
        None => &text,
    };
    let rest = error
        .offset()
        .and_then(|offset| compiled.get(offset..))
        .unwrap_or_default();
    RegexError {
        message: message.to_owned(),
        pattern: String::from_utf8_lossy(pattern).into_owned(),
        rest: rest.to_owned(),
    }
}

/// Prints the pattern as it was written.
impl fmt::Display for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.source))
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Regex({}{:?})",
            if self.caseless { "~* " } else { "~ " },
            self.to_string()
        )
    }
}

#[cfg(test)]
mod tests;
