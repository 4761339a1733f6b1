//! How a cache is built, and how one look-up is to be done.

use std::time::Duration;

/// How large a cache may grow and how careful it is.
#[derive(Clone, Debug)]
pub struct Config {
    /// Memory for bodies and compressed variants, for the whole process, in bytes.
    pub budget: usize,
    /// Files up to this size are kept in memory; those above 64 KiB only while the budget has room to spare. Larger ones
    /// are read, or handed to `sendfile`, as they are sent: above about half a megabyte that costs less.
    pub in_memory: u64,
    /// Most entries a worker keeps (`open_file_cache max=`).
    pub max_entries: usize,
    /// `open_file_cache inactive=`: what is not asked for in this time is forgotten within twice of it, where
    /// [`forget_idle`](super::OpenFileCache::forget_idle) runs. `None` keeps it until its room is needed: what has been
    /// read and compressed once need not be so again.
    pub inactive: Option<Duration>,
    /// How long a file must have been left alone before its content is kept; see the module's page on freshness. Zero
    /// keeps everything at once, which only measurements and tests can want.
    pub settle: Duration,
    /// Worker threads that share the budget.
    pub workers: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            budget: 64 << 20,
            in_memory: 256 << 10,
            max_entries: 65_536,
            inactive: None,
            settle: Duration::from_secs(1),
            workers: 1,
        }
    }
}

/// `disable_symlinks`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DisableSymlinks {
    /// Links are followed.
    #[default]
    Off,
    /// No component may be a link.
    On,
    /// A component may be a link if it and what it names have the same owner.
    IfNotOwner,
}

/// How long an entry is believed without asking the file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revalidate {
    /// Not at all: one `stat` each time, as fresh as nginx without `open_file_cache`.
    #[default]
    Always,
    /// `open_file_cache` is set.
    Every {
        /// `open_file_cache_valid`.
        valid: Duration,
        /// `open_file_cache_min_uses`: with fewer uses the entry is asked about each time.
        min_uses: u32,
        /// `open_file_cache_errors`: remember also what could not be opened.
        errors: bool,
    },
}

/// One location's way of opening files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Which symbolic links to follow.
    pub symlinks: DisableSymlinks,
    /// `disable_symlinks … from=`: so many leading bytes of the path are not looked at. See [`symlinks_from`].
    pub from: usize,
    /// When to ask the file system again.
    pub revalidate: Revalidate,
    /// `read_ahead` is set: tell the kernel that the file will be read in order.
    pub read_ahead: bool,
    /// When it is asked, where the caller counts.
    pub moment: Option<Moment>,
}

/// A moment by the caller's count of requests it has received on this thread.
///
/// A look at a file that was made after a request had been received shows that request nothing old: had it looked
/// itself, it might have done so in that very moment. So requests that have come together share one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The count when the request had been received, itself included: 1 or more.
    pub asked: u64,
    /// The count now.
    pub now: u64,
}

impl Moment {
    /// Whether a look made at `now` of another moment on this thread shows nothing old.
    #[must_use]
    pub const fn is_served_by(self, look: u64) -> bool {
        self.asked <= look && look <= self.now
    }
}

/// Applies an expanded `from=` to a path (nginx: `ngx_http_set_disable_symlinks`): what then is to be checked, and how
/// many bytes of the path are exempt.
#[must_use]
pub fn symlinks_from(mode: DisableSymlinks, from: &[u8], path: &[u8]) -> (DisableSymlinks, usize) {
    if from.is_empty() || !path.starts_with(from) {
        return (mode, 0);
    }
    match path.get(from.len()) {
        None => (DisableSymlinks::Off, 0),
        Some(b'/') => (mode, from.len()),
        Some(_) if from.ends_with(b"/") => (mode, from.len() - 1),
        Some(_) => (mode, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_counts_only_whole_components() {
        let of = |from: &str| symlinks_from(DisableSymlinks::On, from.as_bytes(), b"/srv/www/a");
        assert_eq!(of("/srv"), (DisableSymlinks::On, 4));
        assert_eq!(of("/srv/"), (DisableSymlinks::On, 4));
        assert_eq!(of("/sr"), (DisableSymlinks::On, 0));
        assert_eq!(of("/other"), (DisableSymlinks::On, 0));
        assert_eq!(of("/srv/www/a"), (DisableSymlinks::Off, 0));
        assert_eq!(of(""), (DisableSymlinks::On, 0));
    }
}
