//! What holds at a level: nearest value, lists as a whole, defaults.

use std::path::Path;
use std::time::Duration;

use portunus_conf::typed::{DocumentRoot, ErrorPage, LocationMatch, PageStatus, TypeMap};
use portunus_conf::{Config, DirectiveId, LoadOptions, MemoryLoader, MimeTypes, Scope, d, dump};

fn load(http: &str) -> Config {
    let text = format!("worker_processes 2; events {{}}\nhttp {{\n{http}\n}}");
    let files = MemoryLoader::from([("/etc/c.conf", text)]);
    let options = LoadOptions {
        prefix: "/srv".into(),
        ..LoadOptions::default()
    };
    let loaded = Config::load_with(Path::new("/etc/c.conf"), &options, &files);
    assert_eq!(loaded.diagnostics.render(&loaded.sources), "");
    loaded.config.expect("there is no error")
}

fn server(config: &Config) -> Scope<'_> {
    config
        .http()
        .and_then(|http| http.child(d::SERVER))
        .expect("there is a server")
}

fn words(scope: Scope<'_>, id: DirectiveId) -> Vec<String> {
    let args = scope
        .all(id)
        .into_iter()
        .flat_map(|directive| &directive.args);
    args.map(|word| word.message_text().into_owned()).collect()
}

#[test]
fn values_come_from_the_nearest_level_or_the_default() {
    let config = load(
        "gzip on; send_timeout 5s; client_max_body_size 2m;
         server { listen 80; send_timeout 1m500ms; location / { gzip OFF; } location /x { } }",
    );
    let server = server(&config);
    let [root, x] = &server.children(d::LOCATION).collect::<Vec<_>>()[..] else {
        panic!("two locations")
    };
    assert!(!root.flag(d::GZIP) && x.flag(d::GZIP) && server.flag(d::GZIP));
    assert!(root.set_here(d::GZIP) && !x.set_here(d::GZIP));
    assert_eq!(x.duration(d::SEND_TIMEOUT), Duration::from_millis(60_500));
    assert_eq!(
        config
            .http()
            .map(|http| http.duration(d::SEND_TIMEOUT).as_secs()),
        Some(5)
    );
    assert_eq!(x.offset(d::CLIENT_MAX_BODY_SIZE), Some(2 << 20));
    assert_eq!(x.size(d::CLIENT_BODY_BUFFER_SIZE), 8192);
    assert_eq!(
        (x.number(d::MAX_RANGES), x.number(d::KEEPALIVE_REQUESTS)),
        (None, Some(1000))
    );
    assert_eq!(x.enumeration(d::SERVER_TOKENS), "on");
    assert_eq!(config.main().text(d::WORKER_PROCESSES), Some(&b"2"[..]));
    assert_eq!(config.events().number(d::WORKER_CONNECTIONS), Some(512));
}

#[test]
fn lists_are_inherited_as_a_whole_and_own_directives_not_at_all() {
    let config = load(
        "add_header A 1; add_header B 2;
         server { listen 80; try_files $uri =404; error_page 404 /a; error_page 500 =200 /b;
           location / { } location /x { add_header C 3; return 204; } }",
    );
    let server = server(&config);
    let [root, x] = &server.children(d::LOCATION).collect::<Vec<_>>()[..] else {
        panic!("two locations")
    };
    assert_eq!(words(*root, d::ADD_HEADER), ["A", "1", "B", "2"]);
    assert_eq!(words(*x, d::ADD_HEADER), ["C", "3"]);
    assert!(root.find(d::TRY_FILES).is_none() && server.find(d::TRY_FILES).is_some());
    let pages: Vec<_> = x
        .all(d::ERROR_PAGE)
        .into_iter()
        .map(ErrorPage::parse)
        .collect();
    let status: Vec<_> = pages
        .iter()
        .flatten()
        .map(|page| (&page.codes[..], page.status))
        .collect();
    assert_eq!(
        status,
        [
            (&[404][..], PageStatus::Same),
            (&[500][..], PageStatus::Fixed(200))
        ]
    );
}

