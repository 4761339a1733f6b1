//! Whole requests through the pieces of this crate, against what nginx answers.
//!
//! A case is a server block in nginx's language, then requests. The answers were taken from
//! nginx 1.22 with the same block, so they are facts, not opinions:
//!
//! ```text
//! === title
//! file /path                        a file that exists, with "file /path" in it
//! location / { where a; … }         "where a;" stands for "add_header X-Where a always;"
//! /target => STATUS where=a to=LOCATION body=BODY
//! ```
//!
//! A body that is one of nginx's own pages is left out, as is everything that is empty.

mod config;
mod engine;

use config::Config;

fn check(cases: &str) {
    let mut failures = Vec::new();
    for case in cases.split("\n=== ").skip(1) {
        let (title, lines) = case.split_once('\n').unwrap();
        let mut source = String::new();
        let mut files = Vec::new();
        let mut requests = Vec::new();
        for line in lines.lines() {
            if let Some(path) = line.strip_prefix("file ") {
                files.push(path);
            } else if line.starts_with('/') {
                requests.push(line.split_once(" => ").unwrap());
            } else {
                source.push_str(line);
                source.push('\n');
            }
        }
        let config = Config::read(&source);
        for (target, expected) in requests {
            let answer = engine::answer(&config, &files, target);
            if answer != expected {
                failures.push(format!(
                    "{title}: {target}\n  nginx {expected}\n  ours  {answer}"
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn rewrites() {
    check(include_str!("rewrite.case"));
}

#[test]
fn locations() {
    check(include_str!("locations.case"));
}
