//! `-T` prints what nginx prints: every file once, in the order of first reading, byte for byte; and `-t` has advice.

use std::fs;
use std::process::{Command, Output};

use portunus_testkit::{Program, TempTree};

fn dump(program: &Program, tree: &TempTree) -> Output {
    let mut command = Command::new(program.path());
    command.args(["-T", "-c", "nginx.conf", "-e", "error.log", "-p"]);
    let output = command.arg(tree.path()).output().expect("the program runs");
    assert!(output.status.success(), "{output:?}");
    output
}

#[test]
fn the_configuration_is_printed_as_nginx_prints_it() {
    let tree = TempTree::new().expect("a folder");
    let path = tree.path().display().to_string();
    fs::create_dir(tree.path().join("parts")).expect("a folder");
    let main = format!(
        "events {{ }}\nhttp {{ access_log off; include mime; include parts/*.conf; include parts/a.conf;\n\
         include {path}/parts/b.conf; include parts/../parts/empty.conf; upstream u {{ include parts/[ab].conf; server 127.0.0.1:1; }} }}"
    );
    for (name, text) in [
        ("nginx.conf", main.as_str()),
        ("mime", "types { text/x x; }"),
        ("parts/a.conf", "# no line end"),
        ("parts/b.conf", "\r\n# CRLF, \u{fc} and a tab\t\r\n\n"),
        ("parts/empty.conf", ""),
    ] {
        fs::write(tree.path().join(name), text).expect("a file");
    }
    let ours = dump(&Program::at(env!("CARGO_BIN_EXE_portunus")), &tree);
    let theirs = dump(&Program::nginx(), &tree);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(text(&ours.stdout), text(&theirs.stdout));
    assert_eq!(text(&ours.stderr), text(&theirs.stderr));
}

/// What nginx takes without a word and nobody means is told of by `-t`, and does not keep anybody from starting.
#[test]
fn what_is_probably_not_meant_is_told() {
    let tree = TempTree::new().expect("a folder");
    let path = tree.path().display().to_string();
    let config = "events { }
http {
    access_log off;
    server {
        index index.php
        charset utf-8;
    }
}";
    fs::write(tree.path().join("nginx.conf"), config).expect("a file");
    let test = |flag: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portunus"));
        command.args([flag, "-c", "nginx.conf", "-g", "pid pid;", "-p", &path]);
        let output = command.output().expect("the program runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = test("-t");
    let advice = format!(
        "portunus: [warn] \"charset\" is an argument of the \"index\" directive in {path}/nginx.conf:6\n  \
         6:9 |         charset utf-8;\n      \
         |         ^^^^^^^\n  \
         help: is a \";\" missing on the line before?\n"
    );
    assert!(said.contains(&advice), "{said}");
    assert_eq!(test("-tq"), "");
}
