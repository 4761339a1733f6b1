//! Identifiers of clients: what a cookie brought, what a new one says.
//!
//! Source: nginx, ngx_http_userid_filter_module.

use std::io::Write as _;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use portunus_telemetry::{Clock, Severity};

use crate::config::{IdForm, UserId};
use crate::context::Context;
use crate::variable::{cookie, decode_base64};

/// Sixteen bytes: service, second, process, number.
type Id = [u8; 16];

/// Characters that an identifier takes in a cookie, without padding.
const ENCODED: usize = 22;

/// What is known of the client of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Client {
    /// The value of the cookie as it came.
    value: Vec<u8>,
    /// The identifier in it.
    got: Option<Id>,
    /// The identifier to be set.
    set: Option<Id>,
    /// `$uid_reset` wants a new one.
    reset: bool,
}

impl Context {
    /// The value of `$uid_got`: `name=…`.
    pub(crate) fn append_uid_got(&mut self, out: &mut Vec<u8>) -> bool {
        let site = Rc::clone(&self.site);
        let Some(rules) = &self.location_in(&site).userid else {
            return false;
        };
        match self.client_of(rules).got {
            Some(id) => append(rules, id, out),
            None => false,
        }
    }

    /// The value of `$uid_set`: `name=…`.
    pub(crate) fn append_uid_set(&mut self, out: &mut Vec<u8>) -> bool {
        let site = Rc::clone(&self.site);
        let Some(rules) = &self.location_in(&site).userid else {
            return false;
        };
        match self.uid_to_set(rules) {
            Some(id) => append(rules, id, out),
            None => false,
        }
    }

    /// The value of the cookie that is to be set, without its attributes.
    pub(crate) fn uid_cookie(&mut self, rules: &UserId) -> Option<Vec<u8>> {
        let id = self.uid_to_set(rules)?;
        let client = self.client_of(rules);
        let kept = client.got.is_some() && !client.reset;
        let mut value = if kept {
            client.value[..ENCODED].to_vec()
        } else {
            encode(id)
        };
        value.extend([rules.mark.unwrap_or(b'='), b'=']);
        Some(value)
    }

    /// What the cookie of the request says; it is looked at once.
    fn client_of(&mut self, rules: &UserId) -> &mut Client {
        if self.identified.is_none() {
            let client = self.identify(rules);
            self.identified = Some(Box::new(client));
        }
        self.identified.get_or_insert_default()
    }

    fn identify(&self, rules: &UserId) -> Client {
        let mut client = Client::default();
        let Some(value) = cookie(self.exchange.fields(), &rules.name) else {
            return client;
        };
        client.value = value.to_vec();
        let shown = value.escape_ascii();
        match value.get(..ENCODED).map(decode_base64) {
            None => self.log_error(format_args!(
                "client sent too short userid cookie \"{shown}\""
            )),
            Some(decoded) => match decoded.and_then(|bytes| Id::try_from(bytes).ok()) {
                // An identifier without a number is none.
                Some(id) => client.got = (id[12..] != [0; 4]).then_some(id),
                None => {
                    self.log_error(format_args!(
                        "client sent invalid userid cookie \"{shown}\""
                    ));
                }
            },
        }
        client
    }

    /// The identifier to be set, if one is.
    fn uid_to_set(&mut self, rules: &UserId) -> Option<Id> {
        if rules.form == IdForm::Log {
            return None;
        }
        let client = self.client_of(rules);
        if client.set.is_some() {
            return client.set;
        }
        if let Some(got) = client.got {
            let is_marked = |mark| client.value[ENCODED..].starts_with(&[mark, b'=']);
            let stays = rules.mark.is_none_or(is_marked);
            let mut reset = Vec::new();
            self.append_value(&rules.reset, &mut reset);
            if matches!(&reset[..], b"" | b"0") {
                self.client_of(rules).set = (!stays).then_some(got);
                return self.client_of(rules).set;
            }
            self.client_of(rules).reset = true;
            if reset == b"log" {
                let mut shown = Vec::new();
                append(rules, got, &mut shown);
                self.log(
                    Severity::Notice,
                    format_args!("userid cookie \"{}\" was reset", shown.escape_ascii()),
                );
            }
        }
        let id = self.new_id(rules);
        self.client_of(rules).set = Some(id);
        Some(id)
    }

    fn new_id(&self, rules: &UserId) -> Id {
        let second = u32::try_from(Clock::since_epoch().as_secs()).unwrap_or(u32::MAX);
        let words = match rules.form {
            IdForm::First | IdForm::Log => {
                let number = FIRST.fetch_add(STEP, Ordering::Relaxed);
                let service = rules.service.unwrap_or(0);
                [service, second, process(), number].map(u32::to_ne_bytes)
            }
            IdForm::Second => {
                let number = SECOND.fetch_add(STEP, Ordering::Relaxed);
                let service = match rules.service {
                    Some(service) => service.to_be_bytes(),
                    None => self.own_address(),
                };
                let [second, process, number] = [second, process(), number].map(u32::to_be_bytes);
                [service, second, process, number]
            }
        };
        let mut id = Id::default();
        for (place, word) in id.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word);
        }
        id
    }

    /// The last four bytes of the address that the client came to.
    fn own_address(&self) -> [u8; 4] {
        match self.local_address().map(|address| address.ip()) {
            Some(IpAddr::V4(address)) => address.octets(),
            Some(IpAddr::V6(address)) => {
                let [.., a, b, c, d] = address.octets();
                [a, b, c, d]
            }
            None => [0; 4],
        }
    }
}

/// Numbers of identifiers; what nginx begins with, and its step.
static FIRST: AtomicU32 = AtomicU32::new(1);
static SECOND: AtomicU32 = AtomicU32::new(0x0303_0302);
const STEP: u32 = 0x100;

/// Tells this process from others.
fn process() -> u32 {
    static START: OnceLock<u32> = OnceLock::new();
    *START.get_or_init(|| (Clock::since_epoch().subsec_micros() / 20) << 16 | std::process::id())
}

fn append(rules: &UserId, id: Id, out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(&rules.name);
    out.push(b'=');
    for word in id.chunks_exact(4) {
        let word = word.try_into().map(u32::from_ne_bytes).unwrap_or_default();
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{word:08X}");
    }
    true
}

/// RFC 4648 §4, without padding.
fn encode(id: Id) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let number = u128::from_be_bytes(id);
    let digit = |at: usize| {
        let shifted = match at {
            21 => number << 4,
            _ => number >> (122 - 6 * at),
        };
        DIGITS[usize::try_from(shifted & 63).unwrap_or(0)]
    };
    (0..ENCODED).map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_survive_their_cookie() {
        for seed in 0..50_u8 {
            let id: Id = std::array::from_fn(|at| {
                seed.wrapping_mul(37)
                    .wrapping_add((at as u8).wrapping_mul(29))
            });
            let encoded = encode(id);
            assert_eq!(encoded.len(), ENCODED);
            assert_eq!(decode_base64(&encoded).unwrap(), id);
        }
    }
}
