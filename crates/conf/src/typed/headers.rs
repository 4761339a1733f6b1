//! Fields that are added to answers: `expires`, `add_header`, `add_trailer`; and parameters that
//! are passed on: `fastcgi_param`.

use std::time::Duration;

use portunus_conf_syntax::{Directive, Word};

use crate::fault::Fault;
use crate::text::Text;
use crate::value::parse_sec;

/// `expires`. nginx: `ngx_http_headers_expires`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expires<'a> {
    /// `off`
    Off,
    /// `epoch`
    Epoch,
    /// `max`
    Max,
    /// So long after, or before, a point in time.
    Relative {
        /// The span of time.
        time: Duration,
        /// Whether it counts backwards.
        negative: bool,
        /// Whether it counts from the file's time of change (`modified`) and not from now.
        modified: bool,
    },
    /// `@15h30m`: at this time of day.
    Daily(Duration),
    /// A text with variables that gives one of the others.
    Variable {
        /// The text.
        text: Text<'a>,
        /// Whether `modified` stands before it.
        modified: bool,
    },
}

impl<'a> Expires<'a> {
    /// Reads an `expires`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let (modified, word) = match &directive.args[..] {
            [word] => (false, word),
            [first, word] if *first == "modified" => (true, word),
            _ => return Err(Fault::of(directive, "invalid value")),
        };
        let text = Text::from(word);
        if text.has_variables() {
            text.variables()?;
            return Ok(Self::Variable { text, modified });
        }
        let fault = |error| Fault::of(directive, error).at(word);
        Self::parse_value(text.bytes, modified).map_err(fault)
    }

    /// Reads a value alone, such as a variable gives at run time. nginx: `ngx_http_parse_expires`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse_value(value: &[u8], modified: bool) -> Result<Self, &'static str> {
        match value {
            b"epoch" if !modified => return Ok(Self::Epoch),
            b"max" if !modified => return Ok(Self::Max),
            b"off" if !modified => return Ok(Self::Off),
            [b'@', ..] if modified => {
                return Err("daily time cannot be used with \"modified\" parameter");
            }
            _ => {}
        }
        let (sign, time) = match value {
            [sign @ (b'@' | b'+' | b'-'), rest @ ..] => (*sign, rest),
            _ => (b'+', value),
        };
        let time = parse_sec(time).map_err(|_| "invalid value")?;
        match sign {
            b'@' if time > Duration::from_secs(24 * 60 * 60) => {
                Err("daily time value must be less than 24 hours")
            }
            b'@' => Ok(Self::Daily(time)),
            _ => Ok(Self::Relative {
                time,
                negative: sign == b'-',
                modified,
            }),
        }
    }
}

/// `add_header NAME VALUE [always]`, and `add_trailer`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddHeader<'a> {
    /// Name of the field.
    pub name: &'a Word,
    /// Its value; may have variables.
    pub value: &'a Word,
    /// Whether it is added whatever the status.
    pub always: bool,
}

impl<'a> AddHeader<'a> {
    /// Reads an `add_header` or `add_trailer`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        if let Some(value) = directive.args.get(1) {
            Text::from(value).variables()?;
        }
        let (name, value, always) = three(directive, "always")?;
        Ok(Self {
            name,
            value,
            always,
        })
    }
}

/// `fastcgi_param NAME VALUE [if_not_empty]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Param<'a> {
    /// Name of the parameter.
    pub name: &'a Word,
    /// Its value; may have variables.
    pub value: &'a Word,
    /// Whether it is left out where its value is empty.
    pub if_not_empty: bool,
}

impl<'a> Param<'a> {
    /// Reads a `fastcgi_param`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let (name, value, if_not_empty) = three(directive, "if_not_empty")?;
        Ok(Self {
            name,
            value,
            if_not_empty,
        })
    }
}

fn three<'a>(directive: &'a Directive, flag: &str) -> Result<(&'a Word, &'a Word, bool), Fault> {
    match &directive.args[..] {
        [name, value] => Ok((name, value, false)),
        [name, value, last] if *last == *flag => Ok((name, value, true)),
        [_, _, last, ..] => Err(Fault::parameter(last)),
        _ => Err(Fault::of(directive, "has too few arguments")),
    }
}
