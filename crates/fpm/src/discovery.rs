//! How many workers FPM has: from `php-fpm -tt`, or from its configuration files.
//!
//! `FCGI_GET_VALUES` does not tell (PHP answers `FCGI_MPXS_CONNS=0` and nothing else), so the
//! number is learned where FPM itself gets it from. Both sources have the same shape,
//! sections with `key = value`, and one reader serves both.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::config::{Address, Reuse};
use crate::running::masters;

/// Longest `php-fpm -tt` may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where distributions and the official images keep pools, in the order FPM reads them.
const DIRECTORIES: [&str; 3] = ["/usr/local/etc/php-fpm.d", "/etc/php-fpm.d", "/etc/php"];

/// `pm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessManager {
    /// All workers, always.
    Static,
    /// Some spare workers.
    Dynamic,
    /// Workers only while there is work.
    OnDemand,
}

impl ProcessManager {
    /// The value of `pm`.
    pub(crate) fn named(value: &str) -> Self {
        match value {
            "static" => Self::Static,
            "ondemand" => Self::OnDemand,
            _ => Self::Dynamic,
        }
    }
}

/// What is known about one pool of FPM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FpmFacts {
    /// The section's name.
    pub name: String,
    /// `listen`, as written.
    pub listen: String,
    /// `pm`.
    pub process_manager: ProcessManager,
    /// `pm.max_children`.
    pub max_children: usize,
    /// `pm.status_path`, if set.
    pub status_path: Option<String>,
    /// `ping.path`, if set.
    pub ping_path: Option<String>,
    /// `request_terminate_timeout`, if set. Idle time on a kept connection counts towards it.
    pub request_terminate_timeout: Option<Duration>,
    /// Version of the PHP that runs it, if that was asked.
    pub php_version: Option<PhpVersion>,
}

/// Major, minor and patch number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PhpVersion(pub u8, pub u8, pub u16);

impl PhpVersion {
    /// Reads the first line of `php-fpm -v`: `PHP 8.4.28 (fpm-fcgi) (built: …)`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.strip_prefix("PHP ")?.split_whitespace().next()?;
        let mut parts = number.split('.');
        let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        // Distributions append `-1+deb13u1`; a pre-release, `0RC1`, says nothing about fixes.
        let patch = parts.next()?.split(['-', '+', '~']).next()?;
        Some(Self(major, minor, patch.parse().unwrap_or(0)))
    }

    /// Whether the unread rest of a request body is thrown away, not parsed as the next request
    /// on a kept connection (CVE-2026-129289).
    #[must_use]
    pub fn discards_unread_bodies(self) -> bool {
        match self {
            Self(8, 2, patch) => patch >= 36,
            Self(8, 3, patch) => patch >= 37,
            Self(8, 4, patch) => patch >= 28,
            Self(8, 5, patch) => patch >= 13,
            other => other >= Self(8, 6, 0),
        }
    }
}

impl FpmFacts {
    /// All pools in the output of `php-fpm -tt`, or in configuration files read one after the
    /// other. Of a repeated key, the last counts.
    #[must_use]
    pub fn parse(text: &str) -> Vec<Self> {
        let mut pools: Vec<Self> = Vec::new();
        let mut section = None;
        for line in text.lines() {
            let line = line
                .split_once("NOTICE:")
                .map_or(line, |(_, line)| line)
                .trim();
            if let Some(name) = section_name(line) {
                section = (name != "global").then(|| pool_named(&mut pools, name));
            } else if let (Some(index), Some((key, value))) = (section, line.split_once('='))
                && let Some(pool) = pools.get_mut(index)
            {
                pool.set(key.trim(), bare(value));
            }
        }
        pools.retain(|pool| pool.max_children > 0 && !pool.listen.is_empty());
        pools
    }

    /// Whether this pool is the one at `address`, seen from the same machine or container. Paths are looked up.
    #[must_use]
    pub fn listens_on(&self, address: &Address) -> bool {
        match address {
            Address::Unix(path) => is_same_socket(Path::new(&self.listen), path),
            Address::Tcp(address) => {
                let (host, port) = self.listen.rsplit_once(':').unwrap_or(("", &self.listen));
                let host = host.trim_matches(['[', ']']);
                let same = match host {
                    "" | "*" | "0.0.0.0" | "::" | "localhost" => address.ip().is_loopback(),
                    host => host.parse() == Ok(address.ip()),
                };
                same && port.parse() == Ok(address.port())
            }
        }
    }

