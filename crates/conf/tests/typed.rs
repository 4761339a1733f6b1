//! Compound directives are read into the values they say.

use std::path::Path;
use std::time::Duration;

use portunus_conf::typed::{
    AccessLog, AddHeader, CachePath, CacheValid, Candidate, Condition, Expires, Fallback, FileTest,
    Geo, GeoEntry, LimitReq, LimitZone, Listen, LocationMatch, LogEscape, LogFormat, LogTarget,
    Map, MapKey, Member, Param, Pass, ProxyRedirect, Return, Rewrite, RewriteFlag, ServerName,
    SessionCache, SocketKeepalive, SplitClients, TryFiles,
};
use portunus_conf::{Address, Config, Directive, LoadOptions, MemoryLoader, Network, d};

/// Loads a text of the main level and gives the only directive of its server, or of `http`.
fn with<T>(http: &str, read: impl Fn(&Directive) -> T) -> T {
    let text = format!("events {{}}\nhttp {{\n{http}\n}}");
    let files = MemoryLoader::from([("/c", text)]);
    let loaded = Config::load_with(Path::new("/c"), &LoadOptions::default(), &files);
    assert_eq!(loaded.diagnostics.render(&loaded.sources), "");
    let config = loaded.config.expect("there is no error");
    let http = config.http().expect("there is http");
    let scope = http
        .child(d::SERVER)
        .or(http.child(d::UPSTREAM))
        .unwrap_or(http);
    read(scope.directives().next().expect("there is a directive").1)
}

fn server<T>(directive: &str, read: impl Fn(&Directive) -> T) -> T {
    with(&format!("server {{ {directive} }}"), read)
}

fn debug<T: std::fmt::Debug>(value: T) -> String {
    format!("{value:?}")
}

#[test]
fn listens() {
    server(
        "listen 80 default_server backlog=64 reuseport so_keepalive=30m::10;",
        |directive| {
            let listen = Listen::parse(directive).expect("it is right");
            assert_eq!(listen.url.address, Address::Ip(([0, 0, 0, 0], 80).into()));
            assert!(
                listen.default_server && listen.reuse_port && listen.sets_options && !listen.ssl
            );
            assert_eq!(listen.backlog, Some(64));
            let idle = Some(Duration::from_secs(1800));
            let keepalive = SocketKeepalive::On {
                idle,
                interval: None,
                count: Some(10),
            };
            assert_eq!(listen.keepalive, keepalive);
        },
    );
    server("listen unix:/run/p.sock;", |directive| {
        let listen = Listen::parse(directive).expect("it is right");
        assert_eq!(listen.url.address, Address::Unix(b"/run/p.sock"));
    });
}

#[test]
fn locations_and_names() {
    let kind = |location: &str| {
        server(&format!("location {location} {{ }}"), |directive| {
            let matched = LocationMatch::parse(directive).expect("it is right");
            let name = String::from_utf8_lossy(matched.name().bytes).into_owned();
            (debug(matched).split('(').next().map(str::to_owned), name)
        })
    };
    let named = |kind: &str, name: &str| (Some(kind.to_owned()), name.to_owned());
    assert_eq!(kind("= /a"), named("Exact", "/a"));
    assert_eq!(kind("=/a"), named("Exact", "/a"));
    assert_eq!(kind("^~ /a"), named("PrefixStop", "/a"));
    assert_eq!(kind("/a"), named("Prefix", "/a"));
    assert_eq!(kind("@a"), named("Named", "@a"));
    let names = server("server_name a *.B .c d.* ~^E $hostname;", |directive| {
        let names = directive.args.iter().map(ServerName::parse);
        names
            .map(|name| debug(name.expect("it is right")))
            .collect::<Vec<_>>()
    });
    let kinds = [
        "Exact",
        "WildcardHead",
        "Dot",
        "WildcardTail",
        "Regex",
        "Hostname",
    ];
    assert!(
        names
            .iter()
            .zip(kinds)
            .all(|(name, kind)| name.starts_with(kind)),
        "{names:?}"
    );
}

