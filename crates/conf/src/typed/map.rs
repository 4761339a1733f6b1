//! Variables that depend on others: `map`, `split_clients`; and `charset_map`, which looks alike.

use portunus_conf_syntax::{Directive, Word};

use super::rewrite::parse_variable;
use crate::fault::{Fault, show};
use crate::text::Text;

/// A `map` block. nginx: `ngx_http_map_block`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Map<'a> {
    /// What is looked up; has variables.
    pub source: &'a Word,
    /// Name of the variable that results, without `$`.
    pub variable: Text<'a>,
    /// Whether names are matched as host names, with wildcards.
    pub hostnames: bool,
    /// Whether the result is worked out anew at each use.
    pub volatile: bool,
    /// The result where nothing matches; may have variables.
    pub default: Option<&'a Word>,
    /// The other entries, in order.
    pub entries: Vec<(MapKey<'a>, &'a Word)>,
}

/// What an entry of a [`Map`] matches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapKey<'a> {
    /// A string, case ignored; with `hostnames` perhaps a wildcard.
    Text(Text<'a>),
    /// `~pattern` or `~*pattern`
    Regex {
        /// The pattern.
        pattern: Text<'a>,
        /// Whether case is ignored.
        caseless: bool,
    },
}

impl<'a> Map<'a> {
    /// Reads the arguments of a `map`, its block left out.
    ///
    /// # Errors
    /// If the second is no variable.
    pub fn parse_head(directive: &'a Directive) -> Result<Self, Fault> {
        let (source, variable) = head(directive)?;
        Ok(Self {
            source,
            variable,
            hostnames: false,
            volatile: false,
            default: None,
            entries: Vec::new(),
        })
    }

    /// Reads a `map` with its block. Conflicting keys are not looked for.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let mut map = Self::parse_head(directive)?;
        for entry in directive.children() {
            map.add(entry)?;
        }
        Ok(map)
    }

    /// Takes one line of the block. nginx: `ngx_http_map`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn add(&mut self, entry: &'a Directive) -> Result<(), Fault> {
        let [value] = &entry.args[..] else {
            match (entry.name.as_bytes(), entry.args.is_empty()) {
                (b"hostnames", true) => self.hostnames = true,
                (b"volatile", true) => self.volatile = true,
                _ => return Err(Fault::new("invalid number of the map parameters")),
            }
            return Ok(());
        };
        Text::from(value).variables()?;
        let key = &entry.name;
        if *key == "default" {
            if self.default.is_some() {
                return Err(Fault::new("duplicate default map parameter"));
            }
            self.default = Some(value);
            return Ok(());
        }
        let text = Text::from(key);
        let key = match text.bytes {
            [b'~', b'*', pattern @ ..] => MapKey::Regex {
                pattern: text.with(pattern),
                caseless: true,
            },
            [b'~', pattern @ ..] => MapKey::Regex {
                pattern: text.with(pattern),
                caseless: false,
            },
            // A backslash lets an entry begin with a tilde, or be called `default`.
            [b'\\', rest @ ..] => MapKey::Text(text.with(rest)),
            _ => MapKey::Text(text),
        };
        self.entries.push((key, value));
        Ok(())
    }
}

/// `NAME SOURCE $variable`.
fn head(directive: &Directive) -> Result<(&Word, Text<'_>), Fault> {
    let [source, variable] = &directive.args[..] else {
        return Err(Fault::of(directive, "has too few arguments"));
    };
    Text::from(source).variables()?;
    Ok((source, parse_variable(variable)?))
}

/// A `split_clients` block. nginx: `ngx_conf_split_clients_block`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SplitClients<'a> {
    /// What is hashed; has variables.
    pub source: &'a Word,
    /// Name of the variable that results, without `$`.
    pub variable: Text<'a>,
    /// The shares in hundredths of a percent, in order; `None` for the rest (`*`).
    pub parts: Vec<(Option<u32>, &'a Word)>,
}

impl<'a> SplitClients<'a> {
    /// Reads the arguments of a `split_clients`, its block left out.
    ///
    /// # Errors
    /// If the second is no variable.
    pub fn parse_head(directive: &'a Directive) -> Result<Self, Fault> {
        let (source, variable) = head(directive)?;
        Ok(Self {
            source,
            variable,
            parts: Vec::new(),
        })
    }

