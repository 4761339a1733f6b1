//! The few browsers that nginx has habits for.

use http::{HeaderMap, HeaderValue, Method, header};

use crate::config::KeepaliveDisable;
use crate::context::Context;

/// Whom a client takes itself for.
///
/// Source: nginx, `ngx_http_process_user_agent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Browser {
    /// Internet Explorer before 6.0 SV1.
    Msie6,
    Msie,
    Chrome,
    /// On macOS.
    Safari,
    Other,
}

impl Browser {
    fn of(fields: &HeaderMap) -> Self {
        let agent = fields.get(header::USER_AGENT).map(HeaderValue::as_bytes);
        let agent = agent.unwrap_or_default();
        let holds = |name: &[u8]| memchr::memmem::find(agent, name).is_some();
        if holds(b"Opera") {
            return Self::Other;
        }
        if let Some(at) = memchr::memmem::find(agent, b"MSIE ")
            && let Some([major, dot, rest @ ..]) = agent.get(at + 5..)
            && !rest.is_empty()
        {
            let old = match major {
                b'4' | b'5' => true,
                b'6' => memchr::memmem::find(rest, b"SV1").is_none(),
                _ => false,
            };
            return if *dot == b'.' && old {
                Self::Msie6
            } else {
                Self::Msie
            };
        }
        if holds(b"Gecko/") {
            Self::Other
        } else if holds(b"Chrome/") {
            Self::Chrome
        } else if holds(b"Safari/") && holds(b"Mac OS X") {
            Self::Safari
        } else {
            Self::Other
        }
    }
}

/// Whether `msie_padding` is for this client.
pub(super) fn wants_padding(fields: &HeaderMap) -> bool {
    matches!(
        Browser::of(fields),
        Browser::Msie | Browser::Msie6 | Browser::Chrome
    )
}

/// Whether the client takes itself for Internet Explorer: `$msie`, and who `msie_refresh` is for.
pub(crate) fn is_msie(fields: &HeaderMap) -> bool {
    matches!(Browser::of(fields), Browser::Msie | Browser::Msie6)
}

/// `keepalive_disable`.
///
/// Source: nginx, `ngx_http_update_location_config`.
pub(super) fn loses_keep_alive(cx: &Context, rule: KeepaliveDisable) -> bool {
    let post = cx.head.method == Method::POST;
    if !(rule.safari || (rule.msie6 && post)) {
        return false;
    }
    match Browser::of(cx.exchange.fields()) {
        Browser::Msie6 => rule.msie6 && post,
        Browser::Safari => rule.safari,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(agent: &str) -> Browser {
        let mut fields = HeaderMap::new();
        fields.insert(header::USER_AGENT, agent.parse().unwrap());
        Browser::of(&fields)
    }

    #[test]
    fn disguises_are_seen_through() {
        assert_eq!(
            of("Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)"),
            Browser::Msie6
        );
        assert_eq!(
            of("Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)"),
            Browser::Msie
        );
        assert_eq!(
            of("Mozilla/4.0 (compatible; MSIE 10.0; Windows)"),
            Browser::Msie
        );
        assert_eq!(
            of("Mozilla/5.0 Chrome/120.0 Safari/537.36"),
            Browser::Chrome
        );
        assert_eq!(of("Mozilla/5.0 (Mac OS X) Safari/537.36"), Browser::Safari);
        assert_eq!(
            of("Mozilla/4.0 (compatible; MSIE 6.0) Opera 8"),
            Browser::Other
        );
        assert_eq!(of("Mozilla/5.0 Firefox/120.0"), Browser::Other);
        assert_eq!(of("MSIE "), Browser::Other);
        assert_eq!(Browser::of(&HeaderMap::new()), Browser::Other);
    }
}
