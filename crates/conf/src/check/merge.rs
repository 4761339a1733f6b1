//! What nginx finds while it merges the levels at the end of `http`, and just after.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};

use portunus_conf_syntax::{Diagnostic, Severity, Word};

use super::core::variables;
use super::listen::Socket;
use super::names::{NameClash, NameSet};
use super::state::Zone;
use super::{Checker, Outcome};
use crate::d;
use crate::fault::{Fault, show};
use crate::scope::Scope;
use crate::table::{DirectiveId, SERVER};
use crate::typed::{LocationMatch, ServerName};

/// Makes the checks of the end of `http` in nginx's order; each fault is the last of its kind.
pub(super) fn check<'a>(checker: &mut Checker<'a, '_>, http: Scope<'a>) {
    let servers: Vec<Scope<'a>> = http.children(d::SERVER).collect();
    report(checker, http, check_core(&servers));
    super::upstream::check_members(checker, http);
    check_groups(checker, http);
    check_certificates(checker, http, &servers);
    let proxy = check_proxy(&checker.state.zones, &servers);
    report(checker, http, proxy);
    let fastcgi = check_fastcgi(checker, http, &servers);
    report(checker, http, fastcgi);
    if let Err(fault) = every(&servers, &check_referers) {
        // nginx names neither file nor line.
        let diagnostic = Diagnostic::new(Severity::Emerg, fault.message, http.end().1);
        checker.diagnostics.push(diagnostic);
    }
    report(checker, http, every(&servers, &check_secure_link));
    super::hashes::check(checker, http);
    for server in &servers {
        check_locations(checker, http, *server);
    }
    check_tls_sockets(checker, http);
    check_charsets(checker, http, &servers);
    super::hashes::check_variables(checker, http);
    check_server_names(checker, http);
}

fn report<'a>(checker: &mut Checker<'a, '_>, http: Scope<'a>, outcome: Outcome) {
    if let Err(fault) = outcome {
        checker.report_end(http, fault);
    }
}