    /// Slots for requests: all workers but one, which is left to status and health.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.max_children.saturating_sub(1).max(1)
    }

    /// How connections may be reused. Shorter than usual where an idle connection keeps FPM
    /// from ending a worker, and never near the time at which FPM would kill one for idling.
    #[must_use]
    pub fn reuse(&self) -> Reuse {
        let after_body = self
            .php_version
            .is_some_and(PhpVersion::discards_unread_bodies);
        let mut rules = Reuse {
            after_body,
            ..Reuse::default()
        };
        if self.process_manager != ProcessManager::Static {
            rules.idle_timeout /= 4;
        }
        if let Some(limit) = self.request_terminate_timeout {
            rules.idle_timeout = rules.idle_timeout.min(limit / 4);
        }
        rules
    }

    fn set(&mut self, key: &str, value: &str) {
        let text = || Some(value).filter(|value| !matches!(*value, "" | "undefined"));
        match key {
            "listen" => value.clone_into(&mut self.listen),
            "pm" => {
                self.process_manager = ProcessManager::named(value);
            }
            "pm.max_children" => self.max_children = value.parse().unwrap_or(0),
            "pm.status_path" => self.status_path = text().map(str::to_owned),
            "ping.path" => self.ping_path = text().map(str::to_owned),
            "request_terminate_timeout" => self.request_terminate_timeout = parse_time(value),
            _ => {}
        }
    }
}

/// Learns about the pool at `address`: from the masters that run, else by asking `programs` (names
/// or paths of `php-fpm`) one after the other, else from the usual files. None if FPM is not on
/// this machine.
pub async fn discover(address: &Address, programs: &[&str]) -> Option<FpmFacts> {
    if let Some(found) = running(address).await {
        return Some(found);
    }
    for program in programs {
        let tested = output(program, "-tt").await;
        let found =
            tested.and_then(|output| choose(&String::from_utf8_lossy(&output.stderr), address));
        if let Some(mut found) = found {
            let version = output(program, "-v").await;
            found.php_version = version
                .and_then(|output| PhpVersion::parse(&String::from_utf8_lossy(&output.stdout)));
            return Some(found);
        }
    }
    let files = tokio::task::spawn_blocking(configuration_files)
        .await
        .ok()?;
    choose(&files, address)
}

async fn running(address: &Address) -> Option<FpmFacts> {
    let masters = tokio::task::spawn_blocking(masters).await.ok()?;
    for master in masters {
        if let Some(mut found) = choose(&master.text, address) {
            let version = match &master.program {
                Some(program) => output(&program.to_string_lossy(), "-v").await,
                None => None,
            };
            found.php_version = version
                .and_then(|output| PhpVersion::parse(&String::from_utf8_lossy(&output.stdout)));
            return Some(found);
        }
    }
    None
}

fn choose(text: &str, address: &Address) -> Option<FpmFacts> {
    FpmFacts::parse(text)
        .into_iter()
        .find(|pool| pool.listens_on(address))
}

async fn output(program: &str, argument: &str) -> Option<std::process::Output> {
    let mut command = Command::new(program);
    command
        .arg(argument)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    tokio::time::timeout(PATIENCE, command.output())
        .await
        .ok()?
        .ok()
}

/// All pool files, joined. Blocks.
fn configuration_files() -> String {
    let mut files = Vec::new();
    for directory in DIRECTORIES {
        collect(Path::new(directory), &mut files);
    }
    let read = |file: &PathBuf| std::fs::read_to_string(file).unwrap_or_default();
    files.iter().map(read).collect::<Vec<_>>().join("\n")
}

/// Pool files in `directory`, or in `*/fpm/pool.d` below it, by name.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    let entries = |directory: &Path| {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    for path in entries(directory) {
        if path
            .extension()
            .is_some_and(|extension| extension == "conf")
        {
            files.push(path);
        } else if path.is_dir() {
            let nested = entries(&path.join("fpm/pool.d"));
            files.extend(
                nested
                    .into_iter()
                    .filter(|path| path.extension().is_some_and(|e| e == "conf")),
            );
        }
    }
}

/// Whether two paths lead to one socket: `/var/run` is a link to `/run` nearly everywhere.
fn is_same_socket(listen: &Path, path: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    listen == path || real(listen).is_some_and(|listen| real(path) == Some(listen))
}

/// `[www]`, with a comment behind it or without.
fn section_name(line: &str) -> Option<&str> {
    let (name, rest) = line.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start();
    (rest.is_empty() || rest.starts_with(';')).then_some(name)
}

/// A value without the quotes around it and the comment behind it.
fn bare(value: &str) -> &str {
    let value = value.trim();
    match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
        None => value.split(';').next().unwrap_or_default().trim_end(),
    }
}

fn pool_named(pools: &mut Vec<FpmFacts>, name: &str) -> usize {
    pools
        .iter()
        .position(|pool| pool.name == name)
        .unwrap_or_else(|| {
            pools.push(FpmFacts {
                name: name.to_owned(),
                listen: String::new(),
                process_manager: ProcessManager::Dynamic,
                max_children: 0,
                status_path: None,
                ping_path: None,
                request_terminate_timeout: None,
                php_version: None,
            });
            pools.len() - 1
        })
}

