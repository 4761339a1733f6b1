//! A piece of a word, and the variables in it.

use portunus_conf_syntax::{Span, Word};

use crate::fault::{Fault, show};

/// A piece of a word: all of it, or what follows `if=` and the like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Text<'a> {
    /// What it says.
    pub bytes: &'a [u8],
    /// The word it is part of.
    pub word: &'a Word,
}

impl<'a> From<&'a Word> for Text<'a> {
    fn from(word: &'a Word) -> Self {
        Self {
            bytes: word.as_bytes(),
            word,
        }
    }
}

impl<'a> Text<'a> {
    /// What follows a prefix; `None` if the word does not begin with it.
    #[must_use]
    pub fn after(word: &'a Word, prefix: &str) -> Option<Self> {
        let bytes = word.as_bytes().strip_prefix(prefix.as_bytes())?;
        Some(Self { bytes, word })
    }

    /// Another piece of the same word.
    #[must_use]
    pub fn with(self, bytes: &'a [u8]) -> Self {
        Self { bytes, ..self }
    }

    /// The part before the first such byte, and the part after it.
    #[must_use]
    pub fn split_at_byte(self, byte: u8) -> Option<(Self, Self)> {
        let at = self.bytes.iter().position(|one| *one == byte)?;
        Some((
            self.with(self.bytes.get(..at)?),
            self.with(self.bytes.get(at + 1..)?),
        ))
    }

    /// Where its word stands.
    #[must_use]
    pub fn span(self) -> Span {
        self.word.span
    }

    /// Whether it has variables in it (nginx: `ngx_http_script_variables_count`, which counts
    /// dollar signs).
    #[must_use]
    pub fn has_variables(self) -> bool {
        self.bytes.contains(&b'$')
    }

    /// The names of the variables in it, captures such as `$1` left out.
    ///
    /// # Errors
    /// In the words of `nginx: ngx_http_script_compile`, if a name is empty or a brace not closed.
    pub fn variables(self) -> Result<Vec<&'a [u8]>, Fault> {
        let mut names = Vec::new();
        let mut rest = self.bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
            rest = rest.get(at + 1..).unwrap_or_default();
            if let [b'1'..=b'9', after @ ..] = rest {
                rest = after;
                continue;
            }
            let braced = rest.first() == Some(&b'{');
            rest = rest.get(usize::from(braced)..).unwrap_or_default();
            let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let end = rest
                .iter()
                .position(|byte| !is_name(byte))
                .unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            rest = after;
            if rest.is_empty() && name.is_empty() {
                return Err(Fault::new("invalid variable name").at(self.word));
            }
            if braced {
                rest = rest.strip_prefix(b"}").ok_or_else(|| {
                    let name = show(name);
                    let message = format!("the closing bracket in \"{name}\" variable is missing");
                    Fault::new(message).at(self.word)
                })?;
            }
            if name.is_empty() {
                return Err(Fault::new("invalid variable name").at(self.word));
            }
            names.push(name);
        }
        Ok(names)
    }
}