fn check_core(servers: &[Scope<'_>]) -> Outcome {
    for server in servers {
        let buffers = server.buffers(d::LARGE_CLIENT_HEADER_BUFFERS);
        if buffers.size < server.size(d::CONNECTION_POOL_SIZE) {
            return Err(Fault::new(
                "the \"large_client_header_buffers\" size must be equal to or greater than \
                 \"connection_pool_size\"",
            ));
        }
    }
    Ok(())
}

const NO_PORT: &str =
    "it is no \"upstream\" block; an address is HOST:9000, or unix:/PATH for a socket";

/// Groups that were only used: their names are looked up. nginx reports them where they were used.
fn check_groups(checker: &mut Checker<'_, '_>, http: Scope<'_>) {
    let groups: Vec<_> = checker
        .state
        .upstreams
        .iter()
        .filter(|group| !group.block && !group.numeric)
        .map(|group| (group.host, group.port, group.directive))
        .collect();
    for (host, port, directive) in groups {
        let host_text = show(host);
        let (message, help) = match port {
            None => (format!("no port in upstream \"{host_text}\""), NO_PORT),
            Some(_) if checker.state.is_found(host) => continue,
            Some(_) => {
                let message = format!("host not found in upstream \"{host_text}\"");
                (message, super::upstream::NOT_FOUND)
            }
        };
        let mut diagnostic = Diagnostic::on(directive, Severity::Emerg, message).with_help(help);
        diagnostic.order = http.end().1;
        diagnostic.span = directive.args.first().map(|word| word.span);
        checker.diagnostics.push(diagnostic);
    }
}

/// The buffer directives of one upstream module.
struct BufferDirectives {
    prefix: &'static str,
    buffer_size: DirectiveId,
    buffers: DirectiveId,
    busy: DirectiveId,
    write: DirectiveId,
    max_file: DirectiveId,
}

fn check_proxy(zones: &BTreeMap<&[u8], Zone>, servers: &[Scope<'_>]) -> Outcome {
    let names = BufferDirectives {
        prefix: "proxy",
        buffer_size: d::PROXY_BUFFER_SIZE,
        buffers: d::PROXY_BUFFERS,
        busy: d::PROXY_BUSY_BUFFERS_SIZE,
        write: d::PROXY_TEMP_FILE_WRITE_SIZE,
        max_file: d::PROXY_MAX_TEMP_FILE_SIZE,
    };
    every(servers, &|scope| {
        if !may_differ(scope, names.prefix) {
            return Ok(());
        }
        check_buffers(&names, scope)?;
        check_zone(zones, scope, d::PROXY_CACHE)?;
        let body = scope.word(d::PROXY_SET_BODY).into_iter();
        let headers = scope.all(d::PROXY_SET_HEADER);
        let values = headers
            .into_iter()
            .flat_map(|directive| directive.args.get(1));
        body.chain(values).try_for_each(variables)
    })
}

fn check_fastcgi(checker: &mut Checker<'_, '_>, http: Scope<'_>, servers: &[Scope<'_>]) -> Outcome {
    let names = BufferDirectives {
        prefix: "fastcgi",
        buffer_size: d::FASTCGI_BUFFER_SIZE,
        buffers: d::FASTCGI_BUFFERS,
        busy: d::FASTCGI_BUSY_BUFFERS_SIZE,
        write: d::FASTCGI_TEMP_FILE_WRITE_SIZE,
        max_file: d::FASTCGI_MAX_TEMP_FILE_SIZE,
    };
    let mut keyless = 0;
    let outcome = {
        let zones = &checker.state.zones;
        let keyless = Cell::from_mut(&mut keyless);
        every(servers, &|scope| {
            if may_differ(scope, names.prefix) {
                check_buffers(&names, scope)?;
            }
            if !zones.is_empty() {
                check_fastcgi_cache(zones, scope, keyless)?;
            }
            if !may_differ(scope, names.prefix) {
                return Ok(());
            }
            let params = scope.all(d::FASTCGI_PARAM);
            params
                .into_iter()
                .flat_map(|directive| directive.args.get(1))
                .try_for_each(variables)
        })
    };
    for _ in 0..keyless {
        let (position, order) = http.end();
        let message = "no \"fastcgi_cache_key\" for \"fastcgi_cache\"";
        let mut warning = Diagnostic::new(Severity::Warn, message, order);
        warning.report_at = position;
        checker.diagnostics.push(warning);
    }
    outcome
}

/// Whether the zone that answers are kept in is there; counts caches without a key.
fn check_fastcgi_cache(
    zones: &BTreeMap<&[u8], Zone>,
    scope: Scope<'_>,
    keyless: &Cell<usize>,
) -> Outcome {
    let caches = check_zone(zones, scope, d::FASTCGI_CACHE)?;
    if caches && scope.find(d::FASTCGI_CACHE_KEY).is_none() {
        keyless.set(keyless.get() + 1);
    }
    Ok(())
}

/// Whether the zone that answers are kept in is there, and whether there is to be one.
fn check_zone(
    zones: &BTreeMap<&[u8], Zone>,
    scope: Scope<'_>,
    id: DirectiveId,
) -> Result<bool, Fault> {
    let zone = scope.word(id).filter(|word| **word != "off");
    let Some(zone) = zone else { return Ok(false) };
    let declared = zones.get(zone.as_bytes()).is_some_and(|zone| zone.declared);
    if !declared && !zone.as_bytes().contains(&b'$') {
        let (directive, name) = (id.name, zone.message_text());
        let message = format!("\"{directive}\" zone \"{name}\" is unknown");
        let help = format!("{directive}_path in http declares it");
        return Err(Fault::new(message).at(zone).with_help(help));
    }
    Ok(true)
}

/// nginx: `ngx_http_secure_link_merge_conf`.
/// Source: nginx, `ngx_http_referer_merge_conf`.
fn check_referers(scope: Scope<'_>) -> Outcome {
    if !scope.set_here(d::VALID_REFERERS) {
        return Ok(());
    }
    let directives = scope.all(d::VALID_REFERERS);
    let mut words = directives.iter().flat_map(|directive| &directive.args);
    let is_flag = |word: &Word| *word == "none" || *word == "blocked";
    let flagged = words.clone().any(is_flag);
    let names = words.any(|word| !is_flag(word) && !word.as_bytes().starts_with(b"~"));
    if flagged && !names {
        return Err(Fault::new(
            "the \"none\" or \"blocked\" referers are specified in the \"valid_referers\" \
             directive without any valid referer",
        ));
    }
    Ok(())
}

fn check_secure_link(scope: Scope<'_>) -> Outcome {
    if !scope.set_here(d::SECURE_LINK_SECRET) {
        return Ok(());
    }
    if scope.set_here(d::SECURE_LINK) || scope.set_here(d::SECURE_LINK_MD5) {
        return Err(Fault::new(
            "\"secure_link_secret\" cannot be mixed with \"secure_link\" and \"secure_link_md5\"",
        ));
    }
    Ok(())
}

/// Charsets that an answer would have to be recoded between, and no `charset_map` for it. nginx names neither file nor
/// line: `ngx_http_charset_postconfiguration`.
fn check_charsets(checker: &mut Checker<'_, '_>, http: Scope<'_>, servers: &[Scope<'_>]) {
    let outcome = every(servers, &|scope| {
        let pair = charset(scope, d::SOURCE_CHARSET).zip(charset(scope, d::CHARSET));
        let Some((from, to)) = pair else {
            return Ok(());
        };
        let lower = |name: &str| name.to_ascii_lowercase().into_bytes();
        let (a, b) = (lower(&from), lower(&to));
        let is_same = a == b;
        let pair = if a < b { (a, b) } else { (b, a) };
        if is_same || checker.state.charset_maps.contains(&pair) {
            return Ok(());
        }
        Err(Fault::new(format!(
            "no \"charset_map\" between the charsets \"{from}\" and \"{to}\""
        )))
    });
    if let Err(fault) = outcome {
        let diagnostic = Diagnostic::new(Severity::Emerg, fault.message, http.end().1);
        checker.diagnostics.push(diagnostic);
    }
}