    /// Reads a `split_clients` with its block.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let mut split = Self::parse_head(directive)?;
        for entry in directive.children() {
            split.add(entry)?;
        }
        split.check_sum()?;
        Ok(split)
    }

    /// Takes one line of the block. nginx: `ngx_http_split_clients`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn add(&mut self, entry: &'a Directive) -> Result<(), Fault> {
        let share = match entry.name.as_bytes() {
            b"*" => None,
            [percent @ .., b'%'] => match parse_hundredths(percent) {
                Some(share) if share > 0 => Some(share),
                _ => return Err(Fault::invalid("percent value", &entry.name)),
            },
            _ => return Err(Fault::invalid("percent value", &entry.name)),
        };
        // nginx reads past its arguments here; there has to be a value.
        let value = entry.args.first();
        let value = value.ok_or_else(|| Fault::invalid("percent value", &entry.name))?;
        self.parts.push((share, value));
        Ok(())
    }

    /// Whether the shares are at most the whole.
    ///
    /// # Errors
    /// If they are more.
    pub fn check_sum(&self) -> Result<(), Fault> {
        let mut sum = 0_u32;
        for (share, _) in &self.parts {
            sum = share.map_or(10_000, |share| sum.saturating_add(share));
            if sum > 10_000 {
                return Err(Fault::new("percent total is greater than 100%"));
            }
        }
        Ok(())
    }
}

/// A number with up to two decimal places, in hundredths. nginx: `ngx_atofp`.
fn parse_hundredths(text: &[u8]) -> Option<u32> {
    let mut places = None;
    let mut value = 0_u32;
    if text.is_empty() {
        return None;
    }
    for byte in text {
        match byte {
            _ if places == Some(2) => return None,
            b'.' if places.is_none() => places = Some(0),
            b'0'..=b'9' => {
                value = value.checked_mul(10)?.checked_add(u32::from(byte - b'0'))?;
                places = places.map(|places| places + 1);
            }
            _ => return None,
        }
    }
    value.checked_mul(10_u32.pow(2 - places.unwrap_or(0)))
}

/// A `charset_map` block. nginx: `ngx_http_charset_map_block`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CharsetMap<'a> {
    /// The one charset.
    pub from: &'a Word,
    /// The other; only this one may be UTF-8.
    pub to: &'a Word,
    /// For a byte of the one charset, the bytes of the other.
    pub entries: Vec<(u8, Vec<u8>)>,
}

impl<'a> CharsetMap<'a> {
    /// Reads the arguments of a `charset_map`, its block left out.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse_head(directive: &'a Directive) -> Result<Self, Fault> {
        let [from, to] = &directive.args[..] else {
            return Err(Fault::of(directive, "has too few arguments"));
        };
        if from.as_bytes().eq_ignore_ascii_case(to.as_bytes()) {
            let message = format!(
                "\"charset_map\" between the same charsets \"{}\" and \"{}\"",
                show(from.as_bytes()),
                show(to.as_bytes())
            );
            return Err(Fault::new(message));
        }
        if from.as_bytes().eq_ignore_ascii_case(b"utf-8") {
            return Err(Fault::new(
                "\"charset_map\" with \"utf-8\" charset should be given in the second column",
            ));
        }
        Ok(Self {
            from,
            to,
            entries: Vec::new(),
        })
    }

    /// Reads a `charset_map` with its block.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let mut map = Self::parse_head(directive)?;
        for entry in directive.children() {
            map.add(entry)?;
        }
        Ok(map)
    }

    /// Takes one line of the block. nginx: `ngx_http_charset_map`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn add(&mut self, entry: &'a Directive) -> Result<(), Fault> {
        let [value] = &entry.args[..] else {
            return Err(Fault::new("invalid parameters number"));
        };
        let byte = |word: &Word| {
            let byte = parse_hex(word.as_bytes()).and_then(|byte| u8::try_from(byte).ok());
            byte.ok_or_else(|| Fault::invalid("value", word))
        };
        let from = byte(&entry.name)?;
        let to = if self.to.as_bytes().eq_ignore_ascii_case(b"utf-8") {
            parse_utf8(value.as_bytes()).ok_or_else(|| Fault::invalid("value", value))?
        } else {
            vec![byte(value)?]
        };
        self.entries.push((from, to));
        Ok(())
    }
}

fn parse_hex(text: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(text).ok()?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u32::from_str_radix(text, 16).ok())?
}

/// Pairs of hexadecimal digits, at most four, that are one character of at most 16 bits.
fn parse_utf8(text: &[u8]) -> Option<Vec<u8>> {
    let bytes: Option<Vec<u8>> = text
        .chunks(2)
        .map(|pair| {
            parse_hex(pair)
                .filter(|_| pair.len() == 2)
                .and_then(|byte| u8::try_from(byte).ok())
        })
        .collect();
    let bytes = bytes.filter(|bytes| bytes.len() <= 4)?;
    let character = std::str::from_utf8(&bytes).ok()?.chars().next()?;
    (u32::from(character) <= 0xffff).then_some(bytes)
}
