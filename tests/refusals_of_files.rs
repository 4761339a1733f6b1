//! Configurations whose files or sockets cannot be had: what nginx says of them at `-t`, we say, too. Both programs are
//! asked, over the tables beside the other refusals.

use std::fs;
use std::path::Path;
use std::process::Command;

use portunus_testkit::{Port, Program, unescape};
use tempfile::TempDir;

/// The lines of a table, cut into columns.
fn rows<const N: usize>(table: &'static str) -> Vec<[&'static str; N]> {
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    let cut = |line: &'static str| {
        let columns: Vec<_> = line.split('\t').collect();
        <[&str; N]>::try_from(columns).expect("a row has its columns")
    };
    lines.map(cut).collect()
}

/// All that `-t` prints but for our own additions, without `nginx: `.
fn says(program: &Program, folder: &Path, config: &str) -> Vec<String> {
    let path = folder.join("nginx.conf");
    fs::write(&path, config).expect("a file of ours");
    let mut command = Command::new(program.path());
    command.args(["-t", "-p"]).arg(folder).arg("-c").arg(&path);
    command.arg("-e").arg(folder.join("error.log"));
    let output = command.output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().filter_map(|line| line.strip_prefix("nginx: "));
    let lines = lines.map(|line| {
        let line = line.replace(&path.display().to_string(), "FILE");
        line.replace(&folder.display().to_string(), "DIR")
    });
    lines.collect()
}

/// The first error, without its line; `sound` if there is none.
fn first_error(said: &[String]) -> String {
    let mut errors = said.iter().filter_map(|line| line.strip_prefix("[emerg] "));
    let first = errors.next().unwrap_or("sound");
    match first.rsplit_once(" in FILE:") {
        Some((message, _)) => format!("{message} in FILE"),
        None => first.to_owned(),
    }
}

const TLS: &str = include_str!("refusals/tls.txt");

/// Keys and certificates, a call of `openssl` a line.
const SCRIPT: &str = "
req -x509 -newkey rsa:2048 -nodes -keyout one.key -out one.crt -days 30 -subj /CN=one.example
genrsa -out four.key 2048
ecparam -genkey -name prime256v1 -noout -out two.key
ecparam -genkey -name prime256v1 -noout -out three.key
req -x509 -new -key two.key -out two.crt -days 30 -subj /CN=two.example
pkcs8 -topk8 -in one.key -passout pass:secret -out one.enc.key
rsa -in one.key -pubout -out one.pub
";

fn tls_files() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let commands = SCRIPT.lines().filter(|line| !line.is_empty());
    let commands: Vec<_> = commands.map(|line| format!("openssl {line}")).collect();
    let mut command = Command::new("sh");
    command.args(["-ec", &commands.join("\n")]);
    let output = command
        .current_dir(folder.path())
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{output:?}");
    let write = |name: &str, content: &[u8]| {
        fs::write(folder.path().join(name), content).expect("a file of ours");
    };
    let files = TLS.lines().filter_map(|line| line.strip_prefix("file\t"));
    for (name, content) in files.filter_map(|line| line.split_once('\t')) {
        write(name, &unescape(content));
    }
    let read = |name: &str| fs::read(folder.path().join(name)).expect("it has been made");
    let (certificate, key) = (read("one.crt"), read("one.key"));
    write("cut.crt", &certificate[..600]);
    write("cut.key", &key[..900]);
    for (name, other) in [
        ("tail.crt", "garbage"),
        ("chain-bad.crt", "nobase64.crt"),
        ("chain-short.crt", "short.crt"),
    ] {
        write(name, &[&certificate[..], &read(other)].concat());
    }
    fs::create_dir(folder.path().join("folder")).expect("a directory of ours");
    folder
}

fn tls_config(kind: &str, directives: &str, port: &Port) -> String {
    let number = port.number();
    let server = match kind {
        "server" => format!("listen 127.0.0.1:{number} ssl; {directives}"),
        "more" => format!(
            "listen 127.0.0.1:{number} ssl; ssl_certificate one.crt; ssl_certificate_key one.key; {directives}"
        ),
        _ => format!(
            "listen 127.0.0.1:{number}; location / {{ proxy_pass https://127.0.0.1; {directives} }}"
        ),
    };
    format!("pid pid; events {{}}\nhttp {{ server {{ {server} }} }}\n")
}

fn tls_differences(program: &Program) -> String {
    let (folder, port) = (tls_files(), Port::reserve().expect("a port"));
    let rows = rows::<3>(TLS);
    let rows: Vec<_> = rows.iter().filter(|row| row[0] != "file").collect();
    assert!(rows.len() >= 70, "{}", rows.len());
    let mut differing = String::new();
    for [kind, directives, expected] in rows {
        let said = says(program, folder.path(), &tls_config(kind, directives, &port));
        let said = first_error(&said);
        if said != *expected {
            differing += &format!("{directives}\n  recorded: {expected}\n  said: {said}\n");
        }
    }
    differing
}

fn late_differences(program: &Program) -> String {
    let folder = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir(folder.path().join("folder")).expect("a directory of ours");
    let port = Port::reserve().expect("a port").number().to_string();
    let mut differing = String::new();
    for [config, expected] in rows::<2>(include_str!("refusals/late.txt")) {
        let own_pid = if config.contains("pid ") {
            ""
        } else {
            "pid pid; "
        };
        let here = folder.path().display().to_string();
        let config = format!("{own_pid}{config}\n").replace("DIR", &here);
        let said = says(program, folder.path(), &config.replace("PORT", &port));
        let said = said.join(" | ").replace(&port, "PORT");
        if said != expected {
            differing += &format!("{config}  recorded: {expected}\n  said: {said}\n");
        }
    }
    differing
}

#[test]
fn we_say_of_files_of_tls_what_nginx_says() {
    let differing = tls_differences(&Program::at(env!("CARGO_BIN_EXE_portunus")));
    assert!(differing.is_empty(), "\n{differing}");
}

#[test]
fn nginx_says_of_files_of_tls_what_is_recorded() {
    let differing = tls_differences(&Program::nginx());
    assert!(differing.is_empty(), "\n{differing}");
}

#[test]
fn we_say_what_is_sound_before_what_is_not() {
    let differing = late_differences(&Program::at(env!("CARGO_BIN_EXE_portunus")));
    assert!(differing.is_empty(), "\n{differing}");
}

#[test]
fn nginx_says_what_is_recorded_of_late_faults() {
    let differing = late_differences(&Program::nginx());
    assert!(differing.is_empty(), "\n{differing}");
}
