//! `userid` and its kin.

use http::HeaderValue;
use portunus_conf::{Scope, d, value};
use portunus_handler::{CookieExpires, IdForm, UserId, Variable};

use super::Builder;

impl Builder<'_> {
    /// `None` for `off`.
    pub(super) fn userid(&mut self, scope: Scope<'_>) -> Option<UserId> {
        let form = match scope.enumeration(d::USERID) {
            "on" => IdForm::Second,
            "v1" => IdForm::First,
            "log" => IdForm::Log,
            _ => return None,
        };
        let text = |id| scope.text(id).unwrap_or_default();
        let expires = match text(d::USERID_EXPIRES) {
            b"off" | b"" => CookieExpires::Never,
            b"max" => CookieExpires::Max,
            time => {
                value::parse_sec(time).map_or(CookieExpires::Never, |time| match time.as_secs() {
                    0 => CookieExpires::Never,
                    seconds => CookieExpires::In(seconds),
                })
            }
        };
        let mark = match text(d::USERID_MARK) {
            [mark] => Some(*mark),
            _ => None,
        };
        let p3p = Some(text(d::USERID_P3P)).filter(|text| *text != b"none");
        let service = scope.number(d::USERID_SERVICE);
        Some(UserId {
            form,
            service: service.and_then(|number| u32::try_from(number).ok()),
            name: text(d::USERID_NAME).into(),
            attributes: attributes(scope),
            expires,
            mark,
            p3p: p3p.and_then(|text| HeaderValue::from_bytes(text).ok()),
            reset: self
                .names
                .resolve(b"uid_reset")
                .unwrap_or(Variable::NotFound),
        })
    }
}

/// What stands in every cookie, in nginx's order.
fn attributes(scope: Scope<'_>) -> Box<[u8]> {
    let mut out = Vec::new();
    let domain = scope.text(d::USERID_DOMAIN).unwrap_or_default();
    if !matches!(domain, b"none" | b"") {
        out.extend_from_slice(b"; domain=");
        out.extend_from_slice(domain);
    }
    out.extend_from_slice(b"; path=");
    out.extend_from_slice(scope.text(d::USERID_PATH).unwrap_or_default());
    let flags = scope.bits(d::USERID_FLAGS);
    let known = [
        "secure",
        "httponly",
        "samesite=strict",
        "samesite=lax",
        "samesite=none",
    ];
    for flag in known.iter().filter(|flag| flags.contains(flag)) {
        out.extend_from_slice(b"; ");
        out.extend_from_slice(flag.as_bytes());
    }
    out.into()
}
