//! Debian packages: what is missing, and installing it without starting any service.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::machine;
use crate::process::run_quietly;
use crate::repository;

/// Debian's hook that says whether a freshly installed service may be started; 101 forbids it.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const OUR_POLICY: &str =
    "#!/bin/sh\n# Put here by `cargo xtask` while it installs packages.\nexit 101\n";

/// The application's own list, `docker/pixel-positions/packages.txt`: one name a line, `#` begins a remark.
pub(crate) fn of_application() -> Result<Vec<String>> {
    let file = repository::root().join("docker/pixel-positions/packages.txt");
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let names = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    Ok(names
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect())
}

/// Those of `wanted` that are not installed.
pub(crate) fn missing(wanted: &[String]) -> Vec<String> {
    let mut query = Command::new("dpkg-query");
    query
        .args(["--show", "--showformat", "${Package} ${db:Status-Status}\n"])
        .args(wanted);
    // A name dpkg has never heard of makes it fail, but it still lists the others.
    let Ok(output) = query.output() else {
        return wanted.to_vec();
    };
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let installed = |name: &String| {
        listed
            .lines()
            .any(|line| line == format!("{name} installed"))
    };
    wanted
        .iter()
        .filter(|name| !installed(name))
        .cloned()
        .collect()
}

/// Installs what is missing of `wanted`, and says in a few words what was done.
///
/// # Errors
/// When something is missing and we are not root on Debian: the message names the packages. Or when `apt-get` fails.
pub(crate) fn ensure(wanted: &[String]) -> Result<String> {
    if !machine::is_debian() {
        bail!(
            "not a Debian system; please install what these packages hold: {}",
            wanted.join(" ")
        );
    }
    let missing = missing(wanted);
    if missing.is_empty() {
        return Ok("all there".into());
    }
    if !machine::is_root() {
        bail!(
            "not root; please run: apt-get install {}",
            missing.join(" ")
        );
    }
    let _policy = NoServices::set()?;
    if install(&missing).is_err() {
        // The package lists may be old or absent.
        apt_get(&["update"])?;
        install(&missing)?;
    }
    Ok(format!("installed {}", missing.join(" ")))
}

fn install(names: &[String]) -> Result<()> {
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(names.iter().map(String::as_str));
    apt_get(&arguments)
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(["--quiet", "--option", "Dpkg::Use-Pty=0"])
        .args(arguments);
    run_quietly(command.env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
}

/// While this lives, Debian starts no service after installing it. A policy that was there before stays.
struct NoServices {
    ours: bool,
}

impl NoServices {
    fn set() -> Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        if Path::new(POLICY).exists() {
            let left_behind = fs::read_to_string(POLICY).is_ok_and(|text| text == OUR_POLICY);
            return Ok(Self { ours: left_behind });
        }
        fs::write(POLICY, OUR_POLICY).with_context(|| format!("cannot write {POLICY}"))?;
        fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        Ok(Self { ours: true })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}
