//! From the command line to a checked configuration, a signal, or a running server.

use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use portunus_conf::{
    Config, Diagnostic, Diagnostics, LoadOptions, Loaded, MemoryLoader, Sources, d, dump,
};
use portunus_routing::Regex;
use portunus_telemetry::{Severity, emit};

use crate::build::{Kept, build};
use crate::lifecycle;
use crate::preset::{ManifestWatch, Preset};
use crate::signal::Signal;
use crate::sys::{self, Forked};
use crate::{DEFAULT_CONF, DEFAULT_ERROR_LOG, DEFAULT_PID, DEFAULT_PREFIX};

/// What the command line says about where things are.
#[derive(Debug, Clone)]
pub struct Launch {
    prefix: PathBuf,
    pub(crate) conf: PathBuf,
    error_log: PathBuf,
    globals: Option<String>,
    /// Instead of a file.
    preset: Option<Preset>,
}

/// A configuration that was read without errors.
pub(crate) struct Ready {
    pub(crate) config: Config,
    pub(crate) sources: Sources,
    pub(crate) diagnostics: Diagnostics,
    /// Of the manifest that was read with it, whose change calls for a new configuration.
    pub(crate) watch: Option<ManifestWatch>,
}

/// What there is to say about a configuration; mostly why it is not ready.
pub(crate) enum Unready {
    Preset(String),
    Faults(Diagnostics, Sources),
}

impl Unready {
    /// Says it in the error log: whoever sends a signal looks there, and a server in the background
    /// has no terminal.
    pub(crate) fn log(&self) {
        let (diagnostics, sources) = match self {
            Self::Preset(error) => return tracing::error!(severity = "emerg", "{error}"),
            Self::Faults(diagnostics, sources) => (diagnostics, sources),
        };
        diagnostics
            .sorted()
            .into_iter()
            .for_each(|one| log(one, sources));
    }
}

impl Ready {
    /// Says in the error log what there is to say.
    pub(crate) fn log(&self) {
        let said = self.diagnostics.sorted();
        said.into_iter().for_each(|one| log(one, &self.sources));
    }
}

fn log(diagnostic: &Diagnostic, sources: &Sources) {
    let severity = Severity::from_name(diagnostic.severity.name());
    let help = diagnostic.help.as_ref();
    let help = help.map(|help| format!(" ({help})")).unwrap_or_default();
    let mut said = diagnostic.said(sources);
    if let (None, Some(span)) = (diagnostic.report_at, diagnostic.span) {
        said.push_str(&format!(", at {}", sources.describe(span.start())));
    }
    emit(
        severity.unwrap_or(Severity::Emerg),
        format_args!("{said}{help}"),
    );
}

