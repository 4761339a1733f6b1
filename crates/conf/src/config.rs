//! A configuration that has been loaded and checked.

use std::path::{Path, PathBuf};

use portunus_conf_syntax::{Diagnostic, Diagnostics, Loader, Parser, Severity, Sources};

use crate::check::{self, RegexCheck};
use crate::level::Levels;
use crate::loader::FileLoader;
use crate::scope::Scope;
use crate::table::Effect;

/// How to load a configuration.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Directory that relative paths in the configuration are below (nginx: `-p`).
    pub prefix: PathBuf,
    /// Directives that come before the file (nginx: `-g`).
    pub globals: Option<String>,
    /// Whether names of hosts are looked up, as nginx does: an address that cannot be found is an
    /// error. Blocks while it asks.
    pub look_up: bool,
    /// What compiles regular expressions, to see whether they can be; this crate has no engine.
    pub regex: Option<RegexCheck>,
}

/// A whole configuration, every value of which has been checked.
#[derive(Debug)]
pub struct Config {
    pub(crate) levels: Levels,
    pub(crate) prefix: PathBuf,
    pub(crate) directory: PathBuf,
}

/// What loading gives.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration, unless there was an error.
    pub config: Option<Config>,
    /// All errors and warnings. More can be added by whoever checks what needs the runtime.
    pub diagnostics: Diagnostics,
    /// The texts that the configuration was read from.
    pub sources: Sources,
}

impl Config {
    /// Reads a configuration and all that it includes, and checks it.
    ///
    /// Nothing stops at the first error: [`Loaded::diagnostics`] holds them all, and the first one
    /// in its order is the one at which nginx would have stopped.
    #[must_use]
    pub fn load(path: &Path, options: &LoadOptions) -> Loaded {
        Self::load_with(path, options, &FileLoader)
    }

    /// The same with files from elsewhere.
    #[must_use]
    pub fn load_with(path: &Path, options: &LoadOptions, loader: &dyn Loader) -> Loaded {
        let mut diagnostics = Diagnostics::default();
        let mut parser = Parser::new(
            path.as_os_str().as_encoded_bytes(),
            loader,
            &mut diagnostics,
        );
        if let Some(globals) = &options.globals {
            parser.globals(globals.as_bytes());
        }
        parser.main_file();
        let tree = parser.finish();

        let levels = Levels::build(tree.directives, &mut diagnostics);
        let config = Config {
            levels,
            prefix: options.prefix.clone(),
            directory: options.prefix.join(path.parent().unwrap_or(Path::new(""))),
        };
        check::check(&config, &tree.sources, options, &mut diagnostics);
        let config = (!diagnostics.has_errors()).then_some(config);
        Loaded {
            config,
            diagnostics,
            sources: tree.sources,
        }
    }

    /// The level outside all blocks.
    #[must_use]
    pub fn main(&self) -> Scope<'_> {
        Scope {
            config: self,
            level: 0,
        }
    }

    /// The `events` block; a configuration without one is refused.
    #[must_use]
    pub fn events(&self) -> Scope<'_> {
        self.main().child(crate::d::EVENTS).unwrap_or(self.main())
    }

    /// The `http` block.
    #[must_use]
    pub fn http(&self) -> Option<Scope<'_>> {
        self.main().child(crate::d::HTTP)
    }

    /// The directory that relative paths are below.
    #[must_use]
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// The directory of the configuration, which some relative paths are below.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A path made full: below the prefix unless it is absolute (nginx: `ngx_conf_full_name`).
    #[must_use]
    pub fn full_path(&self, name: &[u8]) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        self.prefix.join(std::ffi::OsStr::from_bytes(name))
    }

    /// One notice for each directive in use that has no effect here, at its first use.
    #[must_use]
    pub fn notices(&self) -> Vec<Diagnostic> {
        let mut noticed = Vec::new();
        let mut notices = Vec::new();
        let items = self.levels.levels.iter().flat_map(|level| &level.items);
        for item in items {
            let Effect::Accepted(reason) = item.id.effect else {
                continue;
            };
            if noticed.contains(&item.id) {
                continue;
            }
            noticed.push(item.id);
            let message = format!("the \"{}\" directive has no effect: {reason}", item.id.name);
            let directive = &self.levels.directives[item.directive];
            notices.push(Diagnostic::on(directive, Severity::Notice, message));
        }
        notices.sort_by_key(|notice| notice.order);
        notices
    }
}

/// The text of `-T`: every file once, in the order of first reading, after a comment that names it.
#[must_use]
pub fn dump(sources: &Sources) -> Vec<u8> {
    let mut text = Vec::new();
    for source in sources.files() {
        text.extend_from_slice(b"# configuration file ");
        text.extend_from_slice(source.path().unwrap_or_default());
        text.extend_from_slice(b":\n");
        text.extend_from_slice(source.text());
        text.push(b'\n');
    }
    text
}
