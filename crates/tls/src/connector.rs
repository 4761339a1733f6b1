//! TLS with servers behind us: `proxy_pass https://`.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use portunus_proxy::{Duplex, Greeting, Handshake};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme};
use tokio_rustls::TlsConnector;

use crate::certificate::Identity;
use crate::context::{Offered, Protocols, provider, versions};
use crate::error::Error;
use crate::files::{read_authorities, read_revoked};
use crate::hostname::names_host;
use crate::path::{Purpose, Trust};
use crate::signature::{check_tls12, check_tls13};
use crate::x509::Certificate;

/// Sessions kept for a location.
const SESSIONS: usize = 256;

/// The `proxy_ssl_…` settings of a location, as plain values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTls {
    /// Where relative file names begin.
    pub prefix: PathBuf,
    /// `proxy_ssl_certificate` and its key.
    pub identity: Option<Identity>,
    /// Lines of `proxy_ssl_password_file`.
    pub passwords: Vec<Vec<u8>>,
    /// `proxy_ssl_protocols`.
    pub protocols: Protocols,
    /// `proxy_ssl_ciphers`.
    pub ciphers: String,
    /// `proxy_ssl_server_name`: whether the name is sent in the handshake.
    pub server_name: bool,
    /// `proxy_ssl_session_reuse`.
    pub session_reuse: bool,
    /// `proxy_ssl_verify` and what belongs to it; `None` for `off`.
    pub verify: Option<VerifyServer>,
}

/// How certificates of servers are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyServer {
    /// `proxy_ssl_trusted_certificate`.
    pub trusted: String,
    /// `proxy_ssl_crl`.
    pub revoked: Option<String>,
    /// `proxy_ssl_verify_depth`.
    pub depth: usize,
}

/// Greets servers as a location's settings say.
pub struct Connector {
    connector: TlsConnector,
    notices: Vec<String>,
}

impl Connector {
    /// Reads the files and builds what rustls needs.
    ///
    /// # Errors
    /// What nginx would say of the first thing that cannot be used.
    pub fn new(settings: &ClientTls) -> Result<Self, Error> {
        let mut notices = Vec::new();
        let offered = Offered {
            protocols: settings.protocols,
            ciphers: &settings.ciphers,
            curves: "auto",
            directives: "proxy_ssl",
        };
        let provider = provider(&offered, &mut notices)?;
        let config = client_config(settings, provider)?;
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            notices,
        })
    }

    /// What is not as the operator wrote it.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }
}

fn client_config(
    settings: &ClientTls,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, Error> {
    let identity = match &settings.identity {
        Some(identity) => Some(identity.load(&settings.prefix, &settings.passwords, &provider)?),
        None => None,
    };
    let trust = match &settings.verify {
        Some(verify) => Some(trust(verify, settings)?),
        None => None,
    };
    let check = ServerCheck {
        trust,
        algorithms: provider.signature_verification_algorithms,
    };
    let versions = versions(settings.protocols, &provider);
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(check));
    let mut config = match identity {
        Some(identity) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
        }
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = settings.server_name;
    config.resumption = if settings.session_reuse {
        Resumption::in_memory_sessions(SESSIONS)
    } else {
        Resumption::disabled()
    };
    Ok(config)
}

fn trust(verify: &VerifyServer, settings: &ClientTls) -> Result<Trust, Error> {
    Ok(Trust {
        purpose: Purpose::Server,
        authorities: read_authorities(Some(&verify.trusted), &settings.prefix)?,
        revoked: read_revoked(verify.revoked.as_deref(), &settings.prefix)?,
        depth: verify.depth,
    })
}

impl Handshake for Connector {
    fn begin(&self, plain: Pin<Box<dyn Duplex>>, name: &str) -> Greeting {
        let connector = self.connector.clone();
        let name = ServerName::try_from(name.to_owned())
            // No certificate names it, and it is not sent.
            .unwrap_or_else(|_| IpAddr::V4(Ipv4Addr::UNSPECIFIED).into());
        Box::pin(async move {
            let stream = connector
                .connect(name, plain)
                .await
                .map_err(|error| describe(&error))?;
            Ok(Box::pin(stream) as Pin<Box<dyn Duplex>>)
        })
    }
}

/// nginx's words for a handshake that failed.
fn describe(error: &io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let text = match inner {
        Some(TlsError::General(text)) => text.clone(),
        _ => format!("SSL_do_handshake() failed (SSL: {error})"),
    };
    io::Error::new(error.kind(), text)
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

/// Looks at certificates of servers.
///
/// nginx does so after the handshake; a server learns of it by an alert here, and nobody else does.
#[derive(Debug)]
struct ServerCheck {
    /// None where any certificate will do.
    trust: Option<Trust>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for ServerCheck {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Some(trust) = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        let chain: Vec<_> = std::iter::once(leaf).chain(others).cloned().collect();
        if let Err(failure) = trust.judge(&chain, self.algorithms.all) {
            let (code, reason) = (failure.code, failure.reason);
            let text = format!("upstream SSL certificate verify error: ({code}:{reason})");
            return Err(TlsError::General(text));
        }
        let name = name.to_str();
        let fits = Certificate::parse(leaf).is_some_and(|leaf| names_host(&leaf, &name));
        if !fits {
            let text = format!("upstream SSL certificate does not match \"{name}\"");
            return Err(TlsError::General(text));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        check_tls12(&self.algorithms, message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        check_tls13(&self.algorithms, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
