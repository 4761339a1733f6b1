//! `portunus healthcheck --fpm`: whether PHP-FPM answers, too.
//!
//! Each FPM that the configuration names is asked for its `ping.path`, on a connection of its own: the server's
//! pools leave one worker free for that. An FPM without a `ping.path` says that there is no such script, and it
//! takes a worker to say so.

use std::time::Duration;

use portunus_conf::{Config, DirectiveId, Scope, Word, d};
use portunus_fpm::{Address, Health, HealthError};

use crate::build::{PROGRAMS, fastcgi_addresses};

/// What is asked for where no better is known; the path in PHP's own example.
const USUAL_PATH: &str = "/ping";

/// Where other levels are, whose `fastcgi_pass` counts.
const LEVELS: [DirectiveId; 4] = [d::SERVER, d::LOCATION, d::IF, d::LIMIT_EXCEPT];

/// Asks all of them, one after the other.
///
/// # Errors
/// What is wrong with the first that is not well, or that there is none.
pub(super) fn ask_all(config: &Config, patience: Duration) -> Result<String, String> {
    let mut addresses = Vec::new();
    if let Some(scope) = config.http() {
        collect(config, scope, &mut addresses);
    }
    if addresses.is_empty() {
        return Err("the configuration names no PHP-FPM".to_owned());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let mut told = Vec::new();
    for address in addresses {
        let asked = runtime.block_on(ask(&address, patience));
        asked.map_err(|error| format!("{address}: {error}"))?;
        told.push(format!("PHP-FPM at {address} answers"));
    }
    Ok(told.join(", "))
}

async fn ask(address: &Address, patience: Duration) -> Result<(), HealthError> {
    let learned = tokio::time::timeout(patience, portunus_fpm::discover(address, PROGRAMS));
    let facts = learned.await.ok().flatten();
    let path = facts.and_then(|facts| facts.ping_path.or(facts.status_path));
    let path = path.as_deref().unwrap_or(USUAL_PATH);
    match Health::new(address.clone(), patience).ping(path).await {
        Ok(_) | Err(HealthError::Status(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The addresses below a level; those with variables depend on requests.
fn collect(config: &Config, scope: Scope<'_>, found: &mut Vec<Address>) {
    for directive in scope.own(d::FASTCGI_PASS) {
        let target = directive.args.first().and_then(Word::as_str);
        for address in target.map_or_else(Vec::new, |target| fastcgi_addresses(config, target)) {
            if !found.contains(&address) {
                found.push(address);
            }
        }
    }
    for id in LEVELS {
        for level in scope.children(id) {
            collect(config, level, found);
        }
    }
}
