//! Broken configurations: `bad/NAME.conf` is read (with what it includes from `bad/NAME/`) and all
//! that is said about it is compared with `bad/NAME.txt`, paths shortened. The first line is also
//! compared with what a real nginx prints, unless a comment in the first line of the file says
//! `# Differs: REASON`.
//!
//! `UPDATE_EXPECTED=1 cargo test -p portunus-conf-syntax --test bad` writes the `.txt` files.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use portunus_conf_syntax::glob::{self, Directories};
use portunus_conf_syntax::{Diagnostics, Loader, parse};

const NGINX: &str = "/usr/sbin/nginx";

/// Files as they are on disk.
struct Disk;

impl Loader for Disk {
    fn read(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        fs::read(OsStr::from_bytes(path))
    }

    fn glob(&self, pattern: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        Ok(glob::expand(pattern, self))
    }
}

impl Directories for Disk {
    fn list(&self, directory: &[u8]) -> Vec<Vec<u8>> {
        let entries = fs::read_dir(OsStr::from_bytes(directory));
        let names = entries
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name());
        names.map(|name| name.as_bytes().to_vec()).collect()
    }

    fn exists(&self, path: &[u8]) -> bool {
        fs::symlink_metadata(OsStr::from_bytes(path)).is_ok()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad")
}

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = fs::read_dir(folder())
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension() == Some(OsStr::new("conf")))
        .collect();
    cases.sort();
    assert!(cases.len() >= 60, "the cases are gone");
    cases
}

fn shorten(text: &str) -> String {
    text.replace(&format!("{}/", folder().display()), "")
}

fn complaints(case: &Path) -> String {
    let mut diagnostics = Diagnostics::default();
    let tree = parse(case.as_os_str().as_bytes(), &Disk, &mut diagnostics);
    shorten(&diagnostics.render(&tree.sources))
}

#[test]
fn complaints_are_as_expected() {
    let mut wrong = Vec::new();
    for case in cases() {
        let actual = complaints(&case);
        let expected_file = case.with_extension("txt");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&expected_file, &actual).unwrap();
        }
        let expected = fs::read_to_string(&expected_file).unwrap_or_default();
        if actual != expected {
            wrong.push(format!(
                "{}:\n{actual}-- expected:\n{expected}",
                case.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first complaint of `nginx -t`.
fn nginx_line(case: &Path, scratch: &Path) -> String {
    let output = Command::new(NGINX)
        .args(["-t", "-q", "-p"])
        .arg(folder())
        .arg("-c")
        .arg(case)
        .arg("-e")
        .arg(scratch.join("error.log"))
        .output()
        .expect("nginx runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    shorten(text.lines().next().unwrap_or_default())
}

#[test]
fn the_first_line_is_that_of_nginx() {
    if !Path::new(NGINX).exists() {
        eprintln!("NOT COMPARED: there is no {NGINX} (apt-get install nginx)");
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for case in cases() {
        let text = fs::read(&case).unwrap();
        let differs = text.starts_with(b"# Differs: ");
        let ours = complaints(&case);
        let ours = ours.lines().next().unwrap_or_default();
        let theirs = nginx_line(&case, scratch.path());
        if (ours == theirs) == differs {
            wrong.push(format!("{}:\n  {ours}\n  {theirs}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
