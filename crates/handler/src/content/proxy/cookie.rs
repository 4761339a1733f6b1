//! `proxy_cookie_domain`, `proxy_cookie_path`, `proxy_cookie_flags`: the attributes of a server's cookies
//! as the client is to see them.
//!
//! Source: nginx, `ngx_http_proxy_rewrite_cookie`, `ngx_http_proxy_parse_cookie`,
//! `ngx_http_proxy_edit_cookie_flags`.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, header};

use super::redirect::{rewrite, value};
use crate::config::{CookieFlags, Proxy, ReplacementPattern};
use crate::context::Context;

/// One part of a cookie, between semicolons; the first is the cookie itself.
struct Attribute<'c> {
    name: Cow<'c, [u8]>,
    value: Option<Cow<'c, [u8]>>,
}

/// Rewrites each `Set-Cookie`.
pub(super) fn apply(cx: &mut Context, proxy: &Proxy, fields: &mut HeaderMap) {
    let rules = [&proxy.cookie_domains, &proxy.cookie_paths];
    if proxy.cookie_flags.is_empty() && rules.into_iter().all(Vec::is_empty) {
        return;
    }
    let cookies = fields
        .iter_mut()
        .filter(|(name, _)| **name == header::SET_COOKIE);
    for (_, cookie) in cookies {
        if let Some(rewritten) = rewritten(cx, proxy, cookie).and_then(value) {
            *cookie = rewritten;
        }
    }
}

/// A cookie with its attributes rewritten; `None` where nothing changes.
fn rewritten(cx: &mut Context, proxy: &Proxy, cookie: &HeaderValue) -> Option<Vec<u8>> {
    let parts = cookie.as_bytes().split(|byte| *byte == b';');
    let mut cookie: Vec<Attribute<'_>> = parts.map(Attribute::parse).collect();
    let (itself, attributes) = cookie.split_first_mut()?;
    itself.value.as_ref()?;
    let mut changed = false;
    for attribute in attributes {
        let Some(old) = &attribute.value else {
            continue;
        };
        let new = if attribute.is("domain") {
            // A dot before a domain is decoration and stays.
            let dot = usize::from(old.first() == Some(&b'.'));
            let new = rewrite(cx, &proxy.cookie_domains, &old[dot..], false);
            new.map(|new| [&old[..dot], &new].concat())
        } else if attribute.is("path") {
            rewrite(cx, &proxy.cookie_paths, old, true)
        } else {
            None
        };
        if let Some(new) = new {
            attribute.value = Some(new.into());
            changed = true;
        }
    }
    if let Some(flags) = flags_for(cx, &proxy.cookie_flags, &cookie[0].name) {
        flags.edit(&mut cookie);
        changed = true;
    }
    changed.then(|| joined(&cookie))
}

fn joined(cookie: &[Attribute<'_>]) -> Vec<u8> {
    let mut text = Vec::new();
    for (number, attribute) in cookie.iter().enumerate() {
        if number > 0 {
            text.extend_from_slice(b"; ");
        }
        text.extend_from_slice(&attribute.name);
        if let Some(value) = &attribute.value {
            text.push(b'=');
            text.extend_from_slice(value);
        }
    }
    text
}

impl<'c> Attribute<'c> {
    fn parse(part: &'c [u8]) -> Self {
        let (name, value) = match memchr::memchr(b'=', part) {
            Some(at) => (&part[..at], Some(&part[at + 1..])),
            None => (part, None),
        };
        Self {
            name: name.trim_ascii().into(),
            value: value.map(|value| value.trim_ascii().into()),
        }
    }

    fn new(name: &'static str, value: Option<&'static str>) -> Self {
        Self {
            name: name.as_bytes().into(),
            value: value.map(|value| value.as_bytes().into()),
        }
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// What becomes of the attributes without a say of the server.
#[derive(Clone, Copy, Default)]
struct Flags {
    secure: Option<bool>,
    http_only: Option<bool>,
    /// `Some(None)`: goes.
    same_site: Option<Option<&'static str>>,
}

/// What the first rule says that is for a cookie of this name.
fn flags_for(cx: &mut Context, rules: &[CookieFlags], name: &[u8]) -> Option<Flags> {
    let mut rules = rules.iter();
    let rule = rules.find(|rule| match &rule.cookie {
        ReplacementPattern::Text(cookie) => cx.expand(cookie).eq_ignore_ascii_case(name),
        ReplacementPattern::Regex(regex) => match regex.captures(name, &mut cx.captures) {
            Ok(found) => {
                if found {
                    cx.store_named_captures();
                }
                found
            }
            Err(error) => {
                cx.log_match(&error);
                false
            }
        },
    })?;
    let mut said = None;
    for flag in &rule.flags {
        let flag = cx.expand(flag).to_ascii_lowercase();
        let flags = said.get_or_insert_with(Flags::default);
        match &flag[..] {
            b"secure" => flags.secure = Some(true),
            b"nosecure" => flags.secure = Some(false),
            b"httponly" => flags.http_only = Some(true),
            b"nohttponly" => flags.http_only = Some(false),
            b"samesite=strict" => flags.same_site = Some(Some("Strict")),
            b"samesite=lax" => flags.same_site = Some(Some("Lax")),
            b"samesite=none" => flags.same_site = Some(Some("None")),
            b"nosamesite" => flags.same_site = Some(None),
            _ => {}
        }
    }
    said.filter(Flags::say_something)
}

impl Flags {
    fn say_something(&self) -> bool {
        self.secure.is_some() || self.http_only.is_some() || self.same_site.is_some()
    }

    /// Takes away what must not be there, and adds what is missing behind the rest.
    fn edit(self, cookie: &mut Vec<Attribute<'_>>) {
        for (name, wanted) in [("Secure", self.secure), ("HttpOnly", self.http_only)] {
            match wanted {
                Some(true) if !cookie.iter().skip(1).any(|one| one.is(name)) => {
                    cookie.push(Attribute::new(name, None));
                }
                Some(false) => drop_all(cookie, name),
                _ => {}
            }
        }
        match self.same_site {
            Some(Some(wanted)) => same_site(cookie, wanted),
            Some(None) => drop_all(cookie, "SameSite"),
            None => {}
        }
    }
}

fn drop_all(cookie: &mut Vec<Attribute<'_>>, name: &str) {
    let mut number = 0;
    cookie.retain(|attribute| {
        number += 1;
        number == 1 || !attribute.is(name)
    });
}

fn same_site(cookie: &mut Vec<Attribute<'_>>, wanted: &'static str) {
    let present = cookie.iter_mut().skip(1).find(|one| one.is("samesite"));
    match present {
        Some(present) => {
            let value = present.value.as_deref().unwrap_or_default();
            if !value.eq_ignore_ascii_case(wanted.as_bytes()) {
                *present = Attribute::new("SameSite", Some(wanted));
            }
        }
        None => cookie.push(Attribute::new("SameSite", Some(wanted))),
    }
}
