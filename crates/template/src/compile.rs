//! Text to parts (nginx: `ngx_http_script_compile`).

use std::ops::Range;

use crate::{Part, Shape};

/// What is wrong with a template: the operator's fault, in nginx's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError<E> {
    /// A `$` with no name behind it.
    #[error("invalid variable name")]
    InvalidVariableName,
    /// `${name` without the closing brace; holds the name as far as it went.
    #[error("the closing bracket in \"{0}\" variable is missing")]
    MissingClosingBracket(String),
    /// The caller knows no such variable.
    #[error("{0}")]
    Unresolved(E),
}

/// What stands behind a `$`.
enum Reference {
    Capture(u8),
    Name(Range<usize>),
}

/// Compiles `source` into the simplest shape that says the same.
pub(crate) fn shape<V, E>(
    source: &[u8],
    mut resolve: impl FnMut(&[u8]) -> Result<V, E>,
) -> Result<Shape<V>, CompileError<E>> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < source.len() {
        if source[at] != b'$' {
            let rest = &source[at..];
            let length = rest
                .iter()
                .position(|&byte| byte == b'$')
                .unwrap_or(rest.len());
            parts.push(Part::Literal(at..at + length));
            at += length;
            continue;
        }
        let (reference, end) = reference(source, at + 1)?;
        parts.push(match reference {
            Reference::Capture(number) => Part::Capture(number),
            Reference::Name(name) => {
                Part::Variable(resolve(&source[name]).map_err(CompileError::Unresolved)?)
            }
        });
        at = end;
    }
    Ok(simplest(parts))
}

/// Reads what stands behind the `$` that ends before `start`; returns it and where it ends.
fn reference<E>(source: &[u8], start: usize) -> Result<(Reference, usize), CompileError<E>> {
    match source.get(start) {
        Some(&digit @ b'1'..=b'9') => Ok((Reference::Capture(digit - b'0'), start + 1)),
        Some(b'{') => {
            let name = name_range(source, start + 1);
            if name.start == source.len() {
                return Err(CompileError::InvalidVariableName);
            }
            let end = name.end + 1;
            if source.get(name.end) != Some(&b'}') {
                let text = String::from_utf8_lossy(&source[name]).into_owned();
                return Err(CompileError::MissingClosingBracket(text));
            }
            non_empty(name).map(|name| (Reference::Name(name), end))
        }
        _ => {
            let name = non_empty(name_range(source, start))?;
            let end = name.end;
            Ok((Reference::Name(name), end))
        }
    }
}

fn name_range(source: &[u8], start: usize) -> Range<usize> {
    let rest = source.get(start..).unwrap_or_default();
    let length = rest.iter().take_while(|&&byte| is_name_byte(byte)).count();
    start..start + length
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn non_empty<E>(name: Range<usize>) -> Result<Range<usize>, CompileError<E>> {
    if name.is_empty() {
        Err(CompileError::InvalidVariableName)
    } else {
        Ok(name)
    }
}

fn simplest<V>(mut parts: Vec<Part<V>>) -> Shape<V> {
    if parts.len() > 1 {
        return Shape::Parts(parts.into());
    }
    match parts.pop() {
        None | Some(Part::Literal(_)) => Shape::Literal,
        Some(Part::Variable(variable)) => Shape::Variable(variable),
        Some(Part::Capture(number)) => Shape::Capture(number),
    }
}
