//! Whether a deployment has brought another build manifest.

use std::path::PathBuf;
use std::time::Duration;

use portunus_static_files::Validator;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How long a new manifest may go unnoticed. Until then its files are served without `immutable`, which is no harm.
const PERIOD: Duration = Duration::from_secs(1);

/// Looks at one file once a second.
#[derive(Debug)]
pub(crate) struct ManifestWatch {
    path: PathBuf,
    seen: Option<Validator>,
    ticks: Interval,
}

impl ManifestWatch {
    /// Watches from now on; must be called within a runtime.
    pub(crate) fn new(path: PathBuf) -> Self {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let seen = look(&path);
        Self { path, seen, ticks }
    }

    /// Returns when the file is another than before, is gone, or has come. Loses nothing when it is dropped midway.
    pub(crate) async fn changed(&mut self) {
        loop {
            self.ticks.tick().await;
            let now = look(&self.path);
            if now != self.seen {
                self.seen = now;
                return;
            }
        }
    }
}

fn look(path: &std::path::Path) -> Option<Validator> {
    let stat = rustix::fs::stat(path).ok()?;
    Some(Validator::from_stat(&stat))
}
