//! `server` blocks: names, addresses, locations.

use std::collections::BTreeMap;
use std::sync::Arc;

use portunus_conf::{Directive, Scope, Severity, d};
use portunus_handler::{Address, Content, Server};
use portunus_routing::{
    Location as RoutedLocation, LocationError, LocationMatch, Locations, ServerId, ServerName,
    ServerNames,
};
use portunus_server::{Http2Settings, ListenAddress, ListenerConfig, Settings, Tls};

use super::listen::Listen;
use super::{Builder, tls};

/// The servers that listen on one address.
#[derive(Debug, Default)]
struct Gathered {
    listen: Option<Listen>,
    servers: Vec<usize>,
    default: Option<usize>,
    /// `listen … http2`.
    http2: bool,
}

impl Builder<'_> {
    /// Translates all servers; also which of them are behind which address.
    pub(super) fn servers(
        &mut self,
        http: Option<Scope<'_>>,
    ) -> (Vec<Server>, Vec<Option<Address>>, Vec<ListenerConfig>) {
        let mut servers = Vec::new();
        let mut names = Vec::new();
        let mut gathered: BTreeMap<ListenAddress, Gathered> = BTreeMap::new();
        let scopes: Vec<_> = http
            .into_iter()
            .flat_map(|http| http.children(d::SERVER))
            .collect();
        for (number, scope) in scopes.iter().copied().enumerate() {
            let parsed = self.server_names(scope);
            servers.push(self.server(scope, &parsed));
            names.push(parsed);
            self.gather(scope, number, &mut gathered);
        }
        let members = self.tls_members(&scopes);
        let mut addresses = Vec::new();
        let mut listeners = Vec::new();
        for (address, found) in gathered {
            let Some(listen) = found.listen else { continue };
            let tag = self.kept.tag(&address);
            let default = found
                .default
                .or_else(|| found.servers.first().copied())
                .unwrap_or(0);
            let names = Arc::new(self.address_names(&address, &found.servers, &names));
            let encryption = match listen.ssl {
                true => tls::tls(&members, default, found.http2, &names),
                false => Tls::default(),
            };
            listeners.push(listen.into_config(tag, encryption));
            if addresses.len() <= tag {
                addresses.resize_with(tag + 1, || None);
            }
            let settings = servers.get(default).map(|server| &server.settings);
            let settings = settings.map(Arc::clone).unwrap_or_default();
            let mut others = found
                .servers
                .iter()
                .filter_map(|number| servers.get(*number));
            addresses[tag] = Some(Address {
                names,
                default,
                varied: others.any(|other: &Server| !other.settings.reads_heads_as(&settings)),
                settings,
                http2: found.http2,
            });
        }
        (servers, addresses, listeners)
    }

    fn gather(
        &mut self,
        scope: Scope<'_>,
        number: usize,
        gathered: &mut BTreeMap<ListenAddress, Gathered>,
    ) {
        let directives: Vec<&Directive> = scope.own(d::LISTEN).collect();
        let mut listens = Vec::new();
        for directive in &directives {
            match Listen::parse(directive) {
                Ok(found) => listens.extend(found),
                Err(message) => self.error(directive, message),
            }
        }
        if directives.is_empty() {
            listens.push(Listen::implicit());
        }
        for mut listen in listens {
            let known = gathered.entry(listen.address.clone()).or_default();
            known.http2 |= listen.http2;
            listen.http2 |= scope.flag(d::HTTP2);
            known.servers.push(number);
            if listen.default_server {
                known.default.get_or_insert(number);
            }
            match &mut known.listen {
                Some(first) => first.merge(listen),
                None => known.listen = Some(listen),
            }
        }
    }

    fn address_names(
        &mut self,
        address: &ListenAddress,
        servers: &[usize],
        names: &[Vec<ServerName>],
    ) -> ServerNames {
        let id = |number: usize| ServerId(u32::try_from(number).unwrap_or(u32::MAX));
        let entries = servers.iter().flat_map(|number| {
            names[*number]
                .iter()
                .map(move |name| (name.clone(), id(*number)))
        });
        let (names, ignored) = ServerNames::new(entries);
        let several = servers.iter().any(|server| Some(server) != servers.first());
        for name in ignored.into_iter().filter(|_| several) {
            let message = format!("conflicting server name \"{name}\" on {address}, ignored");
            // Most have been found when the configuration was checked.
            if self
                .diagnostics
                .iter()
                .all(|known| known.message != message)
            {
                let diagnostic = portunus_conf::Diagnostic::new(Severity::Warn, message, u32::MAX);
                self.diagnostics.push(diagnostic);
            }
        }
        names
    }

    /// What holds for connections while their request is not known.
    fn settings(&mut self, scope: Scope<'_>) -> Settings {
        let buffers = scope.buffers(d::LARGE_CLIENT_HEADER_BUFFERS);
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        Settings {
            limits: self.limits(scope),
            client_header_timeout: scope.duration(d::CLIENT_HEADER_TIMEOUT),
            client_header_buffer_size: size(scope.size(d::CLIENT_HEADER_BUFFER_SIZE)),
            large_client_header_buffers: (size(buffers.number), size(buffers.size)),
            max_headers: scope.number(d::MAX_HEADERS).map_or(1000, size),
            ignore_invalid_headers: scope.flag(d::IGNORE_INVALID_HEADERS),
            underscores_in_headers: scope.flag(d::UNDERSCORES_IN_HEADERS),
            spelling: Arc::clone(&self.spelling),
            http2: self.http2(scope),
            ..Settings::default()
        }
    }

    fn http2(&self, scope: Scope<'_>) -> Http2Settings {
        let streams = scope.number(d::HTTP2_MAX_CONCURRENT_STREAMS);
        let buffers = scope.buffers(d::LARGE_CLIENT_HEADER_BUFFERS);
        // RFC 9113 §6.5.2: each field counts 32 bytes more than it has.
        let list = buffers.number.saturating_mul(buffers.size) + 32 * 128;
        Http2Settings {
            max_concurrent_streams: streams
                .map_or(128, |most| u32::try_from(most).unwrap_or(u32::MAX)),
            max_header_list_size: u32::try_from(list).unwrap_or(u32::MAX),
            ..Http2Settings::default()
        }
    }

    fn server_names(&mut self, scope: Scope<'_>) -> Vec<ServerName> {
        let mut names = Vec::new();
        for directive in scope.own(d::SERVER_NAME) {
            for word in &directive.args {
                let text = match word.as_bytes() {
                    b"$hostname" => super::hostname(),
                    other => other.into(),
                };
                match ServerName::parse(&text) {
                    Ok(mut name) => {
                        if let ServerName::Regex(regex) = &mut name
                            && let Some(regex) = Arc::get_mut(regex)
                        {
                            regex.bind(|name| self.names.slot(name));
                        }
                        names.push(name);
                    }
                    // Where it matters, the check of the configuration has refused it: a server that
                    // is alone at its address is not looked up by name.
                    Err(_) if !text.starts_with(b"~") => {}
                    Err(error) => self.error_at(directive, word, error.to_string()),
                }
            }
        }
        if names.is_empty() {
            names.push(ServerName::Exact(Box::default()));
        }
        names
    }

    fn server(&mut self, scope: Scope<'_>, names: &[ServerName]) -> Server {
        let base = self.level(scope, None);
        let inner = self.locations_in(scope, None);
        let matcher = match Locations::new(inner) {
            Ok(matcher) => matcher,
            Err(errors) => {
                for error in errors {
                    self.duplicate_location(scope, &error);
                }
                Locations::default()
            }
        };
        let name = match names.first() {
            Some(ServerName::Exact(name)) => name.clone(),
            // `.example.com` goes by the name behind the dot.
            Some(other) => {
                let name = other.to_string().into_bytes();
                name.strip_prefix(b".").unwrap_or(&name).into()
            }
            None => Box::default(),
        };
        Server {
            name,
            matcher,
            base,
            merge_slashes: scope.flag(d::MERGE_SLASHES),
            verify_client: tls::demand(scope),
            settings: Arc::new(self.settings(scope)),
            http2: scope.flag(d::HTTP2),
        }
    }

    fn duplicate_location(&mut self, server: Scope<'_>, error: &LocationError) {
        if let Some(directive) = server.directive() {
            self.error(directive, error.to_string());
        }
    }

    fn locations_in(
        &mut self,
        scope: Scope<'_>,
        outer: Option<&LocationMatch>,
    ) -> Vec<RoutedLocation> {
        let mut found = Vec::new();
        for block in scope.children(d::LOCATION) {
            let Some(directive) = block.directive() else {
                continue;
            };
            let (modifier, name) = match &directive.args[..] {
                [name] => (None, name),
                [modifier, name, ..] => (Some(modifier.as_bytes()), name),
                [] => continue,
            };
            let mut matcher = match LocationMatch::parse(modifier, name.as_bytes()) {
                Ok(matcher) => matcher,
                Err(error) => {
                    self.error_at(directive, name, error.to_string());
                    continue;
                }
            };
            if let LocationMatch::Regex(regex) = &mut matcher {
                regex.bind(|name| self.names.slot(name));
            }
            if let Some(outer) = outer
                && let Err(error) = matcher.check_inside(outer)
            {
                self.error_at(directive, name, error.to_string());
            }
            let id = self.level(block, Some(&matcher));
            let redirects = name.as_bytes().last() == Some(&b'/')
                && !matches!(
                    self.built(id).content,
                    Content::Files | Content::EmptyGif | Content::StubStatus | Content::Health
                );
            let inner = self.locations_in(block, Some(&matcher));
            found.push(RoutedLocation {
                id,
                matcher,
                redirects_to_slash: redirects,
                inner,
            });
        }
        found
    }
}
