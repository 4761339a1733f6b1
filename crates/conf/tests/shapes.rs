//! The directives of 308 real FastCGI sites and their companions, in every level and with every shape
//! of arguments that they are written with there: each is a configuration of its own that loads, here
//! and in the reference.
//!
//! A line of `shapes.tsv` is a level, a directive and, for those that nginx 1.22 lacks, `newer`.
//! `%%TMP%%` is a directory, `%%PORT%%` a port.

#![allow(clippy::print_stderr, reason = "a test says what it leaves out")]

mod support;

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use portunus_conf::{Config, LoadOptions};
use support::{reference_is_here, reference_says};

/// What directives of the table refer to: zones, groups, formats, variables. A line that defines what
/// the directive itself defines is left out.
const SURROUNDINGS: &[&str] = &[
    "limit_req_zone $binary_remote_addr zone=api:1m rate=10r/s;",
    "limit_req_zone $binary_remote_addr zone=login:1m rate=10r/s;",
    "limit_req_zone $binary_remote_addr zone=api_limit:1m rate=10r/s;",
    "limit_req_zone $binary_remote_addr zone=general:1m rate=10r/s;",
    "limit_req_zone $binary_remote_addr zone=auth:1m rate=10r/s;",
    "limit_conn_zone $binary_remote_addr zone=conn_limit:1m;",
    "limit_conn_zone $binary_remote_addr zone=perip:1m;",
    "fastcgi_cache_path %%TMP%%/one keys_zone=dwchiang:1m;",
    "fastcgi_cache_path %%TMP%%/two keys_zone=WORDPRESS:1m;",
    "fastcgi_cache_path %%TMP%%/three keys_zone=wordpress:1m;",
    "fastcgi_cache_key $uri;",
    "log_format main_timed timed;",
    "log_format main plain;",
    "upstream php { server 127.0.0.1:9000; }",
    "upstream php-upstream { server 127.0.0.1:9000; }",
    "upstream nuxt_upstream { server 127.0.0.1:3000; }",
    "map $args $fastcgi_backend { }",
    "map $args $php_upstream { }",
    "map $args $skip_cache { }",
    "map $args $cache_bypass { }",
    "map $args $root { }",
    "map $args $suffix { }",
    "map $args $frontend_upstream { }",
    "map $args $upstream { }",
    "map $args $loggable { }",
];

struct Shape {
    level: &'static str,
    directive: &'static str,
    newer: bool,
}

fn shapes() -> Vec<Shape> {
    let lines = include_str!("shapes.tsv").lines();
    let shape = |line: &'static str| {
        let mut columns = line.split('\t');
        Shape {
            level: columns.next().expect("a level"),
            directive: columns.next().expect("a directive"),
            newer: columns.next().is_some(),
        }
    };
    lines.map(shape).collect()
}

impl Shape {
    fn name(&self) -> &str {
        let end = self.directive.find([' ', ';']);
        &self.directive[..end.unwrap_or(self.directive.len())]
    }

    /// The smallest configuration that has the directive in its level.
    fn configuration(&self, folder: &Path) -> String {
        let own = format!("{} ", self.name());
        let around = SURROUNDINGS.iter().filter(|line| !line.starts_with(&own));
        let around: String = around.map(|line| format!("{line}\n")).collect();
        let directive = self.directive;
        let listen = "listen 127.0.0.1:%%PORT%%;";
        let http = |inner: String| format!("events {{ }}\nhttp {{\n{around}{inner}\n}}\n");
        let server = |inner: String| http(format!("server {{ {listen}\n{inner}\n}}"));
        let text = match self.level {
            "main" => format!("{directive}\nevents {{ }}\nhttp {{ server {{ {listen} }} }}\n"),
            "events" => format!("events {{\n{directive}\n}}\nhttp {{ server {{ {listen} }} }}\n"),
            "http" => http(format!("{directive}\nserver {{ {listen} }}")),
            "server" => server(directive.to_owned()),
            "location" => server(format!("location / {{\n{directive}\n}}")),
            "if in server" => server(format!("if ($args) {{\n{directive}\n}}")),
            "if in location" => server(format!("location / {{ if ($args) {{\n{directive}\n}} }}")),
            "limit_except" => server(format!(
                "location / {{ limit_except GET {{\n{directive}\n}} }}"
            )),
            // "upstream"
            _ => http(format!(
                "upstream u {{ server 127.0.0.1:1;\n{directive}\n}}\nserver {{ {listen} }}"
            )),
        };
        text.replace("%%TMP%%", &folder.display().to_string())
            .replace("%%PORT%%", &free_port().to_string())
    }
}

/// nginx tries its addresses while it tests.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

/// A directory with the files that directives name.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    for name in ["x", "mime.types", "fastcgi_params", "fastcgi.conf"] {
        fs::write(folder.path().join(name), "").expect("a file");
    }
    folder
}

#[test]
fn every_shape_of_real_sites_loads() {
    let folder = folder();
    let path = folder.path().join("shape.conf");
    let options = LoadOptions {
        prefix: folder.path().join(""),
        ..LoadOptions::default()
    };
    let mut refused = String::new();
    let shapes = shapes();
    for shape in &shapes {
        // A log of the shape before may have gone there.
        fs::write(folder.path().join("x"), "").expect("a file");
        fs::write(&path, shape.configuration(folder.path())).expect("a file");
        let loaded = Config::load(&path, &options);
        if loaded.config.is_none() {
            let why = loaded.diagnostics.render(&loaded.sources);
            refused += &format!("{} in {}\n{why}\n", shape.directive, shape.level);
        }
    }
    assert!(refused.is_empty(), "\n{refused}");
    assert!(shapes.len() > 700);
}

#[test]
fn the_reference_takes_every_shape() {
    if !reference_is_here() {
        return;
    }
    let folder = folder();
    let path = folder.path().join("shape.conf");
    let mut refused = String::new();
    for shape in shapes().iter().filter(|shape| !shape.newer) {
        // A log of the shape before may have gone there.
        fs::write(folder.path().join("x"), "").expect("a file");
        fs::write(&path, shape.configuration(folder.path())).expect("a file");
        let says = reference_says(&path, folder.path());
        if says.iter().any(|line| line.contains("[emerg]")) {
            refused += &format!("{} in {}\n{says:?}\n", shape.directive, shape.level);
        }
    }
    assert!(refused.is_empty(), "\n{refused}");
}