#[test]
fn blocks_are_levels_and_keep_their_order() {
    let config = load(
        "server { listen 80; set $a 1; if ($a) { set $b 2; return 403; } rewrite ^ /x;
           location ~* \\.PHP$ { if (-f $uri) { gzip on; } limit_except GET { deny all; } } }",
    );
    let server = server(&config);
    let names: Vec<_> = server.directives().map(|(id, ..)| id.name).collect();
    assert_eq!(names, ["listen", "set", "if", "rewrite", "location"]);
    let condition = server.child(d::IF).expect("there is an if");
    assert_eq!(
        condition
            .directives()
            .map(|(id, ..)| id)
            .collect::<Vec<_>>(),
        [d::SET, d::RETURN]
    );

    let location = server.child(d::LOCATION).expect("there is a location");
    let directive = location.directive().expect("it has a directive");
    let matched = LocationMatch::parse(directive).expect("it has been checked");
    assert!(
        matches!(matched, LocationMatch::Regex { pattern, caseless: true } if pattern.bytes == b"\\.PHP$")
    );
    assert!(
        location
            .child(d::IF)
            .is_some_and(|inner| inner.flag(d::GZIP))
    );
    assert_eq!(
        location.child(d::LIMIT_EXCEPT).and_then(Scope::parent),
        Some(location)
    );
    assert!(!location.flag(d::GZIP));
}

#[test]
fn members_of_upstreams_are_not_servers() {
    let config =
        load("upstream u { server 127.0.0.1:1; keepalive_timeout 3s; } server { listen 80; }");
    let http = config.http().expect("there is http");
    let upstream = http.child(d::UPSTREAM).expect("there is an upstream");
    assert_eq!(upstream.own(d::UPSTREAM_SERVER).count(), 1);
    assert_eq!(
        upstream.duration(d::UPSTREAM_KEEPALIVE_TIMEOUT).as_secs(),
        3
    );
    assert_eq!(http.children(d::SERVER).count(), 1);
}

#[test]
fn types_replace_the_default_ones() {
    let config = load(
        "server { listen 80; location / { types { a/b X; c/d y; } } location /e { types { } } }",
    );
    let server = server(&config);
    let [root, empty] = &server.children(d::LOCATION).collect::<Vec<_>>()[..] else {
        panic!("two locations")
    };
    assert_eq!(TypeMap::of(server).find(b"HTML"), Some(&b"text/html"[..]));
    assert_eq!(TypeMap::of(*root).find(b"x"), Some(&b"a/b"[..]));
    assert_eq!(TypeMap::of(*root).find(b"html"), None);
    assert_eq!(TypeMap::of(*empty).iter().count(), 0);
}

#[test]
fn roots_and_aliases_share_a_place() {
    let config = load(
        "server { listen 80; root /r; location /a/ { alias /b/; location /a/c { } } location /d { } }",
    );
    let server = server(&config);
    let [aliased, other] = &server.children(d::LOCATION).collect::<Vec<_>>()[..] else {
        panic!("two locations")
    };
    let nested = aliased.child(d::LOCATION).expect("there is a nested one");
    let found = DocumentRoot::of(nested);
    assert!(found.alias && found.origin == Some(*aliased));
    assert_eq!(
        found.path.map(|word| word.message_text()).as_deref(),
        Some("/b/")
    );
    assert!(!DocumentRoot::of(*other).alias);
    assert_eq!(DocumentRoot::of(config.main()).path, None);
}

