//! The cases: files below `cases/GROUP/`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::script::{self, Exchange};

/// One case.
#[derive(Debug)]
pub(crate) struct Case {
    /// `GROUP/NAME`.
    pub(crate) name: String,
    /// `NAME.conf`.
    pub(crate) config: String,
    /// Those of the scripts that it shares, and of `NAME.http`.
    pub(crate) exchanges: Vec<Exchange>,
    /// `NAME/`, or the one that it names, if there is one.
    pub(crate) root: Option<PathBuf>,
    pub(crate) logs: Vec<Log>,
}

/// A file in `%%TMP%%` that is compared in the end.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) name: String,
    /// A server that lingers on one connection writes its line when the next has got its answer.
    pub(crate) in_any_order: bool,
}

impl Case {
    /// The first part of the name.
    pub(crate) fn group(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// Whether most of its answers come from files.
    pub(crate) fn is_about_files(&self) -> bool {
        matches!(self.group(), "headers" | "static")
    }

    /// Whether it is about the configuration that we ship; its own is added to the server there.
    pub(crate) fn is_shipped(&self) -> bool {
        self.config.starts_with("# Shipped configuration")
    }

    /// Whether its configuration or its script names a placeholder.
    pub(crate) fn uses(&self, placeholder: &str) -> bool {
        self.config.contains(&format!("%%{placeholder}%%"))
    }
}

/// Loads all cases, sorted by name.
///
/// # Errors
/// A sentence that says which file is not as it should be.
pub(crate) fn load_all(folder: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for group in entries(folder)? {
        for file in entries(&group)? {
            if file
                .extension()
                .is_some_and(|extension| extension == "conf")
            {
                cases.push(load(folder, &file)?);
            }
        }
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    if cases.is_empty() {
        return Err(format!("no cases in {}", folder.display()));
    }
    Ok(cases)
}

fn load(folder: &Path, file: &Path) -> Result<Case, String> {
    let name = file.strip_prefix(folder).unwrap_or(file).with_extension("");
    let config = read(file)?;
    let exchanges = exchanges(file, &config)?;
    let logs = |beginning, in_any_order| {
        named(&config, beginning).map(move |name| Log {
            name: name.to_owned(),
            in_any_order,
        })
    };
    let logs = logs("# Compare: ", false)
        .chain(logs("# Compare in any order: ", true))
        .collect();
    let root = match named(&config, "# Root: ").next() {
        Some(name) => file.with_file_name(name),
        None => file.with_extension(""),
    };
    let root = Some(root).filter(|root| root.is_dir());
    Ok(Case {
        name: name.display().to_string(),
        config,
        exchanges,
        root,
        logs,
    })
}

/// What the lines of a configuration that begin so name.
fn named<'c>(config: &'c str, beginning: &'c str) -> impl Iterator<Item = &'c str> {
    let lines = config.lines();
    lines.filter_map(move |line| line.strip_prefix(beginning).map(str::trim))
}

/// The scripts that a case shares with others, and its own, which it must have if it shares none.
fn exchanges(file: &Path, config: &str) -> Result<Vec<Exchange>, String> {
    let mut scripts: Vec<_> = named(config, "# Requests: ")
        .map(|name| file.with_file_name(name))
        .collect();
    let own = file.with_extension("http");
    if scripts.is_empty() || own.is_file() {
        scripts.push(own);
    }
    let mut all = Vec::new();
    for script in scripts {
        let parsed = script::parse(&read(&script)?);
        all.extend(parsed.map_err(|error| format!("{}: {error}", script.display()))?);
    }
    for line in named(config, "# Varies: ") {
        for exchange in &mut all {
            exchange.options.add(&format!("Varies: {line}"))?;
        }
    }
    Ok(all)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(failed)?;
    entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(failed))
        .collect()
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}
