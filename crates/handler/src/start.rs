//! From a request's head to the server block that it is for.
//!
//! Source: nginx, `ngx_http_process_request_headers`, `ngx_http_set_virtual_server`.

use portunus_routing::Host;
use portunus_server::{Exchange, Refusal};
use portunus_telemetry::Severity;
use portunus_uri_path::Target;

use crate::config::{Address, Site};
use crate::context::Context;
use crate::engine::{Step, real_ip};
use crate::host::Named;
use crate::tls;

/// What nginx says of a target that is no path.
pub(crate) const TARGET_REFUSED: &str =
    "client sent invalid request while reading client request line";

/// Reads host and target; where they are no good the request fails with 400 in the default server.
pub(crate) fn start(cx: &mut Context, site: &Site) -> Step {
    let Some(address) = site.address(cx.exchange.connection().tag()) else {
        return Step::Fail(500);
    };
    // As long as a request may fail before a location could be looked for.
    cx.location_left = true;
    default_server(cx, site);
    // nginx, too, reads the target by the rule of the default server.
    if !read_target(cx, site.servers[cx.server].merge_slashes) {
        cx.log(Severity::Info, format_args!("{TARGET_REFUSED}"));
        return Step::Fail(400);
    }
    if let Err(status) = find_server(cx, address) {
        return Step::Fail(status);
    }
    cx.location = site.servers[cx.server].base;
    if cx.server != address.default {
        // What is answered before a location is found has the limits of its server.
        cx.exchange.set_limits(cx.location_in(site).limits);
    }
    if cx.head.version == http::Version::HTTP_2 && !site.servers[cx.server].http2 && !address.http2
    {
        cx.log(
            Severity::Info,
            format_args!(
                "client attempted to request the server name \
                 for which the negotiated protocol is disabled"
            ),
        );
        return Step::Fail(421);
    }
    if let Err(status) = tls::check(cx, site) {
        return Step::Fail(status);
    }
    real_ip::apply(cx, site);
    cx.location_left = false;
    Step::ServerRewrite
}

/// The server that holds until a name is known.
fn default_server(cx: &mut Context, site: &Site) {
    if let Some(address) = site.address(cx.exchange.connection().tag()) {
        cx.server = address.default;
        cx.location = site.servers[cx.server].base;
    }
}

/// The server of a request that the gate has refused: the one that it named before it went wrong.
pub(crate) fn server_of_refused(cx: &mut Context, site: &Site, refusal: &Refusal) {
    cx.location_left = true;
    default_server(cx, site);
    if cx.exchange.has_line() && !read_target(cx, site.servers[cx.server].merge_slashes) {
        return;
    }
    let is_named = cx.exchange.authority().is_some() || cx.exchange.host_field().is_some();
    if !is_named && !refusal.whole {
        // It is only at its end that a head has no name.
        return;
    }
    let address = site.address(cx.exchange.connection().tag());
    if address.is_some_and(|address| find_server(cx, address).is_ok()) {
        cx.location = site.servers[cx.server].base;
    }
}

/// Chooses the server block by the name in the target, or else in `Host`.
fn find_server(cx: &mut Context, address: &Address) -> Result<(), u16> {
    let raw = host_of(&cx.exchange);
    let tag = cx.exchange.connection().tag();
    match raw.and_then(|raw| cx.site.last_host.recall(tag, raw)) {
        Some(known) => {
            cx.host = known.host;
            cx.host_port = known.port;
            cx.server = known.server;
            Ok(())
        }
        None => look_for_server(cx, address),
    }
}

/// The same for a host that is not the last one of this thread.
fn look_for_server(cx: &mut Context, address: &Address) -> Result<(), u16> {
    let exchange = std::rc::Rc::clone(&cx.exchange);
    let Some(raw) = host_of(&exchange) else {
        return choose(cx, address);
    };
    match Host::parse(raw) {
        Ok(host) => {
            cx.host = (&*host.name).into();
            cx.host_port = host.port;
        }
        Err(_) => {
            cx.log(
                Severity::Info,
                format_args!(
                    "client sent invalid host header while reading client request headers"
                ),
            );
            return Err(400);
        }
    }
    choose(cx, address)?;
    // Captures are the request's own, and the next one has to make them again.
    if cx.captures.is_empty() {
        let known = Named {
            host: cx.host.clone(),
            port: cx.host_port,
            server: cx.server,
        };
        let tag = exchange.connection().tag();
        cx.site.last_host.remember(tag, raw, known);
    }
    Ok(())
}

/// The host as the client wrote it.
fn host_of(exchange: &Exchange) -> Option<&[u8]> {
    exchange.authority().or(exchange.host_field())
}

fn choose(cx: &mut Context, address: &Address) -> Result<(), u16> {
    match address.names.find(&cx.host, &mut cx.captures) {
        Ok(found) => {
            if let Some(id) = found {
                cx.server = usize::try_from(id.0).unwrap_or(address.default);
            }
            cx.store_named_captures();
            Ok(())
        }
        Err(error) => {
            cx.log_match(&error);
            Err(500)
        }
    }
}

/// Decodes and normalises the target once; what is matched and opened is this.
fn read_target(cx: &mut Context, merge_slashes: bool) -> bool {
    let exchange = std::rc::Rc::clone(&cx.exchange);
    let raw = exchange.target();
    // An absolute form may have arguments and no path.
    let rooted = (raw.first() == Some(&b'?')).then(|| [b"/", raw].concat());
    let raw = rooted.as_deref().unwrap_or(raw);
    let parsed = match cx.head.version {
        http::Version::HTTP_2 => Target::parse_path(raw, merge_slashes),
        _ => Target::parse(raw, merge_slashes),
    };
    let Ok(target) = parsed else {
        cx.target_refused = true;
        exchange.forget_fields();
        return false;
    };
    cx.uri.extend_from_slice(&target.path);
    cx.args.extend_from_slice(target.args);
    cx.uri_has_escapes = target.has_escapes;
    true
}
