//! Stored answers: `fastcgi_cache_path`, `fastcgi_cache_valid`, and their like.

use std::time::Duration;

use portunus_conf_syntax::{Directive, Word};

use super::limit::Zone;
use crate::fault::{Fault, show};
use crate::text::Text;
use crate::value::{parse_msec, parse_number, parse_offset, parse_sec, parse_size};

/// `fastcgi_cache_path`. nginx: `ngx_http_file_cache_set_slot`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CachePath<'a> {
    /// The directory.
    pub path: &'a Word,
    /// How many hexadecimal digits each level of subdirectories takes, outermost first.
    pub levels: Vec<u8>,
    /// `use_temp_path=`
    pub use_temp_path: bool,
    /// `keys_zone=`
    pub zone: Zone<'a>,
    /// `inactive=`: what was not asked for so long is dropped.
    pub inactive: Duration,
    /// `max_size=` in bytes.
    pub max_size: Option<u64>,
    /// `min_free=` in bytes.
    pub min_free: u64,
    /// `memory=` in bytes: what is held in memory beside the files; ours.
    pub memory: Option<u64>,
    /// `manager_files=`: how many entries are removed at a time.
    pub manager_files: i64,
    /// `manager_sleep=`: the pause after that.
    pub manager_sleep: Duration,
    /// `manager_threshold=`: how long it may take.
    pub manager_threshold: Duration,
}

impl<'a> CachePath<'a> {
    /// Reads a `…_cache_path`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let Some((path, parameters)) = directive.args.split_first() else {
            return Err(Fault::of(directive, "has no arguments"));
        };
        let mut cache = Self {
            path,
            levels: Vec::new(),
            use_temp_path: true,
            zone: Zone { name: b"", size: 0 },
            inactive: Duration::from_secs(600),
            max_size: None,
            min_free: 0,
            memory: None,
            manager_files: 100,
            manager_sleep: Duration::from_millis(50),
            manager_threshold: Duration::from_millis(200),
        };
        for word in parameters {
            cache.apply(word)?;
        }
        if cache.zone.name.is_empty() || cache.zone.size == 0 {
            let name = directive.name.message_text();
            return Err(Fault::new(format!(
                "\"{name}\" must have \"keys_zone\" parameter"
            )));
        }
        Ok(cache)
    }

    fn apply(&mut self, word: &'a Word) -> Result<(), Fault> {
        if let Some(text) = Text::after(word, "levels=") {
            let invalid = || {
                let text = show(word.as_bytes());
                Fault::new(format!("invalid \"levels\" \"{text}\"")).at(word)
            };
            self.levels = parse_levels(text.bytes).ok_or_else(invalid)?;
        } else if let Some(text) = Text::after(word, "use_temp_path=") {
            self.use_temp_path = match text.bytes {
                b"on" => true,
                b"off" => false,
                _ => {
                    let text = show(word.as_bytes());
                    let message = format!(
                        "invalid use_temp_path value \"{text}\", it must be \"on\" or \"off\""
                    );
                    return Err(Fault::new(message).at(word));
                }
            };
        } else if let Some(text) = Text::after(word, "keys_zone=") {
            self.zone = parse_keys_zone(text)?;
        } else if let Some(text) = Text::after(word, "inactive=") {
            let time = parse_sec(text.bytes);
            self.inactive = time.map_err(|_| Fault::invalid("inactive value", word))?;
        } else if let Some(text) = Text::after(word, "max_size=") {
            let size = parse_offset(text.bytes);
            self.max_size = Some(size.map_err(|_| Fault::invalid("max_size value", word))?);
        } else if let Some(text) = Text::after(word, "min_free=") {
            let size = parse_offset(text.bytes);
            self.min_free = size.map_err(|_| Fault::invalid("min_free value", word))?;
        } else if let Some(text) = Text::after(word, "memory=") {
            let size = parse_size(text.bytes);
            self.memory = Some(size.map_err(|_| Fault::invalid("memory value", word))?);
        } else {
            self.apply_pace(word)?;
        }
        Ok(())
    }

    /// The parameters of nginx's cache manager; those of its loader are checked and have no effect.
    fn apply_pace(&mut self, word: &'a Word) -> Result<(), Fault> {
        let (name, value) = Text::from(word)
            .split_at_byte(b'=')
            .ok_or_else(|| Fault::parameter(word))?;
        let show = || format!("{} value", String::from_utf8_lossy(name.bytes));
        let number = || parse_number(value.bytes).map_err(|_| Fault::invalid(&show(), word));
        let time = || parse_msec(value.bytes).map_err(|_| Fault::invalid(&show(), word));
        match name.bytes {
            b"manager_files" => self.manager_files = number()?,
            b"manager_sleep" => self.manager_sleep = time()?,
            b"manager_threshold" => self.manager_threshold = time()?,
            b"loader_files" => drop(number()?),
            b"loader_sleep" | b"loader_threshold" => drop(time()?),
            _ => return Err(Fault::parameter(word)),
        }
        Ok(())
    }
}

/// Up to three digits 1 or 2, with colons between them.
fn parse_levels(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let levels: Option<Vec<u8>> = text
        .split(|byte| *byte == b':')
        .map(|level| match level {
            b"1" => Some(1),
            b"2" => Some(2),
            _ => None,
        })
        .collect();
    levels.filter(|levels| levels.len() <= 3)
}

fn parse_keys_zone(text: Text<'_>) -> Result<Zone<'_>, Fault> {
    let invalid = || Fault::invalid("keys zone size", text.word);
    let (name, size) = text.split_at_byte(b':').ok_or_else(invalid)?;
    let size = parse_size(size.bytes).map_err(|_| invalid())?;
    if size < 2 * 4096 {
        let zone = show(text.word.as_bytes());
        return Err(Fault::new(format!("keys zone \"{zone}\" is too small")).at(text.word));
    }
    Ok(Zone {
        name: name.bytes,
        size,
    })
}

/// `fastcgi_cache_valid [CODE …] TIME`. nginx: `ngx_http_file_cache_valid_set_slot`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CacheValid {
    /// The statuses it holds for; `None` for any.
    pub codes: Option<Vec<u16>>,
    /// How long such an answer is kept.
    pub time: Duration,
}

impl CacheValid {
    /// Reads a `…_cache_valid`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &Directive) -> Result<Self, Fault> {
        let Some((time, codes)) = directive.args.split_last() else {
            return Err(Fault::of(directive, "has no arguments"));
        };
        let time = parse_sec(time.as_bytes()).map_err(|_| Fault::invalid("time value", time))?;
        if codes.is_empty() {
            return Ok(Self {
                codes: Some(vec![200, 301, 302]),
                time,
            });
        }
        let mut listed = Some(Vec::new());
        for word in codes {
            if *word == "any" {
                listed = None;
                continue;
            }
            let code = parse_number(word.as_bytes())
                .ok()
                .and_then(|code| u16::try_from(code).ok());
            let code = code.filter(|code| (100..=599).contains(code));
            let code = code.ok_or_else(|| Fault::invalid("status", word))?;
            if let Some(listed) = &mut listed {
                listed.push(code);
            }
        }
        Ok(Self {
            codes: listed,
            time,
        })
    }
}
