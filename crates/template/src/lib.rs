//! Values with variables in them, as `"$uri$is_args$args"` (nginx: complex values).
//!
//! A [`Template`] is compiled once, when the configuration is loaded: every name is turned into the
//! caller's own variable id `V`, so that a request looks nothing up by name. Expanding asks a
//! [`Variables`] scope to append each variable's bytes to a buffer.
//!
//! ```
//! use portunus_template::{Template, Variables};
//!
//! struct Scope;
//! impl Variables<char> for Scope {
//!     fn append(&mut self, variable: &char, out: &mut Vec<u8>) {
//!         out.push(*variable as u8);
//!     }
//!     fn append_capture(&mut self, _number: u8, out: &mut Vec<u8>) {
//!         out.extend_from_slice(b"captured");
//!     }
//! }
//!
//! let template = Template::compile(b"/$first/${second}/$1", |name| match name {
//!     b"first" => Ok('a'),
//!     b"second" => Ok('b'),
//!     _ => Err("unknown"),
//! })?;
//! let mut out = Vec::new();
//! template.expand(&mut Scope, &mut out);
//! assert_eq!(out, b"/a/b/captured");
//! # Ok::<(), portunus_template::CompileError<&str>>(())
//! ```

use std::fmt;
use std::ops::Range;

mod compile;

pub use compile::CompileError;

/// A value with variables in it, ready to be expanded for any number of requests.
#[derive(Clone, PartialEq, Eq)]
pub struct Template<V> {
    /// The text as the operator wrote it; literal parts are ranges of it.
    source: Box<[u8]>,
    shape: Shape<V>,
}

/// What a template consists of. The three simple shapes need no walk over parts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape<V> {
    /// The source itself, without any variable.
    Literal,
    /// One variable and nothing else.
    Variable(V),
    /// One capture and nothing else.
    Capture(u8),
    /// Two or more parts.
    Parts(Box<[Part<V>]>),
}

/// One piece of a template that has several.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part<V> {
    /// Bytes of the source.
    Literal(Range<usize>),
    /// The value of a variable.
    Variable(V),
    /// `$1` to `$9`: a group of the last regular expression that matched.
    Capture(u8),
}

/// What a template is expanded against: the variables and captures of one request.
///
/// Every method appends to `out`; a variable without a value appends nothing.
pub trait Variables<V> {
    /// Appends the value of `variable`.
    fn append(&mut self, variable: &V, out: &mut Vec<u8>);

    /// Appends capture group `number` (1 to 9) of the last match as it is.
    fn append_capture(&mut self, number: u8, out: &mut Vec<u8>);

    /// Appends capture group `number` for a place where nginx escapes captures (see [`Captures`]).
    ///
    /// nginx: `ngx_http_script_copy_capture_code`, which escapes only if the request's URI held a
    /// `%` or a `+`. A scope that expands no rewrites need not override it.
    fn append_capture_escaped(&mut self, number: u8, out: &mut Vec<u8>) {
        self.append_capture(number, out);
    }
}

/// How captures enter the expanded text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Captures {
    /// As they are: everywhere but in the two places below.
    #[default]
    Raw,
    /// Through [`Variables::append_capture_escaped`]: in redirects and behind the `?` of a
    /// `rewrite` replacement, and in values set before the first `rewrite` that matched.
    Escaped,
}

impl<V> Template<V> {
    /// Compiles `source`; `resolve` turns the name of a variable (without `$` and braces) into an id.
    ///
    /// `$name` reads letters, digits and `_`; `${name}` likewise between braces; `$1` to `$9` are
    /// captures of one digit. There is no way to write a `$` itself.
    ///
    /// # Errors
    ///
    /// The first fault of the text, or the first error that `resolve` returns.
    /// nginx: `ngx_http_script_compile`, whose messages [`CompileError`] prints.
    pub fn compile<E>(
        source: &[u8],
        resolve: impl FnMut(&[u8]) -> Result<V, E>,
    ) -> Result<Template<V>, CompileError<E>> {
        let shape = compile::shape(source, resolve)?;
        Ok(Template {
            source: source.into(),
            shape,
        })
    }

