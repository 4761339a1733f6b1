//! Broken configurations that only the whole program can refuse, since regular expressions, names of variables and
//! files are looked at when everything has been read.
//!
//! Each file of `tests/refusals` holds what nginx prints for it (`# nginx: …`): its warnings and the error that it
//! stops at. `FILE` stands for the path, `DIR` for its folder. Both programs are asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portunus_testkit::Program;

/// What `-t` prints: warnings, and the first error.
fn says(program: &Program, path: &Path) -> Vec<String> {
    let scratch = tempfile::tempdir().expect("a directory");
    let folder = path.parent().expect("the path has a folder");
    let mut command = Command::new(program.path());
    command.args(["-t", "-q", "-p"]).arg(scratch.path());
    command.arg("-c").arg(path);
    command.arg("-e").arg(scratch.path().join("error.log"));
    let output = command.output().expect("the program runs");
    assert!(!output.status.success(), "{}", path.display());
    let text = String::from_utf8_lossy(&output.stderr);
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("nginx: [")) {
        let line = line.replace(&path.display().to_string(), "FILE");
        let line = line.replace(&folder.display().to_string(), "DIR");
        lines.push(line.replace(&scratch.path().display().to_string(), "PREFIX"));
        if line.contains("[emerg]") {
            break;
        }
    }
    lines
}

fn recorded(path: &Path) -> Vec<String> {
    let text = fs::read(path).expect("a recording");
    let text = String::from_utf8_lossy(&text);
    let heads = text.lines().filter_map(|line| line.strip_prefix("# "));
    let heads = heads.filter(|line| line.starts_with("nginx: "));
    heads.map(str::to_owned).collect()
}

fn differences(program: &Program) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refusals");
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "conf"));
    paths.sort();
    assert!(paths.len() >= 40, "{}", paths.len());
    let mut differing = String::new();
    for path in &paths {
        let (said, recorded) = (says(program, path), recorded(path));
        if said != recorded {
            let name = path.display();
            differing += &format!("{name}\n  recorded: {recorded:#?}\n  said: {said:#?}\n");
        }
    }
    differing
}

#[test]
fn we_say_what_nginx_says() {
    let differing = differences(&Program::at(env!("CARGO_BIN_EXE_portunus")));
    assert!(differing.is_empty(), "\n{differing}");
}

/// nginx names no line where a variable is unknown. We do, behind its own words.
#[test]
fn unknown_variables_are_pointed_at() {
    let program = Program::at(env!("CARGO_BIN_EXE_portunus"));
    let scratch = tempfile::tempdir().expect("a directory");
    let path = scratch.path().join("nginx.conf");
    for (line, word) in [
        ("return 200 \"a $nope\";", "\"a $nope\""),
        ("rewrite ^ /${nope}a last;", "/${nope}a"),
        ("if ($nope = 1) { }", "($nope"),
        ("set $a $nope;", "$nope"),
        ("add_header X-A $Nope;", "$Nope"),
        ("error_page 500 502 /$nope;", "/$nope"),
        ("root /a/${NOPE};", "/a/${NOPE}"),
    ] {
        let server = format!("server {{ listen 127.0.0.1:18999; {line} }}");
        fs::write(&path, format!("events {{}}\nhttp {{\n{server}\n}}\n")).expect("a file");
        let mut command = Command::new(program.path());
        command.args(["-t", "-q", "-g", "pid pid;", "-p"]);
        command.arg(scratch.path()).arg("-c").arg(&path);
        let output = command.output().expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let column = server.find(word).expect("it is in the line") + 1;
        let expected = format!(
            "nginx: [emerg] unknown \"nope\" variable\n  at {}:3\n  3:{column} | ",
            path.display()
        );
        assert!(said.starts_with(&expected), "{line}\n{said}");
        let is_of_environment = word.contains("NOPE");
        assert_eq!(
            said.contains("  help: if it is one of the environment, "),
            is_of_environment
        );
    }
}

#[test]
fn nginx_says_what_is_recorded() {
    let differing = differences(&Program::nginx());
    assert!(differing.is_empty(), "\n{differing}");
}