#[test]
fn rewriting() {
    server("rewrite ^/a(.*)$ /b$1? last;", |directive| {
        let rewrite = Rewrite::parse(directive).expect("it is right");
        assert_eq!(
            (rewrite.replacement.bytes, rewrite.flag),
            (&b"/b$1"[..], RewriteFlag::Last)
        );
        assert!(!rewrite.adds_args);
    });
    server("rewrite ^ https://$host;", |directive| {
        let rewrite = Rewrite::parse(directive).expect("it is right");
        assert_eq!(
            (rewrite.flag, rewrite.adds_args),
            (RewriteFlag::Redirect, true)
        );
    });
    server("return https://$host;", |directive| {
        assert_eq!(
            Return::parse(directive).map(|answer| answer.status),
            Ok(302)
        );
    });
    server("if (!-d $document_root/a) { }", |directive| {
        let condition = Condition::parse(directive).expect("it is right");
        assert!(
            matches!(condition, Condition::File { test: FileTest::Directory, negated: true, path }
            if path.bytes == b"$document_root/a")
        );
    });
    server("if ( $uri !~* \\.php$ ) { }", |directive| {
        let condition = Condition::parse(directive).expect("it is right");
        assert!(
            matches!(condition, Condition::Matches { variable, caseless: true, negated: true, pattern }
            if variable.bytes == b"uri" && pattern.bytes == b"\\.php$")
        );
    });
    server("try_files $uri $uri/ =404;", |directive| {
        let files = TryFiles::parse(directive).expect("it is right");
        let candidates: Vec<_> = files
            .candidates
            .iter()
            .map(|Candidate { path, directory }| (path.bytes, *directory))
            .collect();
        assert_eq!(candidates, [(&b"$uri"[..], false), (b"$uri", true)]);
        assert_eq!(files.last, Fallback::Code(404));
    });
}

#[test]
fn headers_and_parameters() {
    let expires = |value: &str| {
        server(&format!("expires {value};"), |one| {
            debug(Expires::parse(one))
        })
    };
    assert_eq!(
        expires("-1"),
        "Ok(Relative { time: 1s, negative: true, modified: false })"
    );
    assert_eq!(
        expires("modified +1h"),
        "Ok(Relative { time: 3600s, negative: false, modified: true })"
    );
    assert_eq!(
        (expires("max"), expires("@2h")),
        ("Ok(Max)".into(), "Ok(Daily(7200s))".into())
    );
    server("add_header X-A \"b $host\" always;", |directive| {
        let header = AddHeader::parse(directive).expect("it is right");
        assert!(header.always && *header.value == "b $host");
    });
    server("fastcgi_param HTTPS $https if_not_empty;", |directive| {
        assert_eq!(
            Param::parse(directive).map(|param| param.if_not_empty),
            Ok(true)
        );
    });
}

#[test]
fn logs() {
    with("log_format m escape=json '{' $status '}';", |directive| {
        let format = LogFormat::parse(directive).expect("it is right");
        assert_eq!((format.escape, format.parts.len()), (LogEscape::Json, 3));
    });
    server(
        "access_log logs/a combined gzip flush=5s if=$status;",
        |directive| {
            let AccessLog::To {
                target,
                buffer,
                condition,
                format,
            } = AccessLog::parse(directive).expect("it is right")
            else {
                panic!("it is not off");
            };
            let buffer = buffer.expect("gzip buffers");
            assert!(matches!(target, LogTarget::File(path) if *path == "logs/a"));
            assert_eq!(
                (buffer.size, buffer.gzip, format),
                (64 * 1024, Some(1), &b"combined"[..])
            );
            assert_eq!(condition.map(|text| text.bytes), Some(&b"$status"[..]));
        },
    );
}

/// nginx with `sticky` sends none but bound sessions there.
#[test]
fn a_member_that_is_drained_gets_no_requests() {
    for (parameter, down) in [("", false), ("down", true), ("drain", true)] {
        let text = format!("upstream u {{ server a.example:81 {parameter}; }}");
        with(&text, |one| {
            let member = Member::parse(one).expect("it is right");
            assert_eq!(member.down, down, "{parameter}");
        });
    }
}

