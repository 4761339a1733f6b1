//! The rewrite directives: `rewrite`, `return`, `if`, `set`.

use portunus_conf_syntax::{Directive, Word};

use crate::fault::{Fault, show};
use crate::text::Text;
use crate::value::parse_number;

/// `rewrite PATTERN REPLACEMENT [FLAG]`. nginx: `ngx_http_rewrite`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rewrite<'a> {
    /// The regular expression.
    pub pattern: &'a Word,
    /// What the path becomes, a final `?` taken off.
    pub replacement: Text<'a>,
    /// Whether the request's own arguments are added; a final `?` prevents it.
    pub adds_args: bool,
    /// What happens after a match.
    pub flag: RewriteFlag,
}

/// What a `rewrite` that matches leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RewriteFlag {
    /// The next directive is run.
    None,
    /// `last`: a location is searched anew.
    Last,
    /// `break`: the request stays in its location.
    Break,
    /// `redirect`, or a replacement that begins with a scheme: status 302.
    Redirect,
    /// `permanent`: status 301.
    Permanent,
}

impl<'a> Rewrite<'a> {
    /// Reads a `rewrite`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let [pattern, replacement, rest @ ..] = &directive.args[..] else {
            return Err(Fault::of(directive, "has too few arguments"));
        };
        let text = Text::from(replacement);
        let (bytes, adds_args) = match text.bytes {
            [] => return Err(Fault::new("empty replacement").at(replacement)),
            [bytes @ .., b'?'] => (bytes, false),
            bytes => (bytes, true),
        };
        let by_scheme = if begins_with_scheme(bytes) {
            RewriteFlag::Redirect
        } else {
            RewriteFlag::None
        };
        let flag = match rest.first() {
            None => by_scheme,
            Some(word) => match word.as_bytes() {
                b"last" if by_scheme == RewriteFlag::None => RewriteFlag::Last,
                b"break" if by_scheme == RewriteFlag::None => RewriteFlag::Break,
                b"last" | b"break" | b"redirect" => RewriteFlag::Redirect,
                b"permanent" => RewriteFlag::Permanent,
                _ => return Err(Fault::parameter(word)),
            },
        };
        Ok(Self {
            pattern,
            replacement: text.with(bytes),
            adds_args,
            flag,
        })
    }
}

fn begins_with_scheme(bytes: &[u8]) -> bool {
    [&b"http://"[..], b"https://", b"$scheme"]
        .iter()
        .any(|scheme| bytes.starts_with(scheme))
}

/// `return CODE [TEXT]`, `return CODE URL`, `return URL`. nginx: `ngx_http_rewrite_return`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Return<'a> {
    /// The status; 302 where only a URL is given, 444 to close without an answer.
    pub status: u16,
    /// The text, or the URL of a redirect.
    pub text: Option<Text<'a>>,
}

impl<'a> Return<'a> {
    /// Reads a `return`.
    ///
    /// # Errors
    /// If the code is not a number up to 999.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let Some((first, rest)) = directive.args.split_first() else {
            return Err(Fault::of(directive, "has no arguments"));
        };
        match parse_number(first.as_bytes()) {
            Err(_) if rest.is_empty() && begins_with_scheme(first.as_bytes()) => Ok(Self {
                status: 302,
                text: Some(first.into()),
            }),
            Ok(status @ 0..=999) => {
                let status = u16::try_from(status).unwrap_or_default();
                Ok(Self {
                    status,
                    text: rest.first().map(Text::from),
                })
            }
            _ => Err(Fault::invalid("return code", first)),
        }
    }
}

/// The condition of an `if`. nginx: `ngx_http_rewrite_if_condition`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition<'a> {
    /// `($variable)`: neither empty nor `0`.
    Truthy(Text<'a>),
    /// `($variable = value)`, or `!=`.
    Equals {
        /// Name of the variable, without `$`.
        variable: Text<'a>,
        /// What it is compared with; may have variables.
        value: Text<'a>,
        /// `!=`
        negated: bool,
    },
    /// `($variable ~ pattern)` and its kin.
    Matches {
        /// Name of the variable, without `$`.
        variable: Text<'a>,
        /// The regular expression.
        pattern: Text<'a>,
        /// Whether case is ignored (`*`).
        caseless: bool,
        /// `!~`
        negated: bool,
    },
    /// `(-f path)` and its kin.
    File {
        /// What is asked of the file.
        test: FileTest,
        /// The path; may have variables.
        path: Text<'a>,
        /// `!-f`
        negated: bool,
    },
}

