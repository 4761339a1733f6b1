//! Values for the `@WORDS@` of our configuration templates.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Pairs of a word and its value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values(Vec<(&'static str, String)>);

impl Values {
    /// Adds a value; the word is given without its `@`.
    pub(crate) fn with(mut self, word: &'static str, value: impl Into<String>) -> Self {
        self.0.push((word, value.into()));
        self
    }

    /// Fills a template's text.
    ///
    /// # Errors
    /// When a `@WORD@` of the template has no value.
    pub(crate) fn fill(&self, template: &str) -> Result<String> {
        let mut text = template.to_owned();
        for (word, value) in &self.0 {
            text = text.replace(&format!("@{word}@"), value);
        }
        match text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .find_map(open_word)
        {
            Some(word) => bail!("no value for {word}"),
            None => Ok(text),
        }
    }

    /// Fills the template in one file into another.
    pub(crate) fn fill_file(&self, template: &Path, target: &Path) -> Result<()> {
        let text = fs::read_to_string(template);
        let text = text.with_context(|| format!("cannot read {}", template.display()))?;
        let filled = self
            .fill(&text)
            .with_context(|| template.display().to_string())?;
        fs::write(target, filled).with_context(|| format!("cannot write {}", target.display()))
    }
}

/// A `@WORD@` that is left in a line.
fn open_word(line: &str) -> Option<&str> {
    let start = line.find('@')?;
    let rest = &line[start + 1..];
    let length = rest.find('@')?;
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit())
    };
    if is_word(&rest[..length]) {
        Some(&line[start..start + length + 2])
    } else {
        open_word(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled_and_a_forgotten_one_is_named() {
        let values = Values::default().with("PORT", "8080");
        assert_eq!(
            values.fill("listen @PORT@;").expect("it has a value"),
            "listen 8080;"
        );
        let error = values
            .fill("location @named { root @ROOT@; }")
            .expect_err("ROOT has none");
        assert_eq!(error.to_string(), "no value for @ROOT@");
    }

    #[test]
    fn named_locations_and_remarks_are_left_alone() {
        let text = "# where @WORDS@ stand\ntry_files $uri @app;\nlocation @app {}\n";
        assert_eq!(Values::default().fill(text).expect("nothing to fill"), text);
    }
}
