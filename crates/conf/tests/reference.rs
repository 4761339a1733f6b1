//! What is recorded of nginx is what nginx says: the reference runs over every recorded
//! configuration. Most recordings are of nginx 1.31.5; those that an older one cannot confirm are
//! listed with the reason.

#![allow(clippy::print_stderr, reason = "a test says what it leaves out")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{reference_is_here, reference_says};

/// Recordings that nginx 1.22 does not confirm, and why.
const UNCONFIRMED: &[(&str, &str)] = &[
    (
        "charset-map-utf.conf",
        "the order of charsets is checked by later ones",
    ),
    (
        "listen-http2-deprecated.conf",
        "`listen … http2` is deprecated since 1.25.1",
    ),
    (
        "listen-http2-no-certificate.conf",
        "`listen … http2` is deprecated since 1.25.1",
    ),
    ("made-b-max-headers-x.conf", "`max_headers` is newer"),
    ("listen-protocols-redefined.conf", "warned of since 1.25.1"),
    ("obsolete.conf", "server push is gone since 1.25.1"),
    ("resolver-both.conf", "`ipv4=` is known since 1.23.1"),
    (
        "ssl-certificate-cache.conf",
        "the directive is known since 1.27.4",
    ),
    (
        "upstream-keepalive-param.conf",
        "`keepalive` takes `local` in later ones",
    ),
    ("logs.conf", "the directory of its logs is not there"),
    (
        "warn-http2.conf",
        "`listen … http2` is deprecated since 1.25.1",
    ),
    ("warn-obsolete.conf", "server push is gone since 1.25.1"),
];

fn recorded(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).expect("a recording");
    let text = String::from_utf8_lossy(&bytes);
    let heads = text
        .lines()
        .take_while(|line| line.starts_with("# nginx: "));
    heads.map(|line| line[2..].to_owned()).collect()
}

fn differences(folder: &str) -> (usize, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(folder);
    let scratch = tempfile::tempdir().expect("a directory");
    let (mut compared, mut differing) = (0, String::new());
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "conf"));
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().display().to_string();
        if let Some((_, reason)) = UNCONFIRMED.iter().find(|(newer, _)| *newer == name) {
            eprintln!("NOT COMPARED: {name}: {reason}");
            continue;
        }
        compared += 1;
        let (says, recorded) = (reference_says(&path, scratch.path()), recorded(&path));
        if says != recorded {
            differing += &format!("{name}\n  recorded: {recorded:#?}\n  nginx: {says:#?}\n");
        }
    }
    (compared, differing)
}

#[test]
fn the_reference_says_what_is_recorded_of_broken_configurations() {
    if !reference_is_here() {
        return;
    }
    let (compared, differing) = differences("bad");
    assert!(differing.is_empty(), "\n{differing}");
    assert!(compared >= 700, "{compared}");
}

#[test]
fn the_reference_says_what_is_recorded_of_sound_configurations() {
    if !reference_is_here() {
        return;
    }
    let (compared, differing) = differences("good");
    assert!(differing.is_empty(), "\n{differing}");
    assert!(compared >= 20, "{compared}");
}
