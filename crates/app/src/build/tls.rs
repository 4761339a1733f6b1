//! `ssl_…` of server blocks, and the handshakes of listeners.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portunus_conf::{Diagnostic, Directive, DirectiveId, Scope, Severity, d, typed};
use portunus_errno::errno_text;
use portunus_handler::VerifyClient as Demand;
use portunus_routing::{Captures, Host, ServerNames};
use portunus_server::{Handshake, Tls};
use portunus_tls::{
    Acceptor, Context, Identity, Member, Protocols, ServerTls, Sessions, TicketKey, VerifyClient,
};

use super::{Builder, WHEN_READ};

/// nginx keeps about 4,000 sessions in a megabyte.
const BYTES_PER_SESSION: u64 = 256;

/// `ssl_verify_client`, as requests are held against it.
pub(super) fn demand(server: Scope<'_>) -> Demand {
    match server.enumeration(d::SSL_VERIFY_CLIENT) {
        "on" => Demand::Required,
        "optional" => Demand::Optional,
        "optional_no_ca" => Demand::OptionalNoAuthority,
        _ => Demand::Off,
    }
}

/// The handshakes of an address.
pub(super) fn tls(
    members: &Arc<[Member]>,
    default: usize,
    http2: bool,
    names: &Arc<ServerNames>,
) -> Tls {
    let names = Arc::clone(names);
    let find = move |name: &[u8]| {
        let host = Host::parse(name).ok()?;
        let found = names.find(&host.name, &mut Captures::default()).ok()??;
        usize::try_from(found.0).ok()
    };
    let acceptor = Acceptor::new(Arc::clone(members), default, http2, Box::new(find));
    Tls(Some(Arc::new(acceptor) as Arc<dyn Handshake>))
}

