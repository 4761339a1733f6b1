//! What is decided when a server starts, so that a reload cannot change it, and says so.

use portunus_conf::{Config, DirectiveId, Scope, Word, d};

/// The directives of the main level that are obeyed at start alone.
const OF_MAIN: [DirectiveId; 5] = [
    d::USER,
    d::WORKER_PROCESSES,
    d::WORKER_RLIMIT_NOFILE,
    d::WORKER_SCHEDULING,
    d::WORKING_DIRECTORY,
];

/// Their values, as text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AtStart(Vec<(&'static str, Vec<u8>)>);

impl AtStart {
    pub(crate) fn of(config: &Config) -> Self {
        let (main, http) = (config.main(), config.http());
        let mut values: Vec<_> = OF_MAIN.map(|id| (id.name, value(main, id))).into();
        let connections = value(config.events(), d::WORKER_CONNECTIONS);
        values.push((d::WORKER_CONNECTIONS.name, connections));
        if let Some(http) = http {
            let memory = value(http, d::STATIC_CACHE_SIZE);
            values.push((d::STATIC_CACHE_SIZE.name, memory));
            values.push((d::OPEN_FILE_CACHE.name, table_of_files(http)));
        }
        Self(values)
    }

    /// The directives that a new configuration would have otherwise.
    pub(crate) fn changes(&self, new: &Config) -> Vec<&'static str> {
        let new = Self::of(new).0;
        let changed = new.into_iter().filter(|one| !self.0.contains(one));
        changed.map(|(name, _)| name).collect()
    }
}

/// All words behind a directive, or what holds without it.
fn value(scope: Scope<'_>, id: DirectiveId) -> Vec<u8> {
    let words: Vec<_> = scope.words(id).iter().map(Word::as_bytes).collect();
    match words.is_empty() {
        true => id.default.unwrap_or_default().into(),
        false => words.join(&b' '),
    }
}

/// Of `open_file_cache`, how large the one table is; whether it is used is up to each level.
fn table_of_files(http: Scope<'_>) -> Vec<u8> {
    let words = http.words(d::OPEN_FILE_CACHE).iter();
    let sizes = words.map(Word::as_bytes);
    let sizes = sizes.filter(|word| word.starts_with(b"max=") || word.starts_with(b"inactive="));
    sizes.collect::<Vec<_>>().join(&b' ')
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use portunus_conf::{LoadOptions, MemoryLoader};

    use super::*;

    fn config(main: &str, http: &str) -> Config {
        let text = format!("{main}\nhttp {{ {http} }}");
        let files = MemoryLoader::from([("/c", text)]);
        let loaded = Config::load_with(Path::new("/c"), &LoadOptions::default(), &files);
        loaded.config.expect("there is no error")
    }

    #[test]
    fn what_is_said_and_what_holds_without_are_the_same() {
        let start = AtStart::of(&config("events {}", ""));
        let said = config(
            "worker_processes 1; worker_scheduling auto; events { worker_connections 512; }",
            "static_cache_size 64m; gzip on; open_file_cache off;",
        );
        assert_eq!(start.changes(&said), [""; 0]);
    }

    #[test]
    fn each_change_is_seen() {
        let start = AtStart::of(&config("events {}", ""));
        let new = config(
            "worker_processes 3; working_directory /; events { worker_connections 100; }",
            "static_cache_size 1m; open_file_cache max=10 inactive=5s;",
        );
        let names = [
            "worker_processes",
            "working_directory",
            "worker_connections",
            "static_cache_size",
            "open_file_cache",
        ];
        assert_eq!(start.changes(&new), names);
    }
}
