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
    /// `NAME.http`.
    pub(crate) exchanges: Vec<Exchange>,
    /// `NAME/`, if there is one.
    pub(crate) root: Option<PathBuf>,
    /// The files in `%%TMP%%` that are compared in the end.
    pub(crate) logs: Vec<String>,
}

impl Case {
    /// The first part of the name.
    pub(crate) fn group(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
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
    let script = file.with_extension("http");
    let exchanges =
        script::parse(&read(&script)?).map_err(|error| format!("{}: {error}", script.display()))?;
    let logs = config
        .lines()
        .filter_map(|line| line.strip_prefix("# Compare: "));
    let logs = logs.map(|name| name.trim().to_owned()).collect();
    let root = Some(file.with_extension("")).filter(|root| root.is_dir());
    Ok(Case {
        name: name.display().to_string(),
        config,
        exchanges,
        root,
        logs,
    })
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