#[test]
fn upstreams() {
    with(
        "upstream u { server a.example:81 weight=3 max_fails=0 fail_timeout=1m backup; server b.example; }",
        |one| {
            let member = Member::parse(one).expect("it is right");
            assert_eq!(member.url.address, Address::Name(b"a.example", 81));
            assert_eq!(
                (member.weight, member.max_fails, member.backup),
                (3, 0, true)
            );
            assert_eq!(member.fail_timeout, Duration::from_secs(60));
        },
    );
    let text = "server { location / { proxy_pass https://127.0.0.1/x?y; proxy_redirect ~^a b; } }";
    let files = MemoryLoader::from([("/c", format!("events {{}} http {{ {text} }}"))]);
    let loaded = Config::load_with(Path::new("/c"), &LoadOptions::default(), &files);
    let config = loaded.config.expect("there is no error");
    let server = config.http().and_then(|http| http.child(d::SERVER));
    let location = server
        .and_then(|server| server.child(d::LOCATION))
        .expect("there is one");
    let pass = location
        .find(d::PROXY_PASS)
        .map(Pass::parse_proxy)
        .expect("there is one");
    let Ok(Pass::To { tls: true, url, .. }) = pass else {
        panic!("{pass:?}")
    };
    assert_eq!(
        (url.address, url.uri),
        (Address::Ip(([127, 0, 0, 1], 443).into()), &b"/x?y"[..])
    );
    let redirect = location.find(d::PROXY_REDIRECT).map(ProxyRedirect::parse);
    assert!(matches!(
        redirect,
        Some(Ok(ProxyRedirect::Regex {
            caseless: false,
            ..
        }))
    ));
}

#[test]
fn limits_and_stores() {
    with("limit_req_zone $uri zone=a:1m rate=30r/m;", |directive| {
        let zone = LimitZone::parse_req(directive).expect("it is right");
        assert_eq!(
            (zone.rate, zone.zone.name, zone.zone.size),
            (500, &b"a"[..], 1 << 20)
        );
    });
    with(
        "limit_req_zone $uri zone=a:1m rate=1r/s; server { limit_req zone=a burst=5 nodelay; }",
        |one| {
            assert_eq!(
                LimitReq::parse(one),
                Ok(LimitReq {
                    zone: b"a",
                    burst: 5,
                    delay: None
                })
            );
        },
    );
    with(
        "fastcgi_cache_path c levels=1:2 keys_zone=k:1m max_size=1g inactive=1h;",
        |directive| {
            let cache = CachePath::parse(directive).expect("it is right");
            assert_eq!((cache.levels, cache.max_size), (vec![1, 2], Some(1 << 30)));
        },
    );
    server("fastcgi_cache_valid any 1m;", |directive| {
        let valid = CacheValid {
            codes: None,
            time: Duration::from_secs(60),
        };
        assert_eq!(CacheValid::parse(directive), Ok(valid));
    });
    server("ssl_session_cache shared:s:1m;", |directive| {
        let shared = SessionCache::Shared {
            name: b"s",
            size: 1 << 20,
        };
        assert_eq!(SessionCache::parse(directive), Ok(vec![shared]));
    });
}

#[test]
fn maps() {
    with(
        "map $host $a { hostnames; default 0; *.b 1; ~*^c$ $uri; }",
        |directive| {
            let map = Map::parse(directive).expect("it is right");
            assert!(map.hostnames && !map.volatile && map.variable.bytes == b"a");
            assert_eq!(
                map.default.map(portunus_conf::Word::as_bytes),
                Some(&b"0"[..])
            );
            assert!(
                matches!(map.entries[1].0, MapKey::Regex { caseless: true, pattern } if pattern.bytes == b"^c$")
            );
        },
    );
    with(
        "geo $a { default 0; 10.0.0.0/8 1; proxy ::1; }",
        |directive| {
            let geo = Geo::parse(directive).expect("it is right");
            let network = Network::parse(b"10.0.0.0/8").expect("it is one");
            assert!(matches!(geo.entries[..], [GeoEntry::Network(one, _)] if one == network));
            assert_eq!(geo.proxies.len(), 1);
        },
    );
    with("split_clients $uri $a { 0.5% x; * y; }", |directive| {
        let split = SplitClients::parse(directive).expect("it is right");
        let shares: Vec<_> = split.parts.iter().map(|(share, _)| *share).collect();
        assert_eq!(shares, [Some(50), None]);
    });
}
