//! One server block, ready for handshakes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ring::digest;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring as provider};
use rustls::server::NoServerSessionStorage;
use rustls::sign::CertifiedKey;
use rustls::{DistinguishedName, ServerConfig, SupportedProtocolVersion, version};

use crate::certificate::{Certificates, Identity};
use crate::client::{Asking, ClientCheck};
use crate::error::Error;
use crate::files::{look_at_parameters, read_authorities, read_revoked};
use crate::path::{Purpose, Trust};
use crate::tickets::{KeptSessions, Scope, ScopedCache, TicketKey, with_keys};
use crate::x509::Certificate;
use crate::{curves, suites};

/// TLS settings of one server block, as plain values.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// Where relative file names begin.
    pub prefix: PathBuf,
    /// `ssl_certificate` and `ssl_certificate_key`, pair by pair.
    pub identities: Vec<Identity>,
    /// Lines of `ssl_password_file`.
    pub passwords: Vec<Vec<u8>>,
    /// `ssl_protocols`.
    pub protocols: Protocols,
    /// `ssl_ciphers`.
    pub ciphers: String,
    /// `ssl_prefer_server_ciphers`.
    pub prefer_server_ciphers: bool,
    /// `ssl_ecdh_curve`.
    pub curves: String,
    /// `ssl_buffer_size`: the largest record, in bytes.
    pub buffer_size: usize,
    /// Sessions that may be resumed.
    pub sessions: Sessions,
    /// `ssl_verify_client` and what belongs to it; `None` for `off`.
    pub verify: Option<VerifyClient>,
    /// `ssl_trusted_certificate`: authorities that clients are not told of.
    pub trusted: Option<String>,
    /// `ssl_crl`.
    pub revoked: Option<String>,
    /// `ssl_dhparam`: looked at, but not used.
    pub parameters: Option<String>,
}

/// `ssl_protocols`, as far as they are here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocols {
    /// `TLSv1.2`.
    pub tls12: bool,
    /// `TLSv1.3`.
    pub tls13: bool,
}

/// How sessions are kept.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// `ssl_session_tickets`.
    pub tickets: bool,
    /// `ssl_session_ticket_key`, in their order.
    pub keys: Vec<TicketKey>,
    /// `ssl_session_cache`: a name and the number of sessions.
    pub cache: Option<(String, usize)>,
    /// `ssl_session_timeout`.
    pub timeout: Duration,
}

/// How certificates of clients are checked.
#[derive(Clone, Debug)]
pub struct VerifyClient {
    /// `ssl_client_certificate`: authorities that clients are told of.
    pub authorities: Option<String>,
    /// `ssl_verify_depth`.
    pub depth: usize,
}

/// One server block, ready for handshakes.
#[derive(Debug)]
pub struct Context {
    pub(crate) config: Arc<ServerConfig>,
    /// The same with `h2` offered by ALPN.
    pub(crate) with_http2: Arc<ServerConfig>,
    pub(crate) check: Option<Arc<ClientCheck>>,
    notices: Vec<String>,
}

impl Context {
    /// Reads the files and builds what rustls needs.
    ///
    /// # Errors
    /// What nginx would say of the first thing that cannot be used.
    pub fn new(settings: &ServerTls, kept: &KeptSessions) -> Result<Self, Error> {
        let mut notices = Vec::new();
        let offered = Offered {
            protocols: settings.protocols,
            ciphers: &settings.ciphers,
            curves: &settings.curves,
            directives: "ssl",
        };
        // In nginx's order, for of several faults the first one is told.
        let known = provider::default_provider();
        let load = |identity: &Identity| {
            let loaded = identity.load(&settings.prefix, &settings.passwords, &known);
            loaded.map(Arc::new)
        };
        let identities = settings
            .identities
            .iter()
            .map(load)
            .collect::<Result<Vec<_>, _>>()?;
        let provider = provider(&offered, &mut notices)?;
        let check = client_check(settings, provider.signature_verification_algorithms)?;
        if let Some(parameters) = &settings.parameters {
            look_at_parameters(parameters, &settings.prefix)?;
        }
        let scope = scope(&identities, check.as_deref());
        let mut config = server_config(settings, provider, identities, check.as_ref())?;
        set_sessions(&mut config, &settings.sessions, scope, kept)?;
        config.alpn_protocols = alpn(false);
        let mut with_http2 = config.clone();
        with_http2.alpn_protocols = alpn(true);
        Ok(Self {
            config: Arc::new(config),
            with_http2: Arc::new(with_http2),
            check,
            notices,
        })
    }

    /// What is not as the operator wrote it.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }
}

/// What one side offers.
pub(crate) struct Offered<'a> {
    pub(crate) protocols: Protocols,
    pub(crate) ciphers: &'a str,
    pub(crate) curves: &'a str,
    /// What the names of the directives begin with, for notices.
    pub(crate) directives: &'static str,
}

