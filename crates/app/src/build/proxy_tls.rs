//! `proxy_ssl_…`: TLS with the servers behind us.

use std::sync::Arc;

use portunus_conf::{Diagnostic, Scope, Severity, d};
use portunus_handler::{ProxyTarget, ProxyTls};
use portunus_proxy::Handshake;
use portunus_tls::{ClientTls, Connector, Identity, Protocols, VerifyServer};

use super::Builder;
use super::tls::file;

impl Builder<'_> {
    /// How a location greets its servers, if its URL may say `https`.
    pub(super) fn proxy_tls(&mut self, scope: Scope<'_>, target: &ProxyTarget) -> Option<ProxyTls> {
        if matches!(target, ProxyTarget::Fixed(url, _) if !url.secure) {
            return None;
        }
        let settings = self.client_tls(scope)?;
        let handshake = self.connector(scope, settings)?;
        let named = scope.find(d::PROXY_SSL_NAME);
        let name = named.and_then(|directive| Some((directive, directive.args.first()?)));
        let name = name.map(|(directive, word)| self.template(directive, word));
        Some(ProxyTls { handshake, name })
    }

    /// One for all locations with the same settings, so that they share sessions and kept
    /// connections.
    fn connector(&mut self, scope: Scope<'_>, settings: ClientTls) -> Option<Arc<dyn Handshake>> {
        let known = self.connectors.iter().find(|(known, _)| *known == settings);
        if let Some((_, known)) = known {
            return Some(Arc::clone(known));
        }
        match Connector::new(&settings) {
            Ok(connector) => {
                for notice in connector.notices() {
                    self.notice(notice.clone());
                }
                let connector: Arc<dyn Handshake> = Arc::new(connector);
                self.connectors.push((settings, Arc::clone(&connector)));
                Some(connector)
            }
            Err(error) => {
                self.tls_fault(scope.find(d::PROXY_PASS), error.to_string());
                None
            }
        }
    }

    fn client_tls(&mut self, scope: Scope<'_>) -> Option<ClientTls> {
        let protocols = scope.bits(d::PROXY_SSL_PROTOCOLS);
        let has = |name: &str| protocols.contains(&name);
        if scope.find(d::PROXY_SSL_PROTOCOLS).is_some() {
            self.note_old_protocols("proxy_ssl_protocols", &protocols);
        }
        Some(ClientTls {
            prefix: self.config.directory().to_owned(),
            identity: self.client_identity(scope)?,
            passwords: self.passwords(scope, d::PROXY_SSL_PASSWORD_FILE)?,
            protocols: Protocols {
                tls12: has("TLSv1.2"),
                tls13: has("TLSv1.3"),
            },
            ciphers: file(scope, d::PROXY_SSL_CIPHERS).unwrap_or_default(),
            server_name: scope.flag(d::PROXY_SSL_SERVER_NAME),
            session_reuse: scope.flag(d::PROXY_SSL_SESSION_REUSE),
            verify: self.verify_server(scope)?,
        })
    }

    /// The certificate that servers are shown.
    fn client_identity(&mut self, scope: Scope<'_>) -> Option<Option<Identity>> {
        let (certificate, key) = (
            scope.find(d::PROXY_SSL_CERTIFICATE),
            scope.find(d::PROXY_SSL_CERTIFICATE_KEY),
        );
        let Some(certificate) = certificate else {
            return Some(None);
        };
        let shown = self.tls_source(certificate)?;
        if shown.is_empty() {
            return Some(None);
        }
        let Some(key) = key else {
            let message =
                format!("no \"proxy_ssl_certificate_key\" is defined for certificate \"{shown}\"");
            self.tls_fault(Some(certificate), message);
            return None;
        };
        let key = self.tls_source(key)?;
        Some(Some(Identity {
            certificate: shown,
            key,
        }))
    }

    fn verify_server(&mut self, scope: Scope<'_>) -> Option<Option<VerifyServer>> {
        if !scope.flag(d::PROXY_SSL_VERIFY) {
            return Some(None);
        }
        let Some(trusted) = file(scope, d::PROXY_SSL_TRUSTED_CERTIFICATE) else {
            let message = "no proxy_ssl_trusted_certificate for proxy_ssl_verify";
            self.tls_fault(scope.find(d::PROXY_PASS), message.to_owned());
            return None;
        };
        let depth = scope.number(d::PROXY_SSL_VERIFY_DEPTH).unwrap_or(1);
        Some(Some(VerifyServer {
            trusted,
            revoked: file(scope, d::PROXY_SSL_CRL),
            depth: usize::try_from(depth).unwrap_or(usize::MAX),
        }))
    }

    fn notice(&mut self, message: String) {
        let notice = Diagnostic::new(Severity::Notice, message, u32::MAX);
        if !self
            .diagnostics
            .iter()
            .any(|other| other.message == notice.message)
        {
            self.diagnostics.push(notice);
        }
    }

    /// Says which protocols are not there.
    pub(super) fn note_old_protocols(&mut self, directive: &str, protocols: &[&str]) {
        let is_old = |name: &&&str| !matches!(**name, "TLSv1.2" | "TLSv1.3");
        let old: Vec<_> = protocols.iter().filter(is_old).copied().collect();
        if !old.is_empty() {
            let old = old.join(", ");
            self.notice(format!(
                "protocols of \"{directive}\" that are not offered: {old}"
            ));
        }
    }
}
