//! `sub_filter`: other text in the place of some text, without regard to case.
//!
//! Source: nginx, ngx_http_sub_filter_module: the leftmost match wins, among patterns that match at the same place the
//! one configured first; with `sub_filter_once` each pattern is replaced once.

/// One `sub_filter`, its variables expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Substitution {
    /// What to look for; ASCII letters match in either case.
    pub pattern: Vec<u8>,
    /// What to put there.
    pub replacement: Vec<u8>,
}

/// Replaces in one body.
#[derive(Debug)]
pub struct Substitutor {
    /// Those that are still looked for.
    rules: Vec<Substitution>,
    /// Bytes that some pattern begins with, in both cases.
    begins: [bool; 256],
    once: bool,
    /// The end of what came, where a pattern may have begun.
    held: Vec<u8>,
}

/// What a pattern says of the text at some place.
enum Verdict {
    Match,
    No,
    /// The text ends before it can be told.
    Unknown,
}

impl Substitutor {
    /// `None` if there is nothing to look for: empty patterns are passed over.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = Substitution>, once: bool) -> Option<Self> {
        let rules: Vec<_> = rules
            .into_iter()
            .filter(|rule| !rule.pattern.is_empty())
            .map(|rule| Substitution {
                pattern: rule.pattern.to_ascii_lowercase(),
                ..rule
            })
            .collect();
        let mut substitutor = Self {
            rules,
            begins: [false; 256],
            once,
            held: Vec::new(),
        };
        substitutor.index();
        (!substitutor.rules.is_empty()).then_some(substitutor)
    }

    fn index(&mut self) {
        self.begins = [false; 256];
        for first in self.rules.iter().filter_map(|rule| rule.pattern.first()) {
            self.begins[usize::from(*first)] = true;
            self.begins[usize::from(first.to_ascii_uppercase())] = true;
        }
    }

    /// Takes in `input`, appends to `out` what is settled.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if self.rules.is_empty() {
            out.append(&mut self.held);
            out.extend_from_slice(input);
            return;
        }
        if self.held.is_empty() {
            let from = self.replace(input, out);
            self.held
                .extend_from_slice(input.get(from..).unwrap_or_default());
        } else {
            let mut text = std::mem::take(&mut self.held);
            text.extend_from_slice(input);
            let from = self.replace(&text, out);
            text.drain(..from);
            self.held = text;
        }
    }

    /// The body has ended: what was held back is no match. nginx does not look for shorter patterns in it either.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
    }

    /// Replaces in `text` as far as can be told; returns from where on it cannot.
    fn replace(&mut self, text: &[u8], out: &mut Vec<u8>) -> usize {
        let (mut copied, mut at) = (0, 0);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let begins = |byte: &u8| self.begins[usize::from(*byte)];
            let Some(next) = rest.iter().position(begins) else {
                break;
            };
            at += next;
            match self.find(&text[at..]) {
                Found::None => at += 1,
                Found::Unknown => {
                    out.extend_from_slice(&text[copied..at]);
                    return at;
                }
                Found::Rule(number) => {
                    out.extend_from_slice(&text[copied..at]);
                    out.extend_from_slice(&self.rules[number].replacement);
                    at += self.rules[number].pattern.len();
                    copied = at;
                    if self.once {
                        self.rules.remove(number);
                        self.index();
                    }
                }
            }
        }
        out.extend_from_slice(text.get(copied..).unwrap_or_default());
        text.len()
    }

    fn find(&self, text: &[u8]) -> Found {
        for (number, rule) in self.rules.iter().enumerate() {
            match matches(&rule.pattern, text) {
                Verdict::Match => return Found::Rule(number),
                Verdict::Unknown => return Found::Unknown,
                Verdict::No => {}
            }
        }
        Found::None
    }
}

enum Found {
    Rule(usize),
    None,
    Unknown,
}

fn matches(pattern: &[u8], text: &[u8]) -> Verdict {
    let known = pattern.len().min(text.len());
    if !pattern[..known].eq_ignore_ascii_case(&text[..known]) {
        Verdict::No
    } else if known < pattern.len() {
        Verdict::Unknown
    } else {
        Verdict::Match
    }
}

#[cfg(test)]
mod tests;
