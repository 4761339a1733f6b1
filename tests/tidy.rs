//! Habits that a machine can see: arrows of the crate graph point down, every file says what it is,
//! files stay small, the bottom layer knows no IO, unsafe code lives in one place per crate.
//!
//! ARCHITECTURE.md explains the layers; this test is what keeps the page true.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates by layer with the crates of ours that each may use. A crate that is not here does not
/// belong to the workspace.
const GRAPH: &[(&str, &[&str])] = &[
    // L1: no IO, no clock.
    ("errno", &[]),
    ("conf-syntax", &["errno"]),
    ("template", &[]),
    ("uri-path", &[]),
    ("fastcgi", &[]),
    ("upstream", &[]),
    // L2: one job each.
    ("telemetry", &["errno"]),
    ("spool", &["errno"]),
    ("conf", &["conf-syntax", "template"]),
    ("routing", &["template", "uri-path"]),
    ("static-files", &["errno", "uri-path"]),
    ("fpm", &["errno", "fastcgi", "spool"]),
    ("filters", &[]),
    ("proxy", &["errno", "upstream"]),
    ("cache", &[]),
    ("server", &["errno"]),
    ("tls", &["errno", "server", "proxy"]),
    // L3: one request.
    (
        "handler",
        &[
            "errno",
            "routing",
            "static-files",
            "filters",
            "spool",
            "fpm",
            "proxy",
            "cache",
            "upstream",
            "fastcgi",
            "template",
            "uri-path",
            "telemetry",
            "server",
        ],
    ),
    // L4: assembles everything.
    (
        "app",
        &[
            "errno",
            "conf-syntax",
            "conf",
            "template",
            "uri-path",
            "fastcgi",
            "telemetry",
            "spool",
            "routing",
            "static-files",
            "filters",
            "fpm",
            "proxy",
            "cache",
            "upstream",
            "server",
            "tls",
            "handler",
        ],
    ),
    // L5: the command line.
    ("cli", &["app", "conf", "conf-syntax", "telemetry"]),
    // For development.
    ("testkit", &["fastcgi"]),
    ("loadgen", &[]),
    ("xtask", &["testkit"]),
];

/// Crates that do neither IO nor ask for the time.
const PURE: &[&str] = &[
    "errno",
    "conf-syntax",
    "template",
    "uri-path",
    "fastcgi",
    "upstream",
    "routing",
    "filters",
];

/// What pure crates must not name outside of tests.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "tokio::",
    "Instant::now",
    "SystemTime::now",
];

/// Where the time of day is asked for. Everything that waits, expires or is measured goes by the
/// clock that nobody can set.
const DATED: &[(&str, &str)] = &[
    (
        "cache/src/copy.rs",
        "dates of entries, which outlive the process",
    ),
    (
        "cache/src/zone/keeper.rs",
        "ages of entries, which outlive the process",
    ),
    ("handler/src/access/user_file.rs", "the age of a file"),
    ("server/src/date.rs", "the field Date"),
    ("telemetry/src/clock.rs", "the time in logs and variables"),
    ("tls/src/path/mod.rs", "the life of certificates"),
    ("tls/src/session.rs", "the life of certificates"),
    ("tls/src/tickets.rs", "tickets, which outlive the process"),
];

const FILE_LIMIT: usize = 800;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(dir: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("readable directory").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | "node_modules" | "corpus") {
                files_below(&path, extension, found);
            }
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    for top in ["crates", "tests", "benches"] {
        files_below(&root().join(top), "rs", &mut paths);
    }
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("source files are UTF-8");
        (
            path.strip_prefix(root())
                .expect("below the root")
                .to_owned(),
            text,
        )
    };
    paths.into_iter().map(read).collect()
}

/// The part of a file before its unit tests.
fn product(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(text)
}

fn crate_of(path: &Path) -> Option<String> {
    let mut parts = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    (parts.next()? == "crates").then(|| parts.next())?
}

fn is_test_code(path: &Path) -> bool {
    path.components()
        .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "fuzz")))
}

/// Examples and benches are programs of their own.
fn is_development(path: &Path) -> bool {
    path.components()
        .any(|part| matches!(part.as_os_str().to_str(), Some("examples" | "benches")))
}

fn without_docs(text: &str) -> String {
    let code = |line: &&str| !line.trim_start().starts_with("//");
    text.lines().filter(code).collect::<Vec<_>>().join("\n")
}

fn assert_none(what: &str, offenders: &[String]) {
    assert!(
        offenders.is_empty(),
        "{what}:\n  {}",
        offenders.join("\n  ")
    );
}

