//! The `expr` of `if` and `elif`.
//!
//! Source: nginx, `ngx_http_ssi_if`.

/// An expression, its texts not expanded.
#[derive(Debug, PartialEq, Eq)]
pub struct Expression {
    /// What is looked at, in lower case.
    pub left: Vec<u8>,
    /// What it is compared with; without, it has to be something.
    pub right: Option<Operand>,
    /// `!=`.
    pub negative: bool,
}

/// What stands behind the operator.
#[derive(Debug, PartialEq, Eq)]
pub enum Operand {
    /// To be equal.
    Text(Vec<u8>),
    /// `/…/`: to match.
    Pattern(Vec<u8>),
}

/// It is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid expression in \"{0}\"")]
pub struct InvalidExpression(String);

impl Expression {
    /// Takes it apart.
    ///
    /// # Errors
    /// There is neither `=` nor `!=` behind the first word, or a `/` without another.
    pub fn parse(expression: &[u8]) -> Result<Self, InvalidExpression> {
        let invalid =
            || InvalidExpression(String::from_utf8_lossy(expression).to_ascii_lowercase());
        let end = expression
            .iter()
            .position(|byte| {
                !byte.is_ascii_alphanumeric()
                    && !matches!(byte, b'$' | b'{' | b'}' | b'_' | b'"' | b'\'')
            })
            .unwrap_or(expression.len());
        let (left, rest) = expression.split_at(end);
        let left = left.to_ascii_lowercase();
        let rest = skip_spaces(rest);
        if rest.is_empty() {
            return Ok(Self {
                left,
                right: None,
                negative: false,
            });
        }
        let (negative, rest) = match rest {
            [b'=', rest @ ..] => (false, rest),
            [b'!', b'=', rest @ ..] => (true, rest),
            _ => return Err(invalid()),
        };
        let right = match skip_spaces(rest) {
            [b'/', pattern @ .., b'/'] => Operand::Pattern(pattern.to_vec()),
            [b'/', _, ..] => return Err(invalid()),
            [b'\\', text @ ..] if text.first() == Some(&b'/') => Operand::Text(text.to_vec()),
            text => Operand::Text(text.to_vec()),
        };
        Ok(Self {
            left,
            right: Some(right),
            negative,
        })
    }
}

fn skip_spaces(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| **byte == b' ').count();
    &text[blanks..]
}
