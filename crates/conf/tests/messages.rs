//! Broken configurations give the messages that nginx gives for them, in its order.
//!
//! Each file of `tests/bad` and `tests/good` begins with comments that hold what `nginx -t` printed
//! for it (nginx 1.31.5): its warnings and the error that it stopped at. `FILE` stands for the path.

use std::fs;
use std::path::{Path, PathBuf};

use portunus_conf::{Config, LoadOptions, Severity};

/// What `nginx -t` would print, by our own diagnostics.
fn printed(path: &Path) -> Vec<String> {
    let prefix = path.parent().expect("the path has a directory").join("");
    let options = LoadOptions {
        prefix,
        globals: None,
        look_up: false,
        regex: None,
    };
    let loaded = Config::load(path, &options);
    assert_eq!(loaded.config.is_none(), loaded.diagnostics.has_errors());
    let mut lines = Vec::new();
    for diagnostic in loaded.diagnostics.sorted() {
        if diagnostic.severity == Severity::Notice {
            continue;
        }
        let directory = path
            .parent()
            .expect("the path has a directory")
            .display()
            .to_string();
        let line = diagnostic.first_line(&loaded.sources);
        let line = line.replace(&path.display().to_string(), "FILE");
        lines.push(line.replace(&directory, "DIR"));
        // Rendering must not fail either.
        assert!(!diagnostic.render(&loaded.sources).is_empty());
        if diagnostic.severity.is_error() {
            break;
        }
    }
    lines
}

/// What nginx printed, from the head of the file.
fn expected(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).expect("the file can be read");
    let text = String::from_utf8_lossy(&bytes);
    let lines = text
        .lines()
        .map_while(|line| line.strip_prefix("# nginx: "));
    lines.map(|line| format!("nginx: {line}")).collect()
}

fn cases(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(folder);
    let entries = fs::read_dir(folder)
        .expect("the folder can be listed")
        .flatten();
    let files = entries.map(|entry| entry.path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "conf"))
        .collect();
    files.sort();
    files
}

fn compare(folder: &str) -> usize {
    let mut differing = String::new();
    let cases = cases(folder);
    for path in &cases {
        let (ours, nginx) = (printed(path), expected(path));
        // A directive that this build lacks is refused before its values are looked at.
        let lacking = ours
            .iter()
            .any(|line| line.contains("is not supported by this build"));
        if ours != nginx && !lacking {
            let name = path.file_name().unwrap_or_default().display();
            differing.push_str(&format!("{name}\n  nginx: {nginx:#?}\n  ours: {ours:#?}\n"));
        }
    }
    assert!(differing.is_empty(), "\n{differing}");
    cases.len()
}

#[test]
fn broken_configurations_are_refused_in_nginx_s_words() {
    assert!(compare("bad") >= 200);
}

#[test]
fn sound_configurations_load_with_nginx_s_warnings() {
    assert!(compare("good") >= 20);
}
