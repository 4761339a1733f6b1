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
    /// Begins with the first wait: a watch is made before there is a runtime.
    ticks: Option<Interval>,
}

impl ManifestWatch {
    /// Watches from now on. To be made before the file is read: what changes in between is noticed, too.
    pub(crate) fn new(path: PathBuf) -> Self {
        let seen = Validator::of(&path).ok();
        Self {
            path,
            seen,
            ticks: None,
        }
    }

    /// Returns when the file is another than before, is gone, or has come. Loses nothing when it is dropped midway.
    pub(crate) async fn changed(&mut self) {
        let ticks = self.ticks.get_or_insert_with(|| {
            let mut ticks = interval(PERIOD);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        loop {
            ticks.tick().await;
            let now = Validator::of(&self.path).ok();
            if now != self.seen {
                self.seen = now;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_changes_before_the_first_wait_is_noticed() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("manifest.json");
        std::fs::write(&path, "{}").expect("a file");
        let mut watch = ManifestWatch::new(path.clone());
        std::fs::write(&path, "{").expect("a file");
        watch.changed().await;
        std::fs::remove_file(&path).expect("it is there");
        watch.changed().await;
    }
}
