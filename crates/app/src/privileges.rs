//! What a process gives up, and takes, before it serves anybody.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::PathBuf;

use portunus_conf::{Config, Scope, d};
use portunus_errno::errno_text;
use portunus_server::ServerConfig;
use portunus_telemetry::give_all_to;

use crate::sys::Account;

/// `worker_rlimit_nofile`; where it fails the server goes on with what there is, as nginx does. The
/// number of descriptors that there may be.
///
/// Differs: nginx leaves the limit alone without the directive. Its workers have one each; here all
/// threads share one, so it is raised as far as it may be.
pub(crate) fn raise_file_limit(config: &Config) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let wanted = config.main().number(d::WORKER_RLIMIT_NOFILE);
    let limit = Rlimit {
        current: wanted.or(now.maximum),
        maximum: wanted.or(now.maximum),
    };
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        let (wanted, error) = (wanted.unwrap_or_default(), errno_text(&error.into()));
        tracing::error!("setrlimit(RLIMIT_NOFILE, {wanted}) failed ({error})");
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Descriptors of one worker thread beside its connections.
const OF_A_WORKER: usize = 8;

/// Connections that a thread may have: `worker_connections`, or fewer where there are not enough
/// descriptors. A quarter of them is for files, PHP and logs: a client that takes the place of an
/// idle one is better off than one that is accepted and gets an error.
pub(crate) fn affordable_connections(server: &ServerConfig, descriptors: u64) -> usize {
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    let (workers, wanted) = (server.workers.max(1), server.worker_connections);
    let used = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let free = descriptors.saturating_sub(used + workers * OF_A_WORKER);
    let affordable = (free / 4 * 3 / workers).max(1);
    if wanted > affordable {
        tracing::warn!(
            "{workers} x {wanted} worker_connections exceed open file resource limit: {descriptors}, \
             {workers} x {affordable} are used"
        );
    }
    wanted.min(affordable)
}

/// `user`, where there are privileges to give up: sockets are bound, the pid file is written, logs
/// are open. Log files and directories for bodies and caches are given to that user, who will open
/// them anew and write into them.
///
/// Differs: nginx's master keeps its privileges, and without the directive its workers become
/// `nobody`. Here the whole process becomes that user, so a reload reads files as that user; and
/// without the directive the user that started us is the one that is meant.
pub(crate) fn drop_privileges(config: &Config, temp_dirs: BTreeSet<PathBuf>) -> Result<(), String> {
    let words = config.main().words(d::USER);
    let Some(user) = words.first().and_then(|word| word.as_str()) else {
        return Ok(());
    };
    if !rustix::process::geteuid().is_root() {
        tracing::warn!(
            "the \"user\" directive makes sense only if the master process runs with super-user \
             privileges, ignored"
        );
        return Ok(());
    }
    let group = words.get(1).and_then(|word| word.as_str());
    let account = Account::find(user, group).map_err(|error| error.to_string())?;
    for error in give_all_to(account.user) {
        tracing::error!("fchown() failed: {error}");
    }
    let mut directories = temp_dirs;
    collect_directories(config, config.main(), &mut directories);
    for directory in directories {
        give_directory(&directory, account.user);
    }
    account.put_on().map_err(|error| error.to_string())
}

/// Directives whose first word is a directory that the server writes into.
const WRITABLE: &[&str] = &["fastcgi_cache_path", "proxy_cache_path"];

fn collect_directories(config: &Config, scope: Scope<'_>, found: &mut BTreeSet<PathBuf>) {
    for (id, directive, block) in scope.directives() {
        if WRITABLE.contains(&id.name) {
            let name = directive.args.first().map(portunus_conf::Word::as_bytes);
            found.extend(name.map(|name| config.prefix().join(OsStr::from_bytes(name))));
        }
        if let Some(block) = block {
            collect_directories(config, block, found);
        }
    }
}

/// Source: nginx, `ngx_create_paths`.
fn give_directory(path: &PathBuf, user: u32) {
    // One that is not there will not be written into.
    let Ok(known) = std::fs::metadata(path) else {
        return;
    };
    if known.uid() != user
        && let Err(error) = chown(path, Some(user), None)
    {
        let (path, error) = (path.display(), errno_text(&error));
        tracing::error!("chown(\"{path}\", {user}) failed ({error})");
    }
}
