//! `open_log_file_cache`: logs with variables in their names that are kept open.
//!
//! Source: nginx, `ngx_open_cached_file` for logs.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portunus_telemetry::{LogFile, OpenLogError};

/// How long and how many files are kept.
#[derive(Debug, Clone, Copy)]
pub struct OpenLogsConfig {
    /// `max`: so many names at most.
    pub max: usize,
    /// `inactive`: a name that nobody asks for so long is forgotten.
    pub inactive: Duration,
    /// `valid`: so long nobody looks whether the name still means the same file.
    pub valid: Duration,
    /// `min_uses`: how often a name must be asked for until its file stays open.
    pub min_uses: u32,
}

/// The files that are open, shared by all threads.
#[derive(Debug)]
pub struct OpenLogs {
    config: OpenLogsConfig,
    names: Mutex<HashMap<Box<[u8]>, Name>>,
}

/// What is known of a name.
#[derive(Debug)]
struct Name {
    uses: u32,
    used: Instant,
    file: Option<(Arc<LogFile>, Instant)>,
}

impl OpenLogs {
    /// Keeps nothing yet.
    #[must_use]
    pub fn new(config: OpenLogsConfig) -> Self {
        let names = Mutex::default();
        Self { config, names }
    }

    /// The file of that name, opened if it must be.
    ///
    /// # Errors
    /// What `open(2)` says.
    pub(crate) fn open(&self, path: &[u8]) -> Result<Arc<LogFile>, OpenLogError> {
        self.open_at(path, Instant::now())
    }

    fn open_at(&self, path: &[u8], now: Instant) -> Result<Arc<LogFile>, OpenLogError> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|_, name| now.saturating_duration_since(name.used) < self.config.inactive);
        if let Some(name) = names.get_mut(path) {
            name.uses += 1;
            name.used = now;
            if let Some((file, checked)) = &mut name.file {
                if now.saturating_duration_since(*checked) < self.config.valid {
                    return Ok(Arc::clone(file));
                }
                if file.is_in_place() {
                    *checked = now;
                    return Ok(Arc::clone(file));
                }
                name.file = None;
            }
            let file = LogFile::open(Path::new(OsStr::from_bytes(path)))?;
            if name.uses >= self.config.min_uses {
                name.file = Some((Arc::clone(&file), now));
            }
            return Ok(file);
        }
        let file = LogFile::open(Path::new(OsStr::from_bytes(path)))?;
        while names.len() >= self.config.max {
            let longest_unused = names.iter().min_by_key(|(_, name)| name.used);
            let Some(path) = longest_unused.map(|(path, _)| path.clone()) else {
                return Ok(file);
            };
            names.remove(&path);
        }
        let kept = (self.config.min_uses <= 1).then(|| (Arc::clone(&file), now));
        let name = Name {
            uses: 1,
            used: now,
            file: kept,
        };
        names.insert(path.into(), name);
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_open() {
        let folder = tempfile::tempdir().unwrap();
        let logs = OpenLogs::new(OpenLogsConfig {
            max: 2,
            inactive: Duration::from_secs(10),
            valid: Duration::from_secs(60),
            min_uses: 2,
        });
        let path = |name: &str| {
            folder
                .path()
                .join(name)
                .into_os_string()
                .into_encoded_bytes()
        };
        let start = Instant::now();
        let open = |name: &str, second| {
            logs.open_at(&path(name), start + Duration::from_secs(second))
                .unwrap()
        };
        let first = open("a", 0);
        let second = open("a", 1);
        assert!(!Arc::ptr_eq(&first, &second), "one use is not enough");
        assert!(Arc::ptr_eq(&second, &open("a", 2)));
        open("b", 3);
        open("c", 4);
        assert!(
            !Arc::ptr_eq(&second, &open("a", 5)),
            "there is room for two"
        );
        let again = open("a", 6);
        assert!(
            !Arc::ptr_eq(&again, &open("a", 17)),
            "nobody asked for long"
        );
    }

    #[test]
    fn a_file_that_was_moved_away_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let logs = OpenLogs::new(OpenLogsConfig {
            max: 2,
            inactive: Duration::from_secs(100),
            valid: Duration::from_secs(1),
            min_uses: 1,
        });
        let path = folder.path().join("a");
        let name = path.as_os_str().as_encoded_bytes();
        let start = Instant::now();
        let first = logs.open_at(name, start).unwrap();
        let later = start + Duration::from_secs(2);
        assert!(Arc::ptr_eq(&first, &logs.open_at(name, later).unwrap()));
        std::fs::rename(&path, folder.path().join("b")).unwrap();
        let soon = later + Duration::from_millis(10);
        assert!(Arc::ptr_eq(&first, &logs.open_at(name, soon).unwrap()));
        let later = later + Duration::from_secs(2);
        assert!(!Arc::ptr_eq(&first, &logs.open_at(name, later).unwrap()));
    }
}
