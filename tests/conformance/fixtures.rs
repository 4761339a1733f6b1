//! What cases need beside the servers: PHP-FPM, started when the first case asks for it.

use std::sync::OnceLock;

use portunus_testkit::{Launch, PhpFpm, PhpFpmOptions};

use crate::case::Case;

/// Workers of the shared PHP-FPM: four servers at a time may keep connections to it.
const WORKERS: usize = 24;

/// Which of the two servers something is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Reference,
    Ours,
}

/// Things started once and shared by all cases.
#[derive(Debug, Default)]
pub(crate) struct Fixtures {
    tcp: OnceLock<Result<PhpFpm, String>>,
    unix: OnceLock<Result<PhpFpm, String>>,
}

impl Fixtures {
    /// Sets the names that a case uses: `%%FPM%%` and `%%FPM_UNIX%%`.
    ///
    /// # Errors
    /// If what it needs cannot be started.
    pub(crate) fn provide(
        &self,
        case: &Case,
        _side: Side,
        launch: Launch,
    ) -> Result<Launch, String> {
        let options = PhpFpmOptions::default().children(WORKERS);
        let mut launch = launch;
        if case.uses("FPM") {
            let fpm = self.tcp.get_or_init(|| start(&options));
            launch = launch.with("FPM", fpm.as_ref().map_err(Clone::clone)?.pass());
        }
        if case.uses("FPM_UNIX") {
            let fpm = self.unix.get_or_init(|| start(&options.unix_socket()));
            launch = launch.with("FPM_UNIX", fpm.as_ref().map_err(Clone::clone)?.pass());
        }
        Ok(launch)
    }
}

fn start(options: &PhpFpmOptions) -> Result<PhpFpm, String> {
    options.start().map_err(|error| error.to_string())
}
