//! nginx's conditions for compression, one by one.

use http::HeaderValue;

use super::*;

fn fields(list: &[(HeaderName, &'static str)]) -> HeaderMap {
    list.iter()
        .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
        .collect()
}

fn rules() -> CompressionRules {
    let gzip = CodingRules {
        coding: Coding::Gzip,
        min_length: 20,
        types: Arc::default(),
    };
    CompressionRules {
        codings: SmallVec::from_iter([gzip]),
        vary: true,
        ..Default::default()
    }
}

fn html(headers: &HeaderMap) -> Answer<'_> {
    Answer {
        status: 200,
        headers,
        content_type: Some(b"text/html; charset=utf-8"),
        encoded: false,
        length: Some(100),
        header_only: false,
        now: 784_111_777,
    }
}

const YES: EncodingDecision = EncodingDecision {
    coding: Some(Coding::Gzip),
    vary: true,
};
const REFUSED: EncodingDecision = EncodingDecision {
    coding: None,
    vary: true,
};
const UNTOUCHED: EncodingDecision = EncodingDecision {
    coding: None,
    vary: false,
};

fn with(change: impl FnOnce(&mut Answer<'_>)) -> EncodingDecision {
    let none = HeaderMap::new();
    let mut answer = html(&none);
    change(&mut answer);
    let request = fields(&[(header::ACCEPT_ENCODING, "gzip")]);
    decide_encoding(&answer, &request, Version::HTTP_11, &rules())
}

#[test]
fn the_answer_must_be_worth_it() {
    assert_eq!(with(|_| ()), YES);
    assert_eq!(with(|answer| answer.status = 404), YES);
    assert_eq!(with(|answer| answer.status = 206), UNTOUCHED);
    assert_eq!(with(|answer| answer.status = 500), UNTOUCHED);
    assert_eq!(with(|answer| answer.length = Some(19)), UNTOUCHED);
    assert_eq!(with(|answer| answer.length = None), YES);
    assert_eq!(with(|answer| answer.encoded = true), UNTOUCHED);
    assert_eq!(with(|answer| answer.header_only = true), UNTOUCHED);
    assert_eq!(
        with(|answer| answer.content_type = Some(b"image/png")),
        UNTOUCHED
    );
    assert_eq!(with(|answer| answer.content_type = Some(b"TEXT/HTML")), YES);
    assert_eq!(with(|answer| answer.content_type = None), UNTOUCHED);
}

#[test]
fn the_client_must_want_it_and_be_able() {
    let none = HeaderMap::new();
    let ask = |list: &[(HeaderName, &'static str)], version, rules: &CompressionRules| {
        decide_encoding(&html(&none), &fields(list), version, rules)
    };
    let gzip = (header::ACCEPT_ENCODING, "gzip");
    assert_eq!(ask(&[], Version::HTTP_11, &rules()), REFUSED);
    assert_eq!(
        ask(std::slice::from_ref(&gzip), Version::HTTP_10, &rules()),
        REFUSED
    );
    let old = CompressionRules {
        http_version: Version::HTTP_10,
        ..rules()
    };
    assert_eq!(
        ask(std::slice::from_ref(&gzip), Version::HTTP_10, &old),
        YES
    );

    let msie = CompressionRules {
        disable_msie6: true,
        ..rules()
    };
    let agent = |name| [gzip.clone(), (header::USER_AGENT, name)];
    let version = Version::HTTP_11;
    assert_eq!(
        ask(
            &agent("Mozilla/4.0 (compatible; MSIE 6.0; X)"),
            version,
            &msie
        ),
        REFUSED
    );
    assert_eq!(
        ask(
            &agent("Mozilla/4.0 (compatible; MSIE 6.0; SV1)"),
            version,
            &msie
        ),
        YES
    );
    assert_eq!(
        ask(
            &agent("Mozilla/4.0 (compatible; MSIE 7.0; X)"),
            version,
            &msie
        ),
        YES
    );
    let disable: AgentTest = Arc::new(|agent| agent == b"old");
    let regex = CompressionRules {
        disable: Some(disable),
        ..rules()
    };
    assert_eq!(ask(&agent("old"), version, &regex), REFUSED);
    assert_eq!(ask(&agent("new"), version, &regex), YES);
}

#[test]
fn proxied_requests_follow_gzip_proxied() {
    const PAST: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const FUTURE: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    let ask = |answer: &[(HeaderName, &'static str)], proxied| {
        let request = fields(&[(header::ACCEPT_ENCODING, "gzip"), (header::VIA, "1.1 x")]);
        let rules = CompressionRules { proxied, ..rules() };
        decide_encoding(&html(&fields(answer)), &request, Version::HTTP_11, &rules)
            .coding
            .is_some()
    };
    let off = Proxied::default();
    assert!(!ask(&[], off));
    assert!(ask(&[], Proxied { any: true, ..off }));
    // Nothing forbids it: no Expires, no Cache-Control, neither date nor tag.
    assert!(ask(
        &[],
        Proxied {
            no_last_modified: true,
            ..off
        }
    ));
    assert!(ask(
        &[],
        Proxied {
            expired: true,
            ..off
        }
    ));
    assert!(!ask(
        &[(header::LAST_MODIFIED, PAST)],
        Proxied {
            no_last_modified: true,
            ..off
        }
    ));
    assert!(!ask(
        &[(header::ETAG, "\"a\"")],
        Proxied {
            no_etag: true,
            ..off
        }
    ));
    assert!(ask(
        &[(header::EXPIRES, PAST)],
        Proxied {
            expired: true,
            ..off
        }
    ));
    assert!(!ask(
        &[(header::EXPIRES, FUTURE)],
        Proxied {
            expired: true,
            ..off
        }
    ));
    assert!(!ask(
        &[(header::EXPIRES, PAST)],
        Proxied {
            no_etag: true,
            ..off
        }
    ));
    let private = Proxied {
        private: true,
        ..off
    };
    assert!(ask(
        &[(header::CACHE_CONTROL, "max-age=1, private")],
        private
    ));
    assert!(!ask(&[(header::CACHE_CONTROL, "private=x")], private));
    assert!(!ask(&[(header::CACHE_CONTROL, "no-store")], private));
    assert!(ask(
        &[(header::CACHE_CONTROL, "no-store")],
        Proxied {
            no_store: true,
            ..off
        }
    ));
}

#[test]
fn types_are_compared_without_parameters() {
    let types = TypeSet::new([&b"application/JSON"[..]]);
    assert!(types.contains(b"application/json"));
    assert!(types.contains(b"application/json;charset=utf-8"));
    assert!(types.contains(b"text/html"));
    assert!(!types.contains(b"application/jsonp"));
    assert!(TypeSet::new([&b"*"[..]]).contains(b"whatever"));
}
