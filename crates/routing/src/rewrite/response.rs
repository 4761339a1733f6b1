//! The `return` directive (nginx: `ngx_http_rewrite_return`).

use std::fmt;

use portunus_template::{CompileError, Template};

use super::replacement::begins_with_scheme;

/// `return code`, `return code text` or `return URL`
#[derive(Debug)]
pub struct Return<V> {
    /// The status, up to 999.
    pub status: u16,
    /// The body, or of a redirect the location; empty if there is none.
    pub text: Template<V>,
}

/// Why a `return` is none, in nginx's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReturnError<E> {
    /// Neither a number up to 999 nor, alone, a URL.
    #[error("invalid return code \"{0}\"")]
    Code(String),
    /// The text does not compile.
    #[error("{0}")]
    Template(CompileError<E>),
}

impl<V> Return<V> {
    /// Compiles the arguments of `return`; `resolve` knows the variables of the text.
    ///
    /// # Errors
    ///
    /// See [`ReturnError`].
    pub fn compile<E>(
        code: &[u8],
        text: Option<&[u8]>,
        resolve: impl FnMut(&[u8]) -> Result<V, E>,
    ) -> Result<Return<V>, ReturnError<E>> {
        let (status, text) = match (parse_status(code), text) {
            (Some(status), text) => (status, text.unwrap_or_default()),
            (None, None) if begins_with_scheme(code) => (302, code),
            (None, _) => {
                return Err(ReturnError::Code(
                    String::from_utf8_lossy(code).into_owned(),
                ));
            }
        };
        let text = Template::compile(text, resolve).map_err(ReturnError::Template)?;
        Ok(Return { status, text })
    }
}

/// A status as nginx reads it: digits alone, up to 999.
pub(crate) fn parse_status(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0_u16, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(u16::from(digit - b'0'))
    });
    (number <= 999).then_some(number)
}

/// Prints the directive without its semicolon.
impl<V> fmt::Display for Return<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "return {}", self.status)?;
        if self.text.is_empty() {
            Ok(())
        } else {
            write!(f, " \"{}\"", self.text)
        }
    }
}
