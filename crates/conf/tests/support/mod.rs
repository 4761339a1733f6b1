//! The reference nginx, and what it says of a configuration.

use std::path::Path;
use std::process::Command;

const NGINX: &str = "/usr/sbin/nginx";

/// Whether there is a reference to ask; says so if there is none.
pub(crate) fn reference_is_here() -> bool {
    let here = Path::new(NGINX).exists();
    if !here {
        eprintln!("NOT COMPARED: there is no {NGINX} (apt-get install nginx)");
    }
    here
}

/// What `nginx -t` prints for a file: its warnings and the error that it stops at. `FILE` stands for
/// the path, `DIR` for its folder.
pub(crate) fn reference_says(path: &Path, scratch: &Path) -> Vec<String> {
    let folder = path.parent().expect("the path has a directory");
    let output = Command::new(NGINX)
        .args(["-t", "-q", "-p"])
        .arg(folder.join(""))
        .arg("-c")
        .arg(path)
        .arg("-e")
        .arg(scratch.join("error.log"))
        .output()
        .expect("nginx runs");
    let text = String::from_utf8_lossy(&output.stderr);
    let mut lines = Vec::new();
    for line in text.lines() {
        if !line.starts_with("nginx: [") || line.starts_with("nginx: [notice]") {
            continue;
        }
        let line = line.replace(&path.display().to_string(), "FILE");
        lines.push(line.replace(&folder.display().to_string(), "DIR"));
        if line.contains("[emerg]") {
            break;
        }
    }
    lines
}
