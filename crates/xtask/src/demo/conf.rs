//! The demo's configuration: the repository's own `config/`, with the address, the document root and
//! PHP-FPM's address of this machine.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::application::Application;
use crate::{machine, repository};

/// Writes the configuration below `folder` and returns the path of `nginx.conf`.
///
/// # Errors
/// When the repository's files no longer have a directive that must be replaced; the message names it.
pub(crate) fn write(
    folder: &Path,
    application: &Application,
    port: u16,
    fpm: u16,
) -> Result<PathBuf> {
    let target = folder.join("conf");
    fs::create_dir_all(&target)?;
    for name in ["mime.types", "fastcgi_params"] {
        fs::write(target.join(name), read(name)?)?;
    }
    let default = site(&read("default.conf")?, application, port, fpm);
    fs::write(
        target.join("default.conf"),
        default.context("config/default.conf")?,
    )?;
    let main = main_file(&read("nginx.conf")?, folder).context("config/nginx.conf")?;
    let path = target.join("nginx.conf");
    fs::write(&path, main)?;
    Ok(path)
}

fn read(name: &str) -> Result<String> {
    let path = repository::root().join("config").join(name);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn main_file(text: &str, folder: &Path) -> Result<String> {
    let user = if machine::is_root() {
        "user root;\n"
    } else {
        ""
    };
    let pid = folder.join("portunus.pid");
    let text = set(text, "pid", &format!("{};", pid.display()))?;
    Ok(format!("{user}daemon off;\n{text}"))
}

fn site(text: &str, application: &Application, port: u16, fpm: u16) -> Result<String> {
    let mut root = format!("{};\n\n", application.public().display());
    let private = application.private();
    let _ = write!(
        root,
        "    location /protected/ {{ internal; alias {}/; }}",
        private.display()
    );
    let text = set(text, "listen", &format!("127.0.0.1:{port} default_server;"))?;
    let text = set(&text, "root", &root)?;
    set(&text, "fastcgi_pass", &format!("127.0.0.1:{fpm};"))
}

/// Gives every line that begins with a directive's name new arguments.
fn set(text: &str, directive: &str, arguments: &str) -> Result<String> {
    let mut found = false;
    let mut changed = String::with_capacity(text.len());
    for line in text.lines() {
        let name = line.trim_start();
        if name.split_whitespace().next() == Some(directive) {
            let indent = &line[..line.len() - name.len()];
            let _ = writeln!(changed, "{indent}{directive} {arguments}");
            found = true;
        } else {
            let _ = writeln!(changed, "{line}");
        }
    }
    found
        .then_some(changed)
        .with_context(|| format!("it has no line with `{directive}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_is_replaced_where_it_stands() {
        let text = "server {\n    listen 80 default_server;\n    # listen 81;\n}\n";
        let changed = set(text, "listen", "127.0.0.1:8080;").expect("it is there");
        assert_eq!(
            changed,
            "server {\n    listen 127.0.0.1:8080;\n    # listen 81;\n}\n"
        );
    }

    #[test]
    fn a_directive_that_is_not_there_is_named() {
        let error = set("server {}\n", "root", "/x;").expect_err("there is none");
        assert_eq!(error.to_string(), "it has no line with `root`");
    }
}