/// What an `if` asks of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileTest {
    /// `-f`: it is a plain file.
    Plain,
    /// `-d`: it is a directory.
    Directory,
    /// `-e`: it exists.
    Exists,
    /// `-x`: it can be executed.
    Executable,
}

impl<'a> Condition<'a> {
    /// Reads the condition of an `if`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let texts = Self::unwrap_parentheses(&directive.args)?;
        let invalid = |text: Text<'_>| {
            Err(Fault::new(format!("invalid condition \"{}\"", show(text.bytes))).at(text.word))
        };
        let Some((first, rest)) = texts.split_first() else {
            return Err(Fault::of(directive, "has no arguments"));
        };
        match (first.bytes, rest) {
            ([b'$', _, ..], []) => Ok(Self::Truthy(variable(*first)?)),
            ([b'$', _, ..], [operator, value]) => Self::compare(*first, *operator, *value),
            ([b'-', test] | [b'!', b'-', test], [path]) => {
                let test = match test {
                    b'f' => FileTest::Plain,
                    b'd' => FileTest::Directory,
                    b'e' => FileTest::Exists,
                    b'x' => FileTest::Executable,
                    _ => return invalid(*first),
                };
                let negated = first.bytes.first() == Some(&b'!');
                Ok(Self::File {
                    test,
                    path: *path,
                    negated,
                })
            }
            _ => invalid(*first),
        }
    }

    /// The words between the parentheses, which may be part of the first and the last word.
    fn unwrap_parentheses(words: &'a [Word]) -> Result<Vec<Text<'a>>, Fault> {
        let mut texts: Vec<Text<'a>> = words.iter().map(Text::from).collect();
        let invalid = |text: &Text<'_>| {
            Fault::new(format!("invalid condition \"{}\"", show(text.bytes))).at(text.word)
        };
        match texts.first_mut() {
            Some(first) if first.bytes == b"(" && words.len() > 1 => {
                texts.remove(0);
            }
            Some(first) if first.bytes.len() > 1 => {
                let inner = first
                    .bytes
                    .strip_prefix(b"(")
                    .ok_or_else(|| invalid(first))?;
                *first = first.with(inner);
            }
            Some(first) => return Err(invalid(first)),
            None => {}
        }
        let count = texts.len();
        match texts.last_mut() {
            Some(last) if last.bytes == b")" => texts.truncate(count.saturating_sub(1).max(1)),
            Some(last) => {
                let inner = last.bytes.strip_suffix(b")").ok_or_else(|| invalid(last))?;
                *last = last.with(inner);
            }
            None => {}
        }
        Ok(texts)
    }

    fn compare(first: Text<'a>, operator: Text<'a>, value: Text<'a>) -> Result<Self, Fault> {
        let variable = variable(first)?;
        Ok(match operator.bytes {
            b"=" => Self::Equals {
                variable,
                value,
                negated: false,
            },
            b"!=" => Self::Equals {
                variable,
                value,
                negated: true,
            },
            b"~" | b"~*" | b"!~" | b"!~*" => Self::Matches {
                variable,
                pattern: value,
                caseless: operator.bytes.ends_with(b"*"),
                negated: operator.bytes.starts_with(b"!"),
            },
            other => {
                let message = format!("unexpected \"{}\" in condition", show(other));
                return Err(Fault::new(message).at(operator.word));
            }
        })
    }
}

/// The name behind a `$`.
fn variable(text: Text<'_>) -> Result<Text<'_>, Fault> {
    match text.bytes.strip_prefix(b"$") {
        Some(b"") => Err(Fault::new("invalid variable name \"$\"").at(text.word)),
        Some(name) => Ok(text.with(name)),
        None => Err(Fault::invalid("variable name", text.word)),
    }
}

/// `set $variable value`, and the other directives that name a variable first.
///
/// # Errors
/// If the word is not `$` and a name.
pub fn parse_variable(word: &Word) -> Result<Text<'_>, Fault> {
    variable(Text::from(word))
}