impl Launch {
    /// Resolves the flags; nginx's defaults where they are missing.
    #[must_use]
    pub fn new(
        prefix: Option<&str>,
        conf: Option<&str>,
        error_log: Option<&str>,
        globals: Option<String>,
    ) -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        let prefix = prefix.map_or_else(|| PathBuf::from(DEFAULT_PREFIX), |dir| here.join(dir));
        let conf = prefix.join(conf.unwrap_or(DEFAULT_CONF));
        let error_log = match error_log {
            Some("stderr") => PathBuf::new(),
            given => prefix.join(given.unwrap_or(DEFAULT_ERROR_LOG)),
        };
        Self {
            prefix,
            conf,
            error_log,
            globals,
            preset: None,
        }
    }

    /// `portunus serve`: the preset instead of a file.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        Self {
            prefix: preset.public.clone(),
            conf: PathBuf::from("serve.conf"),
            error_log: PathBuf::new(),
            globals: None,
            preset: Some(preset),
        }
    }

    /// `-t` and `-T`: checks the configuration as a start would, and says so.
    #[must_use]
    pub fn check(&self, dump_it: bool, quiet: bool) -> ExitCode {
        let path = self.conf.display();
        let failed = || {
            eprintln!("nginx: configuration file {path} test failed");
            ExitCode::FAILURE
        };
        let mut ready = match self.read() {
            Ok(ready) => ready,
            Err(Unready::Preset(error)) => {
                eprintln!("nginx: [emerg] {error}");
                return failed();
            }
            Err(Unready::Faults(diagnostics, sources)) => {
                self.print_judged(&diagnostics, &sources, quiet);
                return failed();
            }
        };
        let mut kept = self.kept(&ready.config);
        let built = build(&ready.config, &mut kept, &mut ready.diagnostics);
        self.print_judged(&ready.diagnostics, &ready.sources, quiet);
        if ready.diagnostics.has_errors() {
            return failed();
        }
        // nginx makes the pid file before it binds.
        let tried = lifecycle::try_pid_file(&self.pid_path(&ready.config));
        if let Err(message) = tried.and_then(|()| lifecycle::try_bind(built)) {
            eprintln!("nginx: [emerg] {message}");
            return failed();
        }
        if !quiet {
            print_advice(&ready);
            eprintln!("nginx: configuration file {path} test is successful");
        }
        if dump_it {
            let text = dump(&ready.sources);
            // A closed pipe ends a dump like any other.
            let _ = std::io::stdout().write_all(&text);
        }
        ExitCode::SUCCESS
    }

    /// `-s`.
    #[must_use]
    pub fn signal(&self, signal: Signal) -> ExitCode {
        let Some(ready) = self.load() else {
            return ExitCode::FAILURE;
        };
        match signal.send(&self.pid_path(&ready.config)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("nginx: [error] {error}\n  help: {}", error.help());
                ExitCode::FAILURE
            }
        }
    }

    /// Runs the server until it is told to end.
    #[must_use]
    pub fn serve(&self) -> ExitCode {
        let Some(ready) = self.load() else {
            return ExitCode::FAILURE;
        };
        if !ready.config.main().flag(d::DAEMON) {
            return self.run(ready, None);
        }
        match sys::fork_to_background() {
            Ok(Forked::Launcher(pipe)) => wait_for_server(pipe.into()),
            Ok(Forked::Server(pipe)) => self.run(ready, Some(pipe.into())),
            Err(error) => {
                eprintln!("nginx: [emerg] fork() failed ({error})");
                ExitCode::FAILURE
            }
        }
    }

    fn run(&self, mut ready: Ready, report: Option<std::fs::File>) -> ExitCode {
        let mut kept = self.kept(&ready.config);
        let built = build(&ready.config, &mut kept, &mut ready.diagnostics);
        self.print(&ready.diagnostics, &ready.sources);
        if ready.diagnostics.has_errors() {
            return ExitCode::FAILURE;
        }
        match lifecycle::run(self, ready, built, kept, report) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => {
                eprintln!("nginx: [emerg] {message}");
                ExitCode::FAILURE
            }
        }
    }

    /// Reads the configuration; errors go to the terminal.
    pub(crate) fn load(&self) -> Option<Ready> {
        match self.read() {
            Ok(ready) => Some(ready),
            Err(Unready::Preset(error)) => {
                eprintln!("nginx: [emerg] {error}");
                None
            }
            Err(Unready::Faults(diagnostics, sources)) => {
                self.print(&diagnostics, &sources);
                None
            }
        }
    }

    /// Reads the configuration.
    pub(crate) fn read(&self) -> Result<Ready, Unready> {
        self.read_looking_up(true)
    }

    /// The same; with `false` nobody is asked for the addresses of names.
    pub(crate) fn read_looking_up(&self, look_up: bool) -> Result<Ready, Unready> {
        let options = LoadOptions {
            prefix: self.prefix.clone(),
            globals: self.globals.clone(),
            look_up,
            regex: Some(compile),
        };
        let (loaded, watch) = match &self.preset {
            None => (Config::load(&self.conf, &options), None),
            Some(preset) => {
                let watch = ManifestWatch::new(preset.manifest_path());
                let text = preset.text().map_err(Unready::Preset)?;
                let files = MemoryLoader::from([(self.conf.as_os_str().as_bytes(), text)]);
                let loaded = Config::load_with(&self.conf, &options, &files);
                (loaded, Some(watch))
            }
        };
        let Loaded {
            config,
            diagnostics,
            sources,
        } = loaded;
        match config {
            Some(config) if !diagnostics.has_errors() => Ok(Ready {
                config,
                sources,
                diagnostics,
                watch,
            }),
            _ => Err(Unready::Faults(diagnostics, sources)),
        }
    }

    /// Prints what there is to say about a configuration.
    pub(crate) fn print(&self, diagnostics: &Diagnostics, sources: &Sources) {
        eprint!("{}", diagnostics.render(sources));
    }

    /// The same for `-t`, with what nginx says between reading a configuration and opening what it names.
    fn print_judged(&self, diagnostics: &Diagnostics, sources: &Sources, quiet: bool) {
        let (read, opened) = diagnostics.while_and_after_reading();
        self.print(&read, sources);
        if !quiet && !read.has_errors() {
            let path = self.conf.display();
            eprintln!("nginx: the configuration file {path} syntax is ok");
        }
        self.print(&opened, sources);
    }

    pub(crate) fn kept(&self, config: &Config) -> Kept {
        Kept::new(config, self.error_log.clone())
    }

    /// Says in the error log which directives do nothing here; not of those that nobody has written.
    pub(crate) fn note_what_has_no_effect(&self, ready: &Ready) {
        if self.preset.is_none() {
            let notices = ready.config.notices();
            notices.iter().for_each(|one| log(one, &ready.sources));
        }
    }

    /// `pid`, or nginx's default.
    pub(crate) fn pid_path(&self, config: &Config) -> PathBuf {
        match config.main().text(d::PID) {
            Some(path) => config.full_path(path),
            None => Path::new(DEFAULT_PID).to_owned(),
        }
    }
}

/// Says what is allowed and probably not meant. Each line begins as none of nginx's does, since nginx has none for it.
fn print_advice(ready: &Ready) {
    for lint in ready.config.lints(&ready.sources) {
        let text = lint.render(&ready.sources);
        let text = text.strip_prefix("nginx").unwrap_or(&text);
        eprint!("portunus{text}");
    }
}

/// Waits until the server in the background says that it runs, or ends without a word.
fn wait_for_server(mut pipe: std::fs::File) -> ExitCode {
    use std::io::Read as _;
    let mut word = [0_u8; 1];
    match pipe.read(&mut word) {
        Ok(1) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Has the engine of the run time say whether it takes a pattern.
fn compile(pattern: &[u8], caseless: bool) -> Result<usize, String> {
    let regex = Regex::compile(pattern, caseless).map_err(|error| error.to_string())?;
    Ok(regex.groups())
}
