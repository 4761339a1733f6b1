//! Each refusal says where, what would be right where that can be said, and is said once.

use std::path::Path;

use portunus_conf::{Config, LoadOptions, MemoryLoader};

/// What is printed for a configuration whose `http` block begins with these directives.
fn printed(main: &str, http: &str) -> String {
    let text = format!("{main}\nhttp {{\n{http}\n}}");
    let files = MemoryLoader::from([("/c", text)]);
    let loaded = Config::load_with(Path::new("/c"), &LoadOptions::default(), &files);
    loaded.diagnostics.render(&loaded.sources)
}

#[test]
fn a_misspelt_name_is_corrected() {
    let text = printed("events {}", "server { listen 80; roott /x; }");
    assert_eq!(
        text,
        "nginx: [emerg] unknown directive \"roott\" in /c:3\n  \
         3:21 | server { listen 80; roott /x; }\n       \
         |                     ^^^^^\n  \
         help: is \"root\" meant?\n"
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_answered_with_the_right_kind() {
    for (http, help) in [
        (
            "fastcgi_pool_size 0;",
            "a number above 0 is asked for, or \"auto\"",
        ),
        ("fastcgi_reuse never;", "it may be: off, safe, always"),
        (
            "fastcgi_queue_depth many;",
            "a number without a unit is asked for",
        ),
        (
            "fastcgi_queue_timeout 5x;",
            "a time is asked for, in seconds or with a unit: 10, 500ms, 1m30s",
        ),
        (
            "client_max_body_size 32mb;",
            "bytes are asked for, with k, m or g for more: 8k, 32m, 1g",
        ),
        (
            "static_cache_size 64mb;",
            "bytes are asked for, with k or m for more: 8k, 32m",
        ),
        ("brotli_static maybe;", "it may be: off, on, always"),
        (
            "server { listen 80; fastcgi_lane slow none; }",
            "a number above 0 is asked for; without one it is half of them",
        ),
    ] {
        let text = printed("events {}", http);
        assert!(
            text.ends_with(&format!("\n  help: {help}\n")),
            "{http}\n{text}"
        );
        assert_eq!(text.matches("[emerg]").count(), 1, "{text}");
    }
    let text = printed("worker_scheduling x; events {}", "");
    assert!(
        text.ends_with("help: it may be: auto, normal, batch\n"),
        "{text}"
    );
}

#[test]
fn a_name_that_leads_nowhere_is_explained() {
    // Longer than the names of hosts may be, so that nobody is asked for it.
    let host = "a".repeat(300);
    for (server, help) in [
        (
            "location / { fastcgi_pass php-fpm; }".to_owned(),
            "it is no \"upstream\" block; an address is HOST:9000, or unix:/PATH for a socket",
        ),
        (
            format!("location / {{ fastcgi_pass {host}:9000; }}"),
            "it is no \"upstream\" block, and must be known when the server starts: \
             is its container up, in the same network?",
        ),
    ] {
        let text = format!("events {{}}\nhttp {{ server {{ {server} }} }}");
        let files = MemoryLoader::from([("/c", text)]);
        let options = LoadOptions {
            look_up: true,
            ..LoadOptions::default()
        };
        let loaded = Config::load_with(Path::new("/c"), &options, &files);
        let said = loaded.diagnostics.render(&loaded.sources);
        assert!(said.ends_with(&format!("\n  help: {help}\n")), "{said}");
    }
}

/// What stands in a file that cannot be read is not missing.
#[test]
fn a_file_that_is_not_there_is_all_there_is_to_say() {
    let loaded = Config::load(Path::new("/nonexistent/c"), &LoadOptions::default());
    assert_eq!(
        loaded.diagnostics.render(&loaded.sources),
        "nginx: [emerg] open() \"/nonexistent/c\" failed (2: No such file or directory)\n"
    );
}

/// nginx names no line for what it finds when it has read everything. Its line is as it was, and ours follows.
#[test]
fn what_is_found_at_the_end_has_its_place_too() {
    let text = printed("events {}", "server { limit_req zone=z; }");
    assert_eq!(
        text,
        "nginx: [emerg] zero size shared memory zone \"z\"\n  \
         at /c:3\n  \
         3:10 | server { limit_req zone=z; }\n       \
         |          ^^^^^^^^^\n  \
         help: it is used here, and declared nowhere: limit_req_zone in http does\n"
    );
    let text = printed("events { worker_connections 1; }", "server { }");
    assert!(text.contains("listening sockets\n  at /c:1\n"), "{text}");
    let text = printed(
        "events {}",
        "server { fastcgi_cache z; fastcgi_cache_key k; }",
    );
    let place = "3:24 | server { fastcgi_cache z; fastcgi_cache_key k; }";
    assert!(text.contains(place), "{text}");
    assert!(
        text.contains("help: fastcgi_cache_path in http declares it\n"),
        "{text}"
    );
}
