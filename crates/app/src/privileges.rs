//! What a process gives up, and takes, before it serves anybody.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::PathBuf;

use portunus_conf::{Config, Scope, d};
use portunus_telemetry::give_all_to;

use crate::signal::describe;
use crate::sys::Account;

/// `worker_rlimit_nofile`; where it fails the server goes on with what there is, as nginx does.
pub(crate) fn raise_file_limit(config: &Config) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let Some(wanted) = config.main().number(d::WORKER_RLIMIT_NOFILE) else {
        return;
    };
    let limit = Rlimit {
        current: Some(wanted),
        maximum: Some(wanted),
    };
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        let error = describe(&error.into());
        tracing::error!("setrlimit(RLIMIT_NOFILE, {wanted}) failed ({error})");
    }
}

/// `user`, where there are privileges to give up: sockets are bound, the pid file is written, logs
/// are open. Log files and directories for bodies and caches are given to that user, who will open
/// them anew and write into them.
///
/// Differs: nginx's master keeps its privileges, and without the directive its workers become
/// `nobody`. Here the whole process becomes that user, so a reload reads files as that user; and
/// without the directive the user that started us is the one that is meant.
pub(crate) fn drop_privileges(config: &Config) -> Result<(), String> {
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
    let mut directories = BTreeSet::new();
    collect_directories(config, config.main(), &mut directories);
    for directory in directories {
        give_directory(&directory, account.user);
    }
    account.put_on().map_err(|error| error.to_string())
}

/// Directives whose first word is a directory that the server writes into.
const WRITABLE: &[&str] = &[
    "client_body_temp_path",
    "fastcgi_cache_path",
    "fastcgi_temp_path",
    "proxy_cache_path",
    "proxy_temp_path",
];

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
        let (path, error) = (path.display(), describe(&error));
        tracing::error!("chown(\"{path}\", {user}) failed ({error})");
    }
}
