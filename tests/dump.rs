//! `-T` prints what nginx prints: every file once, in the order of first reading, byte for byte.

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
