//! What the running FPM masters of this machine were told: the surest answer, where there is one.
//!
//! A master names its configuration file in its process title
//! (`php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)`; php-src: `fpm_env.c`).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

const TITLE: &[u8] = b"php-fpm: master process (";

/// One running master.
#[derive(Debug)]
pub(crate) struct Master {
    /// Its configuration, what it includes put in place.
    pub(crate) text: String,
    /// Its program, if we may know.
    pub(crate) program: Option<PathBuf>,
}

/// All masters that we may look at. Blocks for as long as reading `/proc` takes.
pub(crate) fn masters() -> Vec<Master> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| master(&process.path()))
        .collect()
}

fn master(process: &Path) -> Option<Master> {
    let title = std::fs::read(process.join("cmdline")).ok()?;
    let path = configuration_of(&title)?;
    // As it was given, from where the master was started.
    let path = &match path.is_relative() {
        true => std::fs::read_link(process.join("cwd")).ok()?.join(path),
        false => path.to_owned(),
    };
    // As the master sees it, which may be in a container of its own. Where we may not look, as an
    // ordinary user at a master that is root's, it most likely sees what we see.
    let root = process.join("root");
    let text =
        read_with_includes(&root, path).or_else(|| read_with_includes(Path::new("/"), path))?;
    // That of a container is the same for all. FPM's own cannot be looked at: its title stands in that place.
    let text = expanded(&text, |name| std::env::var(name).ok());
    let program = std::fs::read_link(process.join("exe")).ok();
    Some(Master { text, program })
}

/// The text with values of the environment in the place of `${NAME}` and `${NAME:-default}`, as FPM reads it
/// (php-src: `zend_ini_get_var`); images are told the size of their pools that way.
fn expanded(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        out.push_str(before);
        rest = behind;
        let named = behind.split_once('}');
        let Some((name, after)) = named.filter(|(name, _)| !name.contains('\n')) else {
            continue;
        };
        let (name, default) = name.split_once(":-").unwrap_or((name, ""));
        let value = value(name).filter(|value| !value.is_empty());
        out.push_str(value.as_deref().unwrap_or(default));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The path in a master's title.
fn configuration_of(title: &[u8]) -> Option<&Path> {
    let rest = title.strip_prefix(TITLE)?;
    let end = rest.iter().position(|byte| *byte == b')')?;
    Some(Path::new(OsStr::from_bytes(&rest[..end])))
}

fn read_with_includes(root: &Path, path: &Path) -> Option<String> {
    let below = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
    let mut text = std::fs::read_to_string(below(path)).ok()?;
    let patterns: Vec<PathBuf> = text
        .lines()
        .filter_map(included)
        .map(PathBuf::from)
        .collect();
    for pattern in patterns {
        for file in matching(&below(&pattern)) {
            text.push('\n');
            text.push_str(&std::fs::read_to_string(file).unwrap_or_default());
        }
    }
    Some(text)
}

/// `include=/etc/php/8.2/fpm/pool.d/*.conf`
fn included(line: &str) -> Option<&str> {
    let (key, value) = line.split_once('=')?;
    (key.trim() == "include").then(|| value.trim())
}

/// Files of a pattern whose last part may hold one star, by name.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let (Some(directory), Some(name)) = (pattern.parent(), pattern.file_name()) else {
        return Vec::new();
    };
    let name = name.to_string_lossy();
    let Some((start, end)) = name.split_once('*') else {
        return vec![pattern.to_owned()];
    };
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let fits = |path: &PathBuf| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        name.starts_with(start) && name.ends_with(end)
    };
    let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(fits).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_the_configuration() {
        let title = b"php-fpm: master process (/etc/php-fpm.conf)\0\0";
        assert_eq!(
            configuration_of(title),
            Some(Path::new("/etc/php-fpm.conf"))
        );
        assert_eq!(configuration_of(b"php-fpm: pool www"), None);
    }

    #[test]
    fn what_the_environment_says_is_put_in_place() {
        let environment = |name: &str| {
            let known = [("N", "20"), ("NN", "7"), ("EMPTY", "")];
            let found = known.into_iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.to_owned())
        };
        for (text, found) in [
            ("pm.max_children = ${N}\n", "pm.max_children = 20\n"),
            ("${NN}${N:-3}", "720"),
            ("${UNKNOWN:-3} ${EMPTY:-4} ${UNKNOWN}", "3 4 "),
            ("a ${N\n} $ {N} ${", "a N\n} $ {N} "),
        ] {
            assert_eq!(expanded(text, environment), found);
        }
    }

    #[test]
    fn a_configuration_is_found_from_where_its_master_was_started() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("process")).unwrap();
        std::fs::create_dir_all(at("srv/etc")).unwrap();
        std::fs::write(at("srv/etc/fpm.conf"), "[www]").unwrap();
        std::os::unix::fs::symlink(at("srv"), at("process/cwd")).unwrap();
        std::os::unix::fs::symlink("/", at("process/root")).unwrap();
        let title = "php-fpm: master process (etc/fpm.conf)\0";
        std::fs::write(at("process/cmdline"), title).unwrap();
        assert_eq!(master(&at("process")).unwrap().text, "[www]");
    }

    #[test]
    fn includes_are_put_in_place() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("etc/pool.d")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(root.path().join(name), text).unwrap();
        write("etc/fpm.conf", "[global]\ninclude = /etc/pool.d/*.conf\n");
        write("etc/pool.d/b.conf", "[b]");
        write("etc/pool.d/a.conf", "[a]");
        write("etc/pool.d/a.conf.off", "[off]");
        let text = read_with_includes(root.path(), Path::new("/etc/fpm.conf")).unwrap();
        assert!(text.ends_with("\n[a]\n[b]"), "{text}");
    }
}
