//! What nginx finds once it has read everything (`nginx: ngx_init_cycle`), without file and line.

use portunus_conf_syntax::{Diagnostic, Directive, Severity};

use super::Checker;
use super::listen::count_sockets;
use super::state::State;
use crate::d;
use crate::fault::show;
use crate::scope::Scope;

/// After all that was read.
const LAST: u32 = Diagnostic::AFTER_READING;

pub(super) fn check(checker: &mut Checker<'_, '_>) {
    let main = checker.config.main();
    checker.diagnostics.extend(affinity(main));
    let emerg = |message: String| Diagnostic::new(Severity::Emerg, message, LAST);
    match main.child(d::EVENTS) {
        // It may stand in what could not be read.
        None if checker.diagnostics.has_errors() => {}
        None => {
            let help = "an empty one will do: events {}";
            let message = "no \"events\" section in configuration".to_owned();
            checker.diagnostics.push(emerg(message).with_help(help));
        }
        Some(events) => {
            let connections = events.number(d::WORKER_CONNECTIONS).unwrap_or(0);
            let sockets = count_sockets(&checker.state.sockets);
            if connections < sockets as u64 + 1 {
                let message = format!(
                    "{connections} worker_connections are not enough for {sockets} listening sockets"
                );
                let place = events.word(d::WORKER_CONNECTIONS).map(|word| word.span);
                let mut diagnostic = emerg(message);
                diagnostic.span = place;
                checker.diagnostics.push(diagnostic);
            }
        }
    }
    let State {
        zones,
        zone_order,
        thread_pools,
        used_pools,
        ..
    } = &checker.state;
    let unknown = used_pools
        .iter()
        .filter(|(name, _)| *name != b"default" && !thread_pools.contains(name));
    let unknown: Vec<_> = unknown
        .map(|(name, directive)| {
            let message = format!("unknown thread pool \"{}\"", show(name));
            let mut diagnostic = Diagnostic::on(directive, Severity::Emerg, message);
            diagnostic.order = LAST;
            diagnostic
        })
        .collect();
    checker.diagnostics.extend(unknown);
    let unsized_zones = zone_order
        .iter()
        .filter(|(name, _)| zones.get(*name).is_some_and(|zone| zone.size == 0));
    let messages: Vec<_> = unsized_zones
        .map(|(name, directive)| {
            let message = format!("zero size shared memory zone \"{}\"", show(name));
            let help = format!(
                "it is used here, and declared nowhere{}",
                declaration(directive)
            );
            emerg(message)
                .with_span(directive.name.span)
                .with_help(help)
        })
        .collect();
    checker.diagnostics.extend(messages);
}

/// What declares a zone that `directive` uses.
fn declaration(directive: &Directive) -> &'static str {
    match directive.name.as_bytes() {
        b"limit_req" => ": limit_req_zone in http does",
        b"limit_conn" => ": limit_conn_zone in http does",
        b"fastcgi_cache" => ": fastcgi_cache_path in http does",
        b"proxy_cache" => ": proxy_cache_path in http does",
        _ => "",
    }
}

/// nginx: `ngx_core_module_init_conf`.
fn affinity(main: Scope<'_>) -> Option<Diagnostic> {
    let masks = main.words(d::WORKER_CPU_AFFINITY);
    let is_auto = masks.first().is_some_and(|first| *first == "auto");
    let processes = match main.text(d::WORKER_PROCESSES) {
        Some(b"auto") => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        _ => usize::try_from(main.number(d::WORKER_PROCESSES)?).ok()?,
    };
    if is_auto || masks.len() < 2 || masks.len() == processes {
        return None;
    }
    let message = "the number of \"worker_processes\" is not equal to the number of \"worker_cpu_affinity\" masks, \
                   using last mask for remaining worker processes";
    Some(Diagnostic::new(Severity::Warn, message.to_owned(), LAST))
}
