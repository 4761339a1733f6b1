//! The condition of `if` (nginx: `ngx_http_rewrite_if_condition`).

use std::fmt;

use portunus_template::{CompileError, Template};

use crate::{Regex, RegexError};

/// When the block of an `if` is carried out.
#[derive(Debug)]
pub struct Condition<V> {
    /// The condition as it was written, with its parentheses.
    pub source: Box<str>,
    /// What is tested.
    pub test: Test<V>,
}

/// What a condition tests.
#[derive(Debug)]
pub enum Test<V> {
    /// `$variable`: neither empty nor `0`.
    True {
        /// The variable.
        variable: V,
    },
    /// `$variable = value` and `!=`
    Equals {
        /// The left side.
        variable: V,
        /// The right side.
        value: Template<V>,
        /// Whether it must not be so.
        negated: bool,
    },
    /// `$variable ~ pattern`, `~*`, `!~` and `!~*`
    Matches {
        /// The left side.
        variable: V,
        /// The right side.
        regex: Box<Regex>,
        /// Whether it must not be so.
        negated: bool,
    },
    /// `-f path` and its kin
    File {
        /// What the file must be.
        test: FileTest,
        /// Which file.
        path: Template<V>,
        /// Whether it must not be so.
        negated: bool,
    },
}

/// What a file must be. A file that cannot be looked at is none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileTest {
    /// `-f`: a regular file.
    File,
    /// `-d`: a directory.
    Directory,
    /// `-e`: a file, directory or symbolic link.
    Exists,
    /// `-x`: executable by its owner.
    Executable,
}

/// Why a condition is none, in nginx's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError<E> {
    /// Missing parentheses, no variable, or too many words.
    #[error("invalid condition \"{0}\"")]
    Invalid(String),
    /// An operator that is none.
    #[error("unexpected \"{0}\" in condition")]
    Operator(String),
    /// The caller does not know the variable on the left side.
    #[error("{0}")]
    Unresolved(E),
    /// The regular expression does not compile.
    #[error(transparent)]
    Regex(#[from] RegexError),
    /// The right side does not compile.
    #[error("{0}")]
    Template(CompileError<E>),
}

impl<V> Condition<V> {
    /// Compiles the arguments of `if`, parentheses included; `resolve` knows the variables.
    ///
    /// # Errors
    ///
    /// The first fault in the order in which nginx looks.
    pub fn compile<E>(
        arguments: &[&[u8]],
        resolve: impl FnMut(&[u8]) -> Result<V, E>,
    ) -> Result<Condition<V>, ConditionError<E>> {
        let source = String::from_utf8_lossy(&arguments.join(&b' ')).into();
        let words = without_parentheses(arguments)?;
        let test = compile_test(&words, resolve)?;
        Ok(Condition { source, test })
    }
}

fn invalid<T, E>(word: &[u8]) -> Result<T, ConditionError<E>> {
    Err(ConditionError::Invalid(text(word)))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Takes the parentheses off the first and the last word, and words that are nothing else away.
fn without_parentheses<'a, E>(arguments: &[&'a [u8]]) -> Result<Vec<&'a [u8]>, ConditionError<E>> {
    let mut words = arguments.to_vec();
    let Some(first) = words.first_mut() else {
        return invalid(b"");
    };
    *first = match first.strip_prefix(b"(") {
        Some(rest) => rest,
        None => return invalid(first),
    };
    if first.is_empty() {
        words.remove(0);
    }
    let Some(last) = words.last_mut() else {
        return invalid(b"(");
    };
    *last = match last.strip_suffix(b")") {
        Some(rest) => rest,
        None => return invalid(last),
    };
    if last.is_empty() {
        words.pop();
    }
    if words.is_empty() {
        invalid(b")")
    } else {
        Ok(words)
    }
}

fn compile_test<V, E>(
    words: &[&[u8]],
    mut resolve: impl FnMut(&[u8]) -> Result<V, E>,
) -> Result<Test<V>, ConditionError<E>> {
    let [subject, rest @ ..] = words else {
        return invalid(b"");
    };
    if let Some(name) = subject.strip_prefix(b"$")
        && !name.is_empty()
    {
        if !matches!(rest.len(), 0 | 2) {
            return invalid(subject);
        }
        let variable = resolve(name).map_err(ConditionError::Unresolved)?;
        let [operator, value] = rest else {
            return Ok(Test::True { variable });
        };
        return match *operator {
            b"=" | b"!=" => {
                let value = Template::compile(value, resolve).map_err(ConditionError::Template)?;
                Ok(Test::Equals {
                    variable,
                    value,
                    negated: operator.len() == 2,
                })
            }
            b"~" | b"~*" | b"!~" | b"!~*" => {
                let regex = Box::new(Regex::compile(value, operator.ends_with(b"*"))?);
                Ok(Test::Matches {
                    variable,
                    regex,
                    negated: operator.starts_with(b"!"),
                })
            }
            other => Err(ConditionError::Operator(text(other))),
        };
    }
    let (letter, negated) = match subject {
        [b'-', letter] => (*letter, false),
        [b'!', b'-', letter] => (*letter, true),
        _ => return invalid(subject),
    };
    let [path] = rest else {
        return invalid(subject);
    };
    let path = Template::compile(path, resolve).map_err(ConditionError::Template)?;
    let test = match letter {
        b'f' => FileTest::File,
        b'd' => FileTest::Directory,
        b'e' => FileTest::Exists,
        b'x' => FileTest::Executable,
        _ => return invalid(subject),
    };
    Ok(Test::File {
        test,
        path,
        negated,
    })
}

/// Prints the condition as it was written.
impl<V> fmt::Display for Condition<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}
