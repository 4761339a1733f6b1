//! What cases need beside the servers: PHP-FPM and the Laravel application, started and prepared
//! when the first case asks for them, and the configuration that we ship.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use portunus_testkit::{Launch, PhpFpm, PhpFpmOptions, Program, TempTree};

use crate::case::Case;

/// Workers of the shared PHP-FPM: four servers at a time may keep connections to it.
const WORKERS: usize = 24;

/// Things made once and shared by all cases.
#[derive(Debug, Default)]
pub(crate) struct Fixtures {
    tcp: OnceLock<Result<PhpFpm, String>>,
    unix: OnceLock<Result<PhpFpm, String>>,
    laravel: OnceLock<Result<TempTree, String>>,
}

/// A server about to be started, and what must live as long as it.
pub(crate) struct Provided {
    pub(crate) launch: Launch,
    _state: Option<TempTree>,
}

impl Fixtures {
    /// The launch of a case, all names set that it uses.
    ///
    /// # Errors
    /// If something that it needs cannot be had.
    pub(crate) fn provide(
        &self,
        case: &Case,
        program: Program,
        root: &Path,
    ) -> Result<Provided, String> {
        let launch = if case.is_shipped() {
            shipped(case, program)?
        } else {
            Launch::new(program, &case.config)
        };
        let mut provided = Provided {
            launch: launch.root(root),
            _state: None,
        };
        let options = PhpFpmOptions::default().children(WORKERS);
        if case.uses("FPM") || case.is_shipped() {
            let fpm = self.tcp.get_or_init(|| start(&options));
            provided.set("FPM", &fpm.as_ref().map_err(Clone::clone)?.pass());
        }
        if case.uses("FPM_UNIX") {
            let fpm = self.unix.get_or_init(|| start(&options.unix_socket()));
            provided.set("FPM_UNIX", &fpm.as_ref().map_err(Clone::clone)?.pass());
        }
        if case.is_shipped() {
            let template = self.laravel.get_or_init(prepare_laravel);
            let state = copy_laravel(template.as_ref().map_err(Clone::clone)?)?;
            provided.set("LARAVEL", &state.path().display().to_string());
            provided._state = Some(state);
        }
        Ok(provided)
    }
}

impl Provided {
    fn set(&mut self, name: &str, value: &str) {
        self.launch = self.launch.clone().with(name, value);
    }
}

fn start(options: &PhpFpmOptions) -> Result<PhpFpm, String> {
    options.start().map_err(|error| error.to_string())
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files of `config/`, with the few lines replaced that name a place of the container.
fn shipped(case: &Case, program: Program) -> Result<Launch, String> {
    let folder = repository().join("config");
    let read = |name: &str| {
        fs::read_to_string(folder.join(name)).map_err(|error| format!("config/{name}: {error}"))
    };
    let mut launch = Launch::new(program, with_places(&read("nginx.conf")?, case));
    launch = launch.file("default.conf", with_places(&read("default.conf")?, case));
    for name in ["mime.types", "fastcgi_params", "fastcgi.conf"] {
        launch = launch.file(name, read(name)?);
    }
    Ok(launch)
}

fn with_places(config: &str, case: &Case) -> String {
    let replace = |line: &str| match line.split_whitespace().next() {
        Some("pid") => "daemon off; master_process off; pid %%TMP%%/pid;".to_owned(),
        Some("listen") => format!("listen 127.0.0.1:%%PORT_0%%;\n{}", case.config),
        Some("root") => "root %%LARAVEL%%/public;".to_owned(),
        Some("fastcgi_pass") => "fastcgi_pass %%FPM%%; fastcgi_param PIXEL_STATE %%LARAVEL%%; \
                                 fastcgi_param APP_DEBUG_ROUTES true;"
            .to_owned(),
        _ => line.to_owned(),
    };
    config.lines().map(|line| replace(line) + "\n").collect()
}

/// Prepares the application's state once, in a directory that cases copy.
fn prepare_laravel() -> Result<TempTree, String> {
    let state = TempTree::new().map_err(|error| error.to_string())?;
    let prepare = repository().join("docker/pixel-positions/bin/prepare");
    let mut command = Command::new("sh");
    command.arg(&prepare).env("PIXEL_STATE", state.path());
    let output = command.output().map_err(|error| format!("sh: {error}"))?;
    if output.status.success() {
        return Ok(state);
    }
    Err(format!(
        "{} failed (cargo xtask test installs PHP and Laravel):\n{}{}",
        prepare.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// A copy of the application's state, for one server in one case.
fn copy_laravel(template: &TempTree) -> Result<TempTree, String> {
    let copy = TempTree::new().and_then(|copy| copy.copy_from(template.path()));
    let copy = copy.map_err(|error| error.to_string())?;
    let link = copy.path().join("public/storage");
    let relink = || {
        fs::remove_file(&link)?;
        symlink(copy.path().join("storage/app/public"), &link)
    };
    relink().map_err(|error: std::io::Error| format!("{}: {error}", link.display()))?;
    Ok(copy)
}