#[test]
fn bits_and_media_types_add_up() {
    let config = load(
        "gzip_types text/CSS; server { listen 80; gzip_types a/b; gzip_types *; gzip_proxied any auth; gzip_proxied expired; }",
    );
    let (http, server) = (config.http().expect("there is http"), server(&config));
    assert_eq!(
        http.mime_types(d::GZIP_TYPES),
        MimeTypes::These(vec![b"text/html".to_vec(), b"text/css".to_vec()])
    );
    assert_eq!(server.mime_types(d::GZIP_TYPES), MimeTypes::All);
    assert_eq!(server.bits(d::GZIP_PROXIED), ["expired", "auth", "any"]);
    assert_eq!(http.bits(d::GZIP_PROXIED), ["off"]);
    assert_eq!(server.bits(d::SSL_PROTOCOLS), ["TLSv1.2", "TLSv1.3"]);
    let buffers = server.buffers(d::LARGE_CLIENT_HEADER_BUFFERS);
    assert_eq!((buffers.number, buffers.size), (4, 8192));
}

#[test]
fn paths_are_below_the_prefix_and_directives_without_effect_are_noted_once() {
    let config = load("tcp_nopush on; server { listen 80; tcp_nopush off; root html; }");
    assert_eq!(
        server(&config).path(d::ROOT).as_deref(),
        Some(Path::new("/srv/html"))
    );
    let notices: Vec<_> = config
        .notices()
        .into_iter()
        .map(|notice| notice.message)
        .collect();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].starts_with("the \"tcp_nopush\" directive has no effect: "));
}

#[test]
fn directives_on_the_command_line_come_first() {
    let files = MemoryLoader::from([("/c", "pid a; events {}")]);
    let options = LoadOptions {
        globals: Some("pid b;".to_owned()),
        ..LoadOptions::default()
    };
    let loaded = Config::load_with(Path::new("/c"), &options, &files);
    let first = loaded.diagnostics.first_error().expect("it is duplicate");
    let line = first.first_line(&loaded.sources);
    assert_eq!(
        line,
        "nginx: [emerg] \"pid\" directive is duplicate in /c:1"
    );
}

#[test]
fn a_dump_holds_every_file_once() {
    let files = MemoryLoader::from([
        ("/a/c", "events {}\ninclude d;\ninclude d;"),
        ("/a/d", "# d\n"),
    ]);
    let loaded = Config::load_with(Path::new("/a/c"), &LoadOptions::default(), &files);
    let text = String::from_utf8(dump(&loaded.sources)).expect("it is text");
    assert_eq!(
        text,
        "# configuration file /a/c:\nevents {}\ninclude d;\ninclude d;\n# configuration file /a/d:\n# d\n\n"
    );
}

#[test]
fn refused_directives_say_so() {
    let message = |text: &str| {
        let files = MemoryLoader::from([("/c", text)]);
        let loaded = Config::load_with(Path::new("/c"), &LoadOptions::default(), &files);
        let first = loaded
            .diagnostics
            .first_error()
            .expect("it is refused")
            .clone();
        (first.message, first.help)
    };
    let (refused, _) = message("events {} stream { server { listen 1; } }");
    assert_eq!(
        refused,
        "the \"stream\" directive is not supported: only HTTP is served"
    );
    let (unsupported, _) = message("events {} http { server { dav_methods PUT; } }");
    assert_eq!(
        unsupported,
        "the \"dav_methods\" directive is not supported by this build"
    );
    let (foreign, help) = message("events {} http { more_set_headers \"a: b\"; }");
    assert_eq!(foreign, "unknown directive \"more_set_headers\"");
    assert!(help.is_some_and(|help| help.contains("headers-more")));
}

#[test]
fn who_answers_is_inherited_into_if_and_limit_except_alone() {
    let config = load(
        "server { listen 80; location /a { fastcgi_pass 127.0.0.1:9000; internal;
           if ($uri) { gzip on; } limit_except GET { allow all; } location /a/b { } } }",
    );
    let server = server(&config);
    let location = server.child(d::LOCATION).expect("there is a location");
    let inner = |id| location.child(id).expect("it is there");
    assert!(inner(d::IF).find(d::FASTCGI_PASS).is_some());
    assert!(inner(d::LIMIT_EXCEPT).find(d::FASTCGI_PASS).is_some());
    assert!(inner(d::LOCATION).find(d::FASTCGI_PASS).is_none());
    assert!(inner(d::LOCATION).find(d::INTERNAL).is_some());
}