#[test]
fn arrows_of_the_crate_graph_point_down() {
    let graph: BTreeMap<_, _> = GRAPH.iter().copied().collect();
    let mut offenders = Vec::new();
    for entry in fs::read_dir(root().join("crates")).expect("crates") {
        let dir = entry.expect("readable").path();
        let name = dir
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let manifest = fs::read_to_string(dir.join("Cargo.toml")).expect("a manifest");
        let Some(allowed) = graph.get(name.as_str()) else {
            offenders.push(format!("{name} has no row in GRAPH"));
            continue;
        };
        let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let section = section.split("\n[").next().unwrap_or_default();
        for used in section
            .lines()
            .filter_map(|line| line.strip_prefix("portunus-"))
        {
            let used = used.split(['.', ' ', '=']).next().unwrap_or_default();
            if !allowed.contains(&used) {
                offenders.push(format!("{name} must not use {used}"));
            }
        }
    }
    assert_none("crate graph", &offenders);
}

#[test]
fn the_graph_itself_is_ordered() {
    for (at, (name, uses)) in GRAPH.iter().enumerate() {
        for used in *uses {
            let below = GRAPH[..at].iter().any(|(known, _)| known == used);
            assert!(
                below,
                "{name} may use {used}, which does not stand above it in GRAPH"
            );
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    let silent = |(path, text): (PathBuf, String)| {
        let first = text
            .lines()
            .find(|line| !line.starts_with("#!"))
            .unwrap_or_default();
        (!first.starts_with("//!")).then(|| path.display().to_string())
    };
    let offenders: Vec<_> = sources().into_iter().filter_map(silent).collect();
    assert_none("files that do not open with `//!`", &offenders);
}

#[test]
fn files_stay_small() {
    let large = |(path, text): (PathBuf, String)| {
        let lines = product(&text).lines().count();
        (lines > FILE_LIMIT).then(|| format!("{}: {lines} lines", path.display()))
    };
    let offenders: Vec<_> = sources().into_iter().filter_map(large).collect();
    assert_none("files to split", &offenders);
}

#[test]
fn the_bottom_knows_no_io() {
    let mut offenders = Vec::new();
    for (path, text) in sources() {
        let pure = crate_of(&path).is_some_and(|name| PURE.contains(&name.as_str()));
        if !pure || is_test_code(&path) || is_development(&path) {
            continue;
        }
        let code = without_docs(product(&text));
        for word in IMPURE.iter().filter(|word| code.contains(**word)) {
            offenders.push(format!("{} names {word}", path.display()));
        }
    }
    assert_none("IO in pure crates", &offenders);
}

/// A wall clock that somebody sets an hour back must not stop a timer or open a limit.
#[test]
fn the_time_of_day_is_asked_for_dates_only() {
    let is_dated = |path: &Path| {
        let is_tool = matches!(
            crate_of(path).as_deref(),
            Some("testkit" | "loadgen" | "xtask")
        );
        is_tool || DATED.iter().any(|(file, _)| path.ends_with(file))
    };
    let offenders: Vec<_> = sources()
        .into_iter()
        .filter(|(path, _)| !is_test_code(path) && !is_development(path) && !is_dated(path))
        .filter(|(_, text)| without_docs(product(text)).contains("SystemTime"))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert_none("the time of day where a date is not wanted", &offenders);
}

#[test]
fn unsafe_code_has_one_place_per_crate_and_an_argument() {
    let mut per_crate: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut offenders = Vec::new();
    for (path, text) in sources() {
        let Some(name) = crate_of(&path) else {
            continue;
        };
        let blocks = text.matches("unsafe {").count() + text.matches("unsafe impl").count();
        if blocks == 0 || path.ends_with("tidy.rs") || is_test_code(&path) {
            continue;
        }
        if text.matches("SAFETY:").count() < blocks {
            offenders.push(format!("{}: a block without `SAFETY:`", path.display()));
        }
        per_crate
            .entry(name)
            .or_default()
            .push(path.display().to_string());
    }
    let scattered = per_crate.values().filter(|files| files.len() > 1);
    offenders.extend(scattered.map(|files| files.join(", ")));
    assert_none("unsafe code", &offenders);
}

#[test]
fn tests_are_honest() {
    let ignore = ["#[", "ignore"].concat();
    let sleep = ["thread::", "sleep("].concat();
    let mut offenders = Vec::new();
    for (path, text) in sources() {
        // The developer's commands wait for programs, at their terminal; nothing else may.
        if crate_of(&path).is_some_and(|name| name == "xtask") {
            continue;
        }
        for word in [&ignore, &sleep]
            .into_iter()
            .filter(|word| text.contains(*word))
        {
            offenders.push(format!("{}: {word}", path.display()));
        }
    }
    assert_none("skipped tests and sleeps", &offenders);
}

#[test]
fn the_top_level_holds_what_it_should() {
    const ALLOWED: &[&str] = &["crates", "config", "benches", "tests", "docker", "target"];
    let mut offenders = Vec::new();
    for entry in fs::read_dir(root()).expect("the root") {
        let path = entry.expect("readable").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && !name.starts_with('.') && !ALLOWED.contains(&name.as_str()) {
            offenders.push(name);
        }
    }
    assert_none("directories at the top level", &offenders);
}