/// The charset that a directive names, if it is the same for all requests.
fn charset(scope: Scope<'_>, id: DirectiveId) -> Option<String> {
    let name = scope.word(id)?;
    let is_fixed = *name != "off" && !name.as_bytes().starts_with(b"$");
    is_fixed.then(|| name.message_text().into())
}

/// Runs a check on every server and every level in it, outer levels first.
fn every(scopes: &[Scope<'_>], check: &dyn Fn(Scope<'_>) -> Outcome) -> Outcome {
    for scope in scopes {
        check(*scope)?;
        let inner: Vec<_> = scope.directives().filter_map(|(.., inner)| inner).collect();
        every(&inner, check)?;
    }
    Ok(())
}

/// Whether a level may hold other values of a module than the one around it.
fn may_differ(scope: Scope<'_>, module: &str) -> bool {
    scope.context() == SERVER || scope.directives().any(|(id, ..)| id.module == module)
}

/// nginx: `ngx_http_fastcgi_merge_loc_conf`, `ngx_http_proxy_merge_loc_conf`.
fn check_buffers(names: &BufferDirectives, scope: Scope<'_>) -> Outcome {
    let prefix = names.prefix;
    let buffers = scope.buffers(names.buffers);
    if buffers.number < 2 {
        return Err(Fault::new(format!(
            "there must be at least 2 \"{prefix}_buffers\""
        )));
    }
    let size = scope.size(names.buffer_size).max(buffers.size);
    let set = |id| scope.find(id).map(|_| scope.size(id));
    let maximum = format!(
        "the maximum of the value of \"{prefix}_buffer_size\" and one of the \"{prefix}_buffers\""
    );
    let busy = set(names.busy).unwrap_or(size.saturating_mul(2));
    if busy < size {
        return Err(Fault::new(format!(
            "\"{prefix}_busy_buffers_size\" must be equal to or greater than {maximum}"
        )));
    }
    if busy > (buffers.number - 1).saturating_mul(buffers.size) {
        return Err(Fault::new(format!(
            "\"{prefix}_busy_buffers_size\" must be less than \
             the size of all \"{prefix}_buffers\" minus one buffer"
        )));
    }
    if set(names.write).is_some_and(|write| write < size) {
        return Err(Fault::new(format!(
            "\"{prefix}_temp_file_write_size\" must be equal to or greater than {maximum}"
        )));
    }
    if set(names.max_file).is_some_and(|max| max != 0 && max < size) {
        return Err(Fault::new(format!(
            "\"{prefix}_max_temp_file_size\" must be equal to zero to disable temporary files usage \
             or must be equal to or greater than {maximum}"
        )));
    }
    Ok(())
}

/// nginx: `ngx_http_ssl_merge_srv_conf`, which names neither file nor line.
fn check_certificates(checker: &mut Checker<'_, '_>, http: Scope<'_>, servers: &[Scope<'_>]) {
    for server in servers {
        let certificates = server.all(d::SSL_CERTIFICATE);
        let keys = server.all(d::SSL_CERTIFICATE_KEY);
        let Some(last) = certificates.last() else {
            continue;
        };
        if keys.len() < certificates.len() {
            let name = last
                .args
                .first()
                .map(|word| word.message_text())
                .unwrap_or_default();
            let message =
                format!("no \"ssl_certificate_key\" is defined for certificate \"{name}\"");
            let mut diagnostic = Diagnostic::new(Severity::Emerg, message, http.end().1);
            diagnostic.span = Some(last.name.span);
            checker.diagnostics.push(diagnostic);
            break;
        }
    }
}