/// FPM's time: a number with `s`, `m`, `h` or `d`, seconds by default. None for zero.
fn parse_time(value: &str) -> Option<Duration> {
    let digits = value.trim_end_matches(|unit: char| !unit.is_ascii_digit());
    let unit = match value.get(digits.len()..)? {
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => 1,
    };
    let seconds = digits.parse::<u64>().ok()?.checked_mul(unit)?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
[23-Nov-2026 07:53:53] NOTICE: [global]
[23-Nov-2026 07:53:53] NOTICE: \tpid = undefined
[23-Nov-2026 07:53:53] NOTICE: [www]
[23-Nov-2026 07:53:53] NOTICE: \tlisten = 9000
[23-Nov-2026 07:53:53] NOTICE: \tpm = static
[23-Nov-2026 07:53:53] NOTICE: \tpm.max_children = 8
[23-Nov-2026 07:53:53] NOTICE: \tpm.status_path = undefined
[23-Nov-2026 07:53:53] NOTICE: \tping.path = /ping
[23-Nov-2026 07:53:53] NOTICE: \trequest_terminate_timeout = 2m
[23-Nov-2026 07:53:53] NOTICE: configuration file /etc/php-fpm.conf test is successful
";

    fn tcp(address: &str) -> Address {
        Address::Tcp(address.parse().unwrap())
    }

    #[test]
    fn test_output_is_understood() {
        let [www] = <[FpmFacts; 1]>::try_from(FpmFacts::parse(OUTPUT)).unwrap();
        assert_eq!((&*www.name, www.max_children, www.slots()), ("www", 8, 7));
        assert_eq!(www.process_manager, ProcessManager::Static);
        assert_eq!(
            (www.status_path.as_deref(), www.ping_path.as_deref()),
            (None, Some("/ping"))
        );
        assert_eq!(
            www.request_terminate_timeout,
            Some(Duration::from_secs(120))
        );
        assert_eq!(www.reuse().idle_timeout, Reuse::default().idle_timeout);
    }

    #[test]
    fn files_override_each_other_as_in_the_official_image() {
        let text = "[www]\nlisten = 127.0.0.1:9000\npm = dynamic\npm.max_children = 5\n; pm = static\n\
                    [global]\ndaemonize = no\n[www]\nlisten = 9000\npm.max_children=\"3\"\n[empty]\n";
        let [www] = <[FpmFacts; 1]>::try_from(FpmFacts::parse(text)).unwrap();
        assert_eq!((&*www.listen, www.max_children), ("9000", 3));
        assert!(www.reuse().idle_timeout < Reuse::default().idle_timeout);
    }

    #[test]
    fn comments_behind_values_are_none_of_them() {
        let text = "[www] ; the only one\nlisten = \"/run/a;b.sock\" ; odd\npm = static ; always\n\
                    pm.max_children = 12 ; was 5\nping.path = ; none\n";
        let [www] = <[FpmFacts; 1]>::try_from(FpmFacts::parse(text)).unwrap();
        assert_eq!((&*www.name, &*www.listen), ("www", "/run/a;b.sock"));
        assert_eq!(www.process_manager, ProcessManager::Static);
        assert_eq!((www.max_children, www.ping_path), (12, None));
    }

    #[test]
    fn a_socket_may_be_known_by_two_paths() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("run")).unwrap();
        std::fs::write(at("run/php.sock"), "").unwrap();
        std::os::unix::fs::symlink(at("run"), at("var-run")).unwrap();
        let listen = at("run/php.sock");
        let text = format!(
            "[www]\nlisten = {}\npm.max_children = 1\n",
            listen.display()
        );
        let pool = &FpmFacts::parse(&text)[0];
        assert!(pool.listens_on(&Address::Unix(at("var-run/php.sock"))));
        assert!(!pool.listens_on(&Address::Unix(at("var-run/none.sock"))));
    }

    #[test]
    fn addresses_are_matched_from_nearby() {
        for (listen, address, matches) in [
            ("9000", tcp("127.0.0.1:9000"), true),
            ("[::]:9000", tcp("[::1]:9000"), true),
            ("0.0.0.0:9000", tcp("127.0.0.1:9001"), false),
            ("9000", tcp("10.0.0.7:9000"), false),
            ("10.0.0.7:9000", tcp("10.0.0.7:9000"), true),
            ("/run/php.sock", Address::Unix("/run/php.sock".into()), true),
            (
                "/run/php.sock",
                Address::Unix("/run/other.sock".into()),
                false,
            ),
        ] {
            let text = format!("[www]\nlisten = {listen}\npm.max_children = 1\n");
            assert_eq!(
                FpmFacts::parse(&text)[0].listens_on(&address),
                matches,
                "{listen} {address}"
            );
        }
    }

    #[test]
    fn versions_with_the_fix_are_known() {
        for (text, fixed) in [
            ("PHP 8.2.36 (fpm-fcgi) (built: Nov 18 2026)", true),
            ("PHP 8.2.35 (fpm-fcgi)", false),
            ("PHP 8.4.28-1+deb13u1 (fpm-fcgi)", true),
            ("PHP 8.5.13 (fpm-fcgi)", true),
            ("PHP 8.6.0 (fpm-fcgi)", true),
            ("PHP 7.4.33 (fpm-fcgi)", false),
            ("PHP 8.5.0RC1 (fpm-fcgi)", false),
        ] {
            let version = PhpVersion::parse(text).unwrap();
            assert_eq!(version.discards_unread_bodies(), fixed, "{text}");
        }
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_no_error() {
        assert!(
            discover(&tcp("127.0.0.1:1"), &["/nonexistent/php-fpm"])
                .await
                .is_none()
        );
    }
}