impl Builder<'_> {
    /// All server blocks as listeners see them, by their numbers. Files are read for all of them,
    /// as in nginx, whether they listen with TLS or not.
    pub(super) fn tls_members(&mut self, servers: &[Scope<'_>]) -> Arc<[Member]> {
        let members = servers.iter().map(|server| Member {
            context: self.tls_context(*server),
            http2: server.flag(d::HTTP2),
            rejects: server.flag(d::SSL_REJECT_HANDSHAKE),
        });
        members.collect()
    }

    fn tls_context(&mut self, server: Scope<'_>) -> Option<Arc<Context>> {
        let certificates = server.all(d::SSL_CERTIFICATE);
        let keys = server.all(d::SSL_CERTIFICATE_KEY);
        let rejects = server.flag(d::SSL_REJECT_HANDSHAKE);
        if certificates.is_empty() && !rejects {
            return None;
        }
        let pairs = certificates.iter().zip(&keys);
        let identities = pairs
            .map(|(certificate, key)| {
                Some(Identity {
                    certificate: self.tls_source(certificate)?,
                    key: self.tls_source(key)?,
                })
            })
            .collect::<Option<Vec<_>>>()?;
        let settings = self.tls_settings(server, identities)?;
        let place = certificates.last().copied().or(server.directive());
        match Context::new(&settings, &self.kept.tls) {
            Ok(context) => {
                for notice in context.notices() {
                    let notice = Diagnostic::new(Severity::Notice, notice.as_str(), u32::MAX);
                    self.diagnostics.push(notice);
                }
                Some(Arc::new(context))
            }
            Err(error) => {
                self.tls_fault(place, error.to_string());
                None
            }
        }
    }

    /// nginx loads certificates when it has read everything, and names neither file nor line.
    pub(super) fn tls_fault(&mut self, place: Option<&Directive>, message: String) {
        let known = self
            .diagnostics
            .iter()
            .any(|other| other.message == message);
        if known {
            return;
        }
        let mut fault = Diagnostic::new(Severity::Emerg, message, WHEN_READ);
        fault.span = place.map(|directive| directive.name.span);
        self.diagnostics.push(fault);
    }

    /// The same for what nginx finds at the end of `http`, and says so.
    fn fault_at_end(&mut self, directive: &Directive, message: String) {
        let mut fault = Diagnostic::on(directive, Severity::Emerg, message);
        if let Some((Some(position), order)) = self.config.http().map(Scope::end) {
            (fault.report_at, fault.order) = (Some(position), order);
        }
        self.diagnostics.push(fault);
    }

    /// The name of a file, or `data:` and text.
    ///
    /// Differs: nginx evaluates variables in it at every handshake; here a certificate is loaded
    /// once, so that a bad one is found before it serves anybody.
    pub(super) fn tls_source(&mut self, directive: &Directive) -> Option<String> {
        let word = directive.args.first()?;
        if word.as_bytes().contains(&b'$') {
            let name = directive.name.message_text();
            let message = format!("variables in \"{name}\" are not supported by this build");
            self.error_at(directive, word, message);
            return None;
        }
        Some(String::from_utf8_lossy(word.as_bytes()).into_owned())
    }

    fn tls_settings(&mut self, server: Scope<'_>, identities: Vec<Identity>) -> Option<ServerTls> {
        let protocols = server.bits(d::SSL_PROTOCOLS);
        let has = |name: &str| protocols.contains(&name);
        if server.set_here(d::SSL_PROTOCOLS) {
            self.note_old_protocols("ssl_protocols", &protocols);
        }
        let text = |id: DirectiveId| {
            let text = server.text(id).unwrap_or_default();
            String::from_utf8_lossy(text).into_owned()
        };
        let size = server.size(d::SSL_BUFFER_SIZE);
        Some(ServerTls {
            prefix: self.config.directory().to_owned(),
            identities,
            passwords: self.passwords(server, d::SSL_PASSWORD_FILE)?,
            protocols: Protocols {
                tls12: has("TLSv1.2"),
                tls13: has("TLSv1.3"),
            },
            ciphers: text(d::SSL_CIPHERS),
            prefer_server_ciphers: server.flag(d::SSL_PREFER_SERVER_CIPHERS),
            curves: text(d::SSL_ECDH_CURVE),
            buffer_size: usize::try_from(size).unwrap_or(usize::MAX),
            sessions: self.sessions(server)?,
            verify: self.verify_client(server).filter(|_| self.ocsp(server))?,
            trusted: file(server, d::SSL_TRUSTED_CERTIFICATE),
            revoked: file(server, d::SSL_CRL),
            parameters: file(server, d::SSL_DHPARAM),
        })
    }

    /// Lines of `ssl_password_file`, or of its like.
    pub(super) fn passwords(&mut self, scope: Scope<'_>, id: DirectiveId) -> Option<Vec<Vec<u8>>> {
        let Some(directive) = scope.find(id) else {
            return Some(Vec::new());
        };
        let text = self.read_beside(directive)?;
        let lines = text.split(|byte| *byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec());
        Some(lines.filter(|line| !line.is_empty()).collect())
    }

    /// Files of passwords are opened where they are named, whether anything needs them or not.
    ///
    /// Source: nginx, `ngx_ssl_read_password_file`.
    pub(super) fn look_for_password_files(&mut self, scope: Scope<'_>) {
        for (id, directive, inner) in scope.directives() {
            if [d::SSL_PASSWORD_FILE, d::PROXY_SSL_PASSWORD_FILE].contains(&id) {
                let path = self.beside(directive);
                match File::open(&path).map(|mut file| file.read(&mut [0])) {
                    Err(error) => self.error(directive, cannot_open(&path, &error)),
                    Ok(Err(error)) => {
                        let reason = errno_text(&error);
                        let path = path.display();
                        self.error(directive, format!("read() \"{path}\" failed ({reason})"));
                    }
                    Ok(Ok(_)) => {}
                }
            }
            if let Some(inner) = inner {
                self.look_for_password_files(inner);
            }
        }
    }

    fn sessions(&mut self, server: Scope<'_>) -> Option<Sessions> {
        let mut cache = None;
        if let Some(directive) = server.find(d::SSL_SESSION_CACHE) {
            for kind in typed::SessionCache::parse(directive).unwrap_or_default() {
                let (name, sessions) = match kind {
                    typed::SessionCache::Builtin(sessions) => ("builtin".to_owned(), sessions),
                    typed::SessionCache::Shared { name, size } => {
                        let name = String::from_utf8_lossy(name);
                        (format!("shared:{name}"), size / BYTES_PER_SESSION)
                    }
                    typed::SessionCache::Off | typed::SessionCache::None => continue,
                };
                cache = Some((name, usize::try_from(sessions).unwrap_or(usize::MAX)));
            }
        }
        let mut keys = Vec::new();
        for directive in server.all(d::SSL_SESSION_TICKET_KEY) {
            let content = self.read_at_end(directive)?;
            match TicketKey::new(content) {
                Some(key) => keys.push(key),
                None => {
                    let path = self.beside(directive).display().to_string();
                    let message = format!("\"{path}\" must be 48 or 80 bytes");
                    self.fault_at_end(directive, message);
                    return None;
                }
            }
        }
        Some(Sessions {
            tickets: server.flag(d::SSL_SESSION_TICKETS),
            keys,
            cache,
            timeout: server.duration(d::SSL_SESSION_TIMEOUT),
        })
    }

    fn verify_client(&mut self, server: Scope<'_>) -> Option<Option<VerifyClient>> {
        let demand = demand(server);
        if demand == Demand::Off {
            return Some(None);
        }
        let authorities = file(server, d::SSL_CLIENT_CERTIFICATE);
        let none = authorities.is_none() && file(server, d::SSL_TRUSTED_CERTIFICATE).is_none();
        if none && demand != Demand::OptionalNoAuthority {
            let message =
                "no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client";
            self.tls_fault(server.find(d::SSL_VERIFY_CLIENT), message.to_owned());
            return None;
        }
        let depth = server.number(d::SSL_VERIFY_DEPTH).unwrap_or(1);
        Some(Some(VerifyClient {
            authorities,
            depth: usize::try_from(depth).unwrap_or(usize::MAX),
        }))
    }

    /// Whether nginx could look client certificates up as `ssl_ocsp` says.
    ///
    /// Source: nginx, `ngx_http_ssl_merge_srv_conf`, `ngx_ssl_ocsp`.
    fn ocsp(&mut self, server: Scope<'_>) -> bool {
        const HTTP: &[u8] = b"http://";
        if server.enumeration(d::SSL_OCSP) == "off" {
            return true;
        }
        if demand(server) == Demand::OptionalNoAuthority {
            let message = "\"ssl_ocsp\" is incompatible with \"ssl_verify_client optional_no_ca\"";
            self.tls_fault(server.find(d::SSL_OCSP), message.to_owned());
            return false;
        }
        let responder = server.text(d::SSL_OCSP_RESPONDER).unwrap_or_default();
        let (scheme, rest) = responder.split_at(responder.len().min(HTTP.len()));
        let is_url = scheme.eq_ignore_ascii_case(HTTP) && !rest.is_empty();
        if !responder.is_empty() && !is_url {
            let responder = String::from_utf8_lossy(responder);
            let message = format!(
                "invalid URL prefix in OCSP responder \"{responder}\" in \"ssl_ocsp_responder\""
            );
            self.tls_fault(server.find(d::SSL_OCSP_RESPONDER), message);
            return false;
        }
        true
    }

    /// The file that a directive names, beside the configuration.
    fn beside(&self, directive: &Directive) -> PathBuf {
        use std::os::unix::ffi::OsStrExt as _;
        let name = directive.args.first().map(portunus_conf::Word::as_bytes);
        let name = std::ffi::OsStr::from_bytes(name.unwrap_or_default());
        self.config.directory().join(Path::new(name))
    }

    fn read_beside(&mut self, directive: &Directive) -> Option<Vec<u8>> {
        let path = self.beside(directive);
        match portunus_tls::read_file(&path) {
            Ok(content) => Some(content),
            Err(error) => {
                self.tls_fault(Some(directive), cannot_open(&path, &error));
                None
            }
        }
    }

    /// A directory has no content, as OpenSSL sees it, hence not the right one.
    fn read_at_end(&mut self, directive: &Directive) -> Option<Vec<u8>> {
        let path = self.beside(directive);
        match portunus_tls::read_file(&path) {
            Ok(content) => Some(content),
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => Some(Vec::new()),
            Err(error) => {
                self.fault_at_end(directive, cannot_open(&path, &error));
                None
            }
        }
    }
}

/// The name of a file, unless it is empty.
pub(super) fn file(scope: Scope<'_>, id: DirectiveId) -> Option<String> {
    let text = scope.text(id).filter(|text| !text.is_empty())?;
    Some(String::from_utf8_lossy(text).into_owned())
}

fn cannot_open(path: &Path, error: &io::Error) -> String {
    let reason = errno_text(error);
    format!("open() \"{}\" failed ({reason})", path.display())
}