/// The ciphers and groups that one side offers.
pub(crate) fn provider(
    offered: &Offered<'_>,
    notices: &mut Vec<String>,
) -> Result<Arc<CryptoProvider>, Error> {
    let selected = suites::select(offered.ciphers)?;
    let directives = offered.directives;
    let Protocols { tls12, tls13 } = offered.protocols;
    if !(tls13 || tls12 && !selected.suites.is_empty()) {
        let some = "ECDHE-ECDSA-AES128-GCM-SHA256, ECDHE-RSA-AES128-GCM-SHA256 and their like";
        return Err(Error::NothingLeft(some.to_owned()));
    }
    if !selected.ignored.is_empty() {
        let ignored = selected.ignored.join(", ");
        notices.push(format!(
            "ciphers of \"{directives}_ciphers\" that are not offered: {ignored}"
        ));
    }
    if tls12 && selected.suites.is_empty() {
        notices.push(format!(
            "no cipher of \"{directives}_ciphers\" is there for TLSv1.2, so TLSv1.3 alone is spoken"
        ));
    }
    let groups = curves::select(offered.curves)?;
    if !groups.ignored.is_empty() {
        let ignored = groups.ignored.join(", ");
        notices.push(format!(
            "curves of \"ssl_ecdh_curve\" that are not offered: {ignored}"
        ));
    }
    let mut provider = provider::default_provider();
    provider
        .cipher_suites
        .retain(|suite| suite.tls13().is_some());
    provider.cipher_suites.extend(selected.suites);
    provider.kx_groups = groups.groups;
    Ok(Arc::new(provider))
}

/// The protocols for which there is a cipher.
pub(crate) fn versions(
    protocols: Protocols,
    provider: &CryptoProvider,
) -> Vec<&'static SupportedProtocolVersion> {
    let mut suites = provider.cipher_suites.iter();
    let has_tls12 = suites.any(|suite| suite.tls13().is_none());
    let versions = [
        (protocols.tls13, &version::TLS13),
        (protocols.tls12 && has_tls12, &version::TLS12),
    ];
    let chosen = versions.into_iter().filter(|(on, _)| *on);
    chosen.map(|(_, version)| version).collect()
}

fn server_config(
    settings: &ServerTls,
    provider: Arc<CryptoProvider>,
    identities: Vec<Arc<CertifiedKey>>,
    check: Option<&Arc<ClientCheck>>,
) -> Result<ServerConfig, Error> {
    let versions = versions(settings.protocols, &provider);
    let builder =
        ServerConfig::builder_with_provider(provider).with_protocol_versions(&versions)?;
    let builder = match check {
        Some(check) => builder.with_client_cert_verifier(Arc::new(Asking(Arc::clone(check)))),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(Certificates(identities)));
    config.ignore_client_order = settings.prefer_server_ciphers;
    // The field counts the header of a record, too; nginx's size does not.
    config.max_fragment_size = Some(settings.buffer_size.clamp(512, 16 << 10) + 5);
    Ok(config)
}

/// Source: nginx, `ngx_http_ssl_alpn_select`.
fn alpn(http2: bool) -> Vec<Vec<u8>> {
    let h2 = http2.then_some(&b"h2"[..]);
    let http1 = [&b"http/1.1"[..], b"http/1.0", b"http/0.9"];
    h2.into_iter().chain(http1).map(<[u8]>::to_vec).collect()
}

fn set_sessions(
    config: &mut ServerConfig,
    sessions: &Sessions,
    scope: Scope,
    kept: &KeptSessions,
) -> Result<(), Error> {
    config.session_storage = match &sessions.cache {
        Some((name, most)) => Arc::new(ScopedCache {
            cache: kept.cache(name, *most),
            scope,
            lifetime: sessions.timeout,
        }),
        None => Arc::new(NoServerSessionStorage {}),
    };
    if !sessions.tickets {
        if sessions.cache.is_none() {
            config.send_tls13_tickets = 0;
        }
    } else if sessions.keys.is_empty() {
        config.ticketer = kept.tickets(scope, sessions.timeout)?;
    } else {
        config.ticketer = with_keys(&sessions.keys, scope, sessions.timeout);
    }
    Ok(())
}

/// What a session is bound to: the certificates, and how clients are checked.
///
/// Source: nginx, `ngx_ssl_session_id_context`.
fn scope(identities: &[Arc<CertifiedKey>], check: Option<&ClientCheck>) -> Scope {
    let mut hash = digest::Context::new(&digest::SHA256);
    for der in identities.iter().flat_map(|identity| &identity.cert) {
        hash.update(der);
    }
    if let Some(ClientCheck { trust, .. }) = check {
        hash.update(b"clients");
        hash.update(&trust.depth.to_be_bytes());
        for der in trust.authorities.iter().chain(&trust.revoked) {
            hash.update(der);
        }
    }
    let mut scope = [0; 32];
    scope.copy_from_slice(hash.finish().as_ref());
    scope
}

/// What clients are held against. The files of authorities and of revoked certificates are read even
/// where nobody asks clients for certificates, as in nginx.
fn client_check(
    settings: &ServerTls,
    algorithms: WebPkiSupportedAlgorithms,
) -> Result<Option<Arc<ClientCheck>>, Error> {
    let read = |name: &Option<String>| read_authorities(name.as_deref(), &settings.prefix);
    let verify = settings.verify.as_ref();
    let told = match verify {
        Some(verify) => read(&verify.authorities)?,
        None => Vec::new(),
    };
    let trusted = read(&settings.trusted)?;
    let revoked = read_revoked(settings.revoked.as_deref(), &settings.prefix)?;
    let subject = |der: &Vec<u8>| {
        let certificate = Certificate::parse(der)?;
        Some(DistinguishedName::from(certificate.subject.to_vec()))
    };
    let check = verify.map(|verify| ClientCheck {
        hints: told.iter().filter_map(subject).collect(),
        trust: Trust {
            purpose: Purpose::Client,
            authorities: told.iter().chain(&trusted).cloned().collect(),
            revoked,
            depth: verify.depth,
        },
        algorithms,
    });
    Ok(check.map(Arc::new))
}