    /// A template that is nothing but `bytes`, in which `$` has no meaning.
    pub fn literal(bytes: impl Into<Box<[u8]>>) -> Template<V> {
        Template {
            source: bytes.into(),
            shape: Shape::Literal,
        }
    }

    /// The value, if it is the same for every request.
    pub fn as_literal(&self) -> Option<&[u8]> {
        matches!(self.shape, Shape::Literal).then_some(&*self.source)
    }

    /// The variable, if the template is exactly one variable and nothing else.
    pub fn as_variable(&self) -> Option<&V> {
        match &self.shape {
            Shape::Variable(variable) => Some(variable),
            _ => None,
        }
    }

    /// Whether the template is the empty text.
    pub fn is_empty(&self) -> bool {
        self.source.is_empty()
    }

    /// Whether any of `$1` to `$9` occurs.
    pub fn has_captures(&self) -> bool {
        match &self.shape {
            Shape::Literal | Shape::Variable(_) => false,
            Shape::Capture(_) => true,
            Shape::Parts(parts) => parts.iter().any(|part| matches!(part, Part::Capture(_))),
        }
    }

    /// The variables in the order in which they occur, repetitions included.
    pub fn variables(&self) -> impl Iterator<Item = &V> {
        let (single, parts) = match &self.shape {
            Shape::Variable(variable) => (Some(variable), &[][..]),
            Shape::Parts(parts) => (None, &parts[..]),
            Shape::Literal | Shape::Capture(_) => (None, &[][..]),
        };
        single
            .into_iter()
            .chain(parts.iter().filter_map(|part| match part {
                Part::Variable(variable) => Some(variable),
                Part::Literal(_) | Part::Capture(_) => None,
            }))
    }

    /// The text as it was written.
    pub fn source(&self) -> &[u8] {
        &self.source
    }

    /// Appends the expanded value to `out`, captures as they are.
    pub fn expand<S: Variables<V> + ?Sized>(&self, scope: &mut S, out: &mut Vec<u8>) {
        self.expand_with(Captures::Raw, scope, out);
    }

    /// Appends the expanded value to `out`; `captures` says how captures enter it.
    pub fn expand_with<S: Variables<V> + ?Sized>(
        &self,
        captures: Captures,
        scope: &mut S,
        out: &mut Vec<u8>,
    ) {
        match &self.shape {
            Shape::Literal => out.extend_from_slice(&self.source),
            Shape::Variable(variable) => scope.append(variable, out),
            Shape::Capture(number) => append_capture(captures, *number, scope, out),
            Shape::Parts(parts) => {
                for part in parts {
                    match part {
                        Part::Literal(range) => out.extend_from_slice(&self.source[range.clone()]),
                        Part::Variable(variable) => scope.append(variable, out),
                        Part::Capture(number) => append_capture(captures, *number, scope, out),
                    }
                }
            }
        }
    }

    /// The expanded value: a literal is lent as it is, anything else is built in `scratch`,
    /// whose former contents are lost.
    pub fn evaluate<'a, S: Variables<V> + ?Sized>(
        &'a self,
        scope: &mut S,
        scratch: &'a mut Vec<u8>,
    ) -> &'a [u8] {
        if let Some(literal) = self.as_literal() {
            return literal;
        }
        scratch.clear();
        self.expand(scope, scratch);
        scratch
    }
}

fn append_capture<V, S: Variables<V> + ?Sized>(
    captures: Captures,
    number: u8,
    scope: &mut S,
    out: &mut Vec<u8>,
) {
    match captures {
        Captures::Raw => scope.append_capture(number, out),
        Captures::Escaped => scope.append_capture_escaped(number, out),
    }
}

/// Prints the text as it was written.
impl<V> fmt::Display for Template<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.source))
    }
}

impl<V: fmt::Debug> fmt::Debug for Template<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({:?}, ", self.source.escape_ascii().to_string())?;
        f.debug_list().entries(self.variables()).finish()?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests;
