//! `portunus explain` and `portunus envsubst`, as an operator calls them.

use std::path::Path;
use std::process::{Command, Output};

use portunus_testkit::TempTree;

const CONFIGURATION: &str = r#"events { }
http {
    access_log access.log;
    server {
        listen 127.0.0.1:80;
        server_name a.test;
        root html;
        rewrite ^/old/(.*)$ /$1 last;
        error_page 404 /missing.html;
        location / { try_files $uri $uri/ /index.php?$query_string; }
        location ~ \.php$ {
            fastcgi_pass 127.0.0.1:9;
            fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
            fastcgi_param QUERY_STRING $query_string;
        }
        location /secret/ { deny all; }
    }
    server { listen 127.0.0.1:81; return 444; }
}
"#;

fn portunus(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portunus"));
    let conf = folder.join("nginx.conf");
    command
        .args(words)
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(conf);
    command.output().expect("the binary can be run")
}

fn site() -> TempTree {
    let tree = TempTree::new().and_then(|tree| tree.file("nginx.conf", CONFIGURATION));
    let tree = tree.and_then(|tree| tree.file("html/style.css", "a {}"));
    tree.expect("files can be written")
}

/// What is printed, without the folder.
fn explained(folder: &Path, words: &[&str]) -> String {
    let words = [&["explain"], words].concat();
    let output = portunus(folder, &words);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.replace(&folder.display().to_string(), "DIR")
}

#[test]
fn decisions_are_told_with_their_lines() {
    let site = site();
    let text = explained(site.path(), &["GET", "/old/jobs?a=b", "-H", "Host: a.test"]);
    let expected = "\
server          server  at DIR/nginx.conf:4
      rewrite ^/old/(.*)$ /$1 last  at DIR/nginx.conf:8
      [notice] \"^/old/(.*)$\" matches \"/old/jobs\"
      [notice] rewritten data: \"/jobs\", args: \"a=b\"
find location   for \"/jobs\"
location        location /  at DIR/nginx.conf:10
access
try files       for \"/jobs\"
      root html  at DIR/nginx.conf:7
      try_files $uri $uri/ /index.php?$query_string  at DIR/nginx.conf:10
      \"DIR/html/jobs\" is missing
      \"DIR/html/jobs/\" is missing
server          server  at DIR/nginx.conf:4
      rewrite ^/old/(.*)$ /$1 last  at DIR/nginx.conf:8
      [notice] \"^/old/(.*)$\" does not match \"/index.php\"
find location   for \"/index.php\"
location        location ~ \\.php$  at DIR/nginx.conf:11
access
content         of \"/index.php\" in location ~ \\.php$  at DIR/nginx.conf:11
      root html  at DIR/nginx.conf:7
      fastcgi_pass 127.0.0.1:9  at DIR/nginx.conf:12
=> PHP          is asked, with
      SCRIPT_FILENAME = DIR/html/index.php
      QUERY_STRING = a=b
";
    assert_eq!(text, expected);
    let log = std::fs::read(site.path().join("access.log")).unwrap_or_default();
    assert!(log.is_empty(), "an explanation is no request");
}

#[test]
fn every_end_is_told() {
    let site = site();
    let last = |words: &[&str]| {
        let text = explained(site.path(), words);
        text.lines().last().unwrap_or_default().to_owned()
    };
    let file = "=> answer       200, text/plain, 4 bytes, file \"DIR/html/style.css\"";
    assert_eq!(last(&["GET", "/style.css"]), file);
    assert!(last(&["GET", "/secret/x"]).starts_with("=> answer       403, text/html"));
    let closed = "=> close        the connection, without an answer";
    assert_eq!(last(&["GET", "/", "--port", "81"]), closed);
    let refused = explained(site.path(), &["GET", "/", "-H", "Host: a b"]);
    assert!(refused.contains("400"), "{refused}");
    let output = portunus(site.path(), &["explain", "GET", "/", "--port", "82"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert_eq!(said, "portunus explain: nothing listens on port 82\n");
}

#[test]
fn templates_become_files_before_the_configuration_is_read() {
    let site = TempTree::new()
        .and_then(|tree| tree.file("nginx.conf", "events { } http { include conf.d/*.conf; }"))
        .and_then(|tree| {
            let text = "server { listen 127.0.0.1:${PORT}; return 200 \"$host\"; }";
            tree.file("templates/a.conf.template", text)
        })
        .expect("files can be written");
    let run = |port: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portunus"));
        command.env("NGINX_ENVSUBST_TEMPLATE_DIR", site.path().join("templates"));
        command.env("NGINX_ENVSUBST_OUTPUT_DIR", site.path().join("conf.d"));
        command
            .env("PORT", port)
            .args(["envsubst", "-t", "-p"])
            .arg(site.path());
        let command = command.arg("-c").arg(site.path().join("nginx.conf"));
        command.output().expect("the binary can be run")
    };
    let output = run("0");
    let said = String::from_utf8_lossy(&output.stderr);
    let made = std::fs::read_to_string(site.path().join("conf.d/a.conf"));
    assert_eq!(
        made.ok().as_deref(),
        Some("server { listen 127.0.0.1:0; return 200 \"$host\"; }")
    );
    assert!(said.contains("[emerg]"), "port 0 is refused: {said}");
    let said = run("nonsense");
    assert!(!said.status.success());
}