/// Locations of the same name, of one level and those within. nginx: `ngx_http_join_exact_locations`.
fn check_locations(checker: &mut Checker<'_, '_>, http: Scope<'_>, scope: Scope<'_>) {
    let mut seen = HashSet::new();
    let mut duplicates = Vec::new();
    for (id, directive, inner) in scope.directives() {
        if let Some(inner) = inner {
            check_locations(checker, http, inner);
        }
        if id != d::LOCATION {
            continue;
        }
        let (exact, name) = match LocationMatch::parse(directive) {
            Ok(LocationMatch::Exact(name)) => (true, name),
            Ok(LocationMatch::Prefix(name) | LocationMatch::PrefixStop(name)) => (false, name),
            _ => continue,
        };
        if !seen.insert((exact, name.bytes)) {
            duplicates.push((name, directive));
        }
    }
    duplicates.sort_by_key(|(name, _)| name.bytes);
    for (name, directive) in duplicates {
        let message = format!("duplicate location \"{}\"", show(name.bytes));
        let mut diagnostic = Diagnostic::on(directive, Severity::Emerg, message);
        diagnostic.order = http.end().1;
        diagnostic.span = Some(name.span());
        checker.diagnostics.push(diagnostic);
    }
}

/// Sockets that speak TLS without a certificate to show. nginx: `ngx_http_ssl_init`.
fn check_tls_sockets(checker: &mut Checker<'_, '_>, http: Scope<'_>) {
    let shows = |server: &Scope<'_>| {
        server.find(d::SSL_CERTIFICATE).is_some() || server.flag(d::SSL_REJECT_HANDSHAKE)
    };
    let sockets = checker
        .state
        .sockets
        .iter()
        .filter(|socket| socket.ssl || socket.quic);
    let bare = sockets.filter_map(|socket| {
        let default = socket.default_server;
        let bare = if default.find(d::SSL_CERTIFICATE).is_some() {
            None
        } else if !shows(&default) {
            Some(default)
        } else {
            socket.servers.iter().copied().find(|server| !shows(server))
        };
        bare.and_then(Scope::directive)
            .map(|server| (server, socket.quic))
    });
    let bare: Vec<_> = bare.collect();
    for (server, quic) in bare {
        let name = if quic { "quic" } else { "ssl" };
        let message =
            format!("no \"ssl_certificate\" is defined for the \"listen ... {name}\" directive");
        let mut diagnostic = Diagnostic::on(server, Severity::Emerg, message);
        diagnostic.order = http.end().1;
        checker.diagnostics.push(diagnostic);
    }
}

/// Names that several servers of one socket have. nginx: `ngx_http_server_names`.
fn check_server_names(checker: &mut Checker<'_, '_>, http: Scope<'_>) {
    let mut found = Vec::new();
    for socket in checker
        .state
        .sockets
        .iter()
        .filter(|socket| has_names(socket))
    {
        let mut names = NameSet::default();
        for server in &socket.servers {
            for name in server_names(*server) {
                let (severity, what, end) = match names.add(&name, true) {
                    Ok(()) => continue,
                    Err(NameClash::Taken) => {
                        (Severity::Warn, "conflicting server name", ", ignored")
                    }
                    Err(NameClash::Invalid) => {
                        (Severity::Emerg, "invalid server name or wildcard", "")
                    }
                };
                let message = format!("{what} \"{}\" on {}{end}", show(&name), socket.endpoint);
                let mut diagnostic = Diagnostic::new(severity, message, http.end().1);
                diagnostic.span = server.directive().map(|directive| directive.name.span);
                found.push(diagnostic);
            }
        }
    }
    checker.diagnostics.extend(found);
}

/// With one server there is nothing to choose between, unless its pattern has captures.
fn has_names(socket: &Socket<'_>) -> bool {
    socket.servers.len() > 1 || has_captures(socket.default_server)
}

/// Whether some name of a server captures a part of the host.
fn has_captures(server: Scope<'_>) -> bool {
    let names = server.own(d::SERVER_NAME);
    names.flat_map(|names| &names.args).any(|name| {
        let pattern = name.as_bytes().strip_prefix(b"~").unwrap_or_default();
        let mut groups = pattern.split(|byte| *byte == b'(').skip(1);
        groups.any(|group| match group {
            [b'?', b'P', b'<', ..] | [b'?', b'\'', ..] => true,
            [b'?', b'<', next, ..] => !matches!(next, b'=' | b'!'),
            [b'?' | b'*', ..] => false,
            _ => true,
        })
    })
}

fn server_names(server: Scope<'_>) -> Vec<Vec<u8>> {
    if !server.set_here(d::SERVER_NAME) {
        return vec![Vec::new()];
    }
    let names = server
        .own(d::SERVER_NAME)
        .flat_map(|directive| &directive.args);
    let plain = names.filter(|word| {
        !matches!(
            ServerName::parse(word),
            Ok(ServerName::Regex { .. } | ServerName::Hostname(_))
        )
    });
    plain
        .map(|word| word.as_bytes().to_ascii_lowercase())
        .collect()
}
