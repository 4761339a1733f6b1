//! A grammar of configurations and requests, and texts made from it by chance.
//!
//! ```text
//! # a comment
//! statement
//!     return <<status>>;
//!     3x set $v <<text>>;
//! server
//!     server { <<statement>>+4 <<location>>*6 }
//! ```
//!
//! A line at the margin names a rule, the indented lines below are its alternatives; `3x` makes one three times as
//! likely. `<<rule>>` stands for a text of that rule, `<<rule>>*4` for up to four, `<<rule>>+4` for one to four, each
//! with a line end behind it. `<<nl>>` is a line end. A rule that is named again gets further alternatives.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

use super::random::Random;

/// Beyond this depth, what may be left out is.
const DEPTH: usize = 12;

/// Rules by name.
#[derive(Debug, Default)]
pub(crate) struct Grammar {
    rules: BTreeMap<String, Vec<Vec<Part>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Rule {
        name: String,
        at_least: usize,
        at_most: usize,
    },
}

impl Grammar {
    /// Reads texts of rules, later ones adding to those before.
    ///
    /// # Errors
    /// A line that is none, or a name that no rule has.
    pub(crate) fn parse(texts: &[&str]) -> Result<Self> {
        let mut grammar = Self::default();
        for text in texts {
            grammar.add(text)?;
        }
        for part in grammar.rules.values().flatten().flatten() {
            if let Part::Rule { name, .. } = part
                && !grammar.rules.contains_key(name)
            {
                bail!("no rule is named <<{name}>>");
            }
        }
        Ok(grammar)
    }

    fn add(&mut self, text: &str) -> Result<()> {
        let mut name = None;
        for line in text.lines() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(alternative) = line.strip_prefix("    ") {
                let name: &String = name.as_ref().context("an alternative of no rule")?;
                let (weight, body) = weighted(alternative);
                let alternatives = self.rules.entry(name.clone()).or_default();
                let parts = parts(body);
                alternatives.extend(std::iter::repeat_n(parts, weight));
            } else {
                name = Some(line.trim().to_owned());
            }
        }
        Ok(())
    }

    /// A text of a rule.
    pub(crate) fn make(&self, rule: &str, random: &mut Random) -> String {
        let mut text = String::new();
        self.expand(rule, random, 0, &mut text);
        text
    }

    fn expand(&self, rule: &str, random: &mut Random, depth: usize, out: &mut String) {
        let Some(alternatives) = self.rules.get(rule) else {
            return;
        };
        let Some(parts) = alternatives.get(random.below(alternatives.len())) else {
            return;
        };
        for part in parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Rule {
                    name,
                    at_least: 1,
                    at_most: 1,
                } => self.expand(name, random, depth + 1, out),
                Part::Rule {
                    name,
                    at_least,
                    at_most,
                } => {
                    let more = random.below(at_most - at_least + 1);
                    let count = at_least + if depth < DEPTH { more } else { 0 };
                    for _ in 0..count {
                        self.expand(name, random, depth + 1, out);
                        out.push('\n');
                    }
                }
            }
        }
    }
}

/// `3x text` is text of weight three.
fn weighted(alternative: &str) -> (usize, &str) {
    let split = alternative.split_once("x ");
    let weighted = split.and_then(|(weight, rest)| Some((weight.parse().ok()?, rest)));
    weighted.unwrap_or((1, alternative))
}

fn parts(body: &str) -> Vec<Part> {
    let (mut parts, mut text) = (Vec::new(), String::new());
    let mut rest = body;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("<<nl>>") {
            text.push('\n');
            rest = after;
        } else if let Some((part, after)) = reference(rest) {
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(part);
            rest = after;
        } else {
            text.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    parts
}

/// `<<name>>`, `<<name>>*3` or `<<name>>+3` at the beginning, and what follows.
fn reference(text: &str) -> Option<(Part, &str)> {
    let (name, after) = text.strip_prefix("<<")?.split_once(">>")?;
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(is_name) {
        return None;
    }
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let counted = after.strip_prefix(['*', '+']).and_then(|rest| {
        let (count, rest) = rest.split_at(digits(rest));
        Some((count.parse().ok()?, rest))
    });
    let (at_least, at_most, after) = match counted {
        Some((count, rest)) => (usize::from(after.starts_with('+')), count, rest),
        None => (1, 1, after),
    };
    let name = name.to_owned();
    let part = Part::Rule {
        name,
        at_least: at_least.min(at_most),
        at_most,
    };
    Some((part, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "list\n    [<<item>>+2]\nitem\n    9x a\n    <<list>>\n";

    #[test]
    fn texts_are_of_the_grammar_and_decided_by_the_seed() {
        let grammar = Grammar::parse(&[TEXT]).expect("it is well formed");
        for seed in 0..50 {
            let text = grammar.make("list", &mut Random::new(seed));
            assert_eq!(text, grammar.make("list", &mut Random::new(seed)));
            assert_eq!(text.matches('[').count(), text.matches(']').count());
            assert!(text.contains('a'), "{text}");
        }
    }

    #[test]
    fn a_name_without_a_rule_is_an_error() {
        assert!(Grammar::parse(&["a\n    <<b>>\n"]).is_err());
        assert!(Grammar::parse(&["    <<b>>\n"]).is_err());
    }

    #[test]
    fn what_is_no_name_in_angles_is_text() {
        assert_eq!(
            parts("<!--# x --><<b>>*"),
            [
                Part::Text("<!--# x -->".into()),
                Part::Rule {
                    name: "b".into(),
                    at_least: 1,
                    at_most: 1
                },
                Part::Text("*".into())
            ]
        );
    }
}
