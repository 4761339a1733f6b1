//! What a request must have done about TLS before anybody answers it.
//!
//! Source: nginx, `ngx_http_process_request`, `ngx_http_set_virtual_server`.

use std::rc::Rc;

use portunus_server::{ClientCertificate, TlsSession};
use portunus_telemetry::Severity;

use crate::config::{Site, VerifyClient};
use crate::context::Context;

/// Refuses plain HTTP on a port for TLS (497), a client whose certificate is no good (495) or
/// missing (496), and a name that other rules for certificates hold for (421).
pub(crate) fn check(cx: &mut Context, site: &Site) -> Result<(), u16> {
    let exchange = Rc::clone(&cx.exchange);
    let connection = exchange.connection();
    if connection.lacks_tls() {
        let message = format_args!("client sent plain HTTP request to HTTPS port");
        cx.log(Severity::Info, message);
        return Err(497);
    }
    let Some(session) = connection.tls_session() else {
        return Ok(());
    };
    let demand = site.servers[cx.server].verify_client;
    if demand == VerifyClient::Off {
        return Ok(());
    }
    check_name(cx, session)?;
    check_certificate(cx, session, demand)
}

/// A client that named one server in its greeting and asks another one has not been checked by the
/// rules of that one.
fn check_name(cx: &mut Context, session: &dyn TlsSession) -> Result<(), u16> {
    let Some(name) = session.server_name() else {
        return Ok(());
    };
    if cx.host.is_empty() || cx.host.eq_ignore_ascii_case(name.as_bytes()) {
        return Ok(());
    }
    let message = format_args!(
        "client attempted to request the server name different from the one that was negotiated"
    );
    cx.log(Severity::Info, message);
    Err(421)
}

fn check_certificate(
    cx: &mut Context,
    session: &dyn TlsSession,
    demand: VerifyClient,
) -> Result<(), u16> {
    match session.client() {
        ClientCertificate::None if demand == VerifyClient::Required => {
            let message = format_args!("client sent no required SSL certificate");
            cx.log(Severity::Info, message);
            Err(496)
        }
        ClientCertificate::Refused {
            unknown_authority: true,
            ..
        } if demand == VerifyClient::OptionalNoAuthority => Ok(()),
        ClientCertificate::Refused { code, reason, .. } => {
            let message = format_args!("client SSL certificate verify error: ({code}:{reason})");
            cx.log(Severity::Info, message);
            Err(495)
        }
        ClientCertificate::None | ClientCertificate::Trusted => Ok(()),
    }
}
