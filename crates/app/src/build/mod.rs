//! From the configuration language to what the handler works with.
//!
//! The only place that knows both sides: `conf` reads and checks, `handler` answers requests, and
//! everything here turns one into the other. What is checked only here, because it needs the
//! runtime (regular expressions, names of variables, log files), is reported as [`Diagnostic`]s in
//! nginx's words like everything else.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use portunus_conf::{
    Config, Diagnostic, Diagnostics, Directive, DirectiveId, Scope, Severity, Sources, Span, Word,
    d, value,
};
use portunus_handler::{
    DynamicPools, FastCgiGroup, Location, LogFormat, Map, OpenLogs, Place, Product, ProxyGroups,
    ScriptNames, Site, Template, VariableNames,
};
use portunus_routing::{LocationId, Regex};
use portunus_server::{ListenAddress, ListenerConfig, ServerConfig, ServerHandle, Spelling};
use portunus_static_files::OpenFileCache;
use portunus_telemetry::{ErrorLog, LogFile};

mod access;
mod body;
mod browser;
mod cache;
mod content;
mod encoding;
mod fastcgi;
mod filters;
mod geo;
mod guard;
mod headers;
mod limit;
mod listen;
mod location;
mod logs;
mod map;
mod names;
mod places;
mod pools;
mod proxy;
mod proxy_tls;
mod rewrite;
mod server;
mod temporary;
mod tls;
mod types;
mod unknown;
mod upstream;
mod userid;

pub(crate) use access::PRIVATE;
pub(crate) use fastcgi::addresses as fastcgi_addresses;
pub(crate) use pools::{PROGRAMS, Pools};

use names::Names;

/// Where faults stand that nginx finds when everything has been read: while it merges levels, then among variables,
/// and at last when it opens files.
const WHEN_READ: u32 = u32::MAX - 2;
const WHEN_MERGED: u32 = u32::MAX - 1;
const WHEN_OPENED: u32 = Diagnostic::AFTER_READING;

/// A configuration made ready to run.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) site: Site,
    pub(crate) listeners: Vec<ListenerConfig>,
    pub(crate) server: ServerConfig,
    /// For lines that belong to no request.
    pub(crate) process_log: ErrorLog,
    /// Where temporary files are made; the system's own place for them is not among these.
    pub(crate) temp_dirs: BTreeSet<PathBuf>,
}

/// What outlives a reload.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) files: OpenFileCache,
    pub(crate) pools: pools::Pools,
    zones: limit::Zones,
    pub(crate) caches: cache::Caches,
    tags: HashMap<ListenAddress, usize>,
    /// Sessions that TLS clients may resume.
    tls: portunus_tls::KeptSessions,
    pub(crate) server: Arc<OnceLock<ServerHandle>>,
    /// `-e`, or nginx's default.
    pub(crate) error_log: PathBuf,
}

impl Kept {
    /// What a new server begins with.
    pub(crate) fn new(config: &Config, error_log: PathBuf) -> Self {
        let budget = config
            .http()
            .map_or(64 << 20, |http| http.size(d::STATIC_CACHE_SIZE));
        let files = OpenFileCache::new(portunus_static_files::Config {
            budget: usize::try_from(budget).unwrap_or(usize::MAX),
            workers: workers(config),
            ..open_file_cache(config)
        });
        Self {
            files,
            pools: pools::Pools::default(),
            zones: limit::Zones::default(),
            caches: cache::Caches::default(),
            tags: HashMap::new(),
            tls: portunus_tls::KeptSessions::default(),
            server: Arc::default(),
            error_log,
        }
    }

    /// The number of an address; it keeps it for as long as the process lives, since connections
    /// know their listener by it.
    fn tag(&mut self, address: &ListenAddress) -> usize {
        let next = self.tags.len();
        *self.tags.entry(address.clone()).or_insert(next)
    }
}

/// `inactive=` of an `open_file_cache` that does not say.
const OPEN_FILE_CACHE_INACTIVE: Duration = Duration::from_secs(60);

/// `open_file_cache` of the `http` level: there is one table of files for all.
fn open_file_cache(config: &Config) -> portunus_static_files::Config {
    let mut sizes = portunus_static_files::Config::default();
    let words = config.http().map(|http| http.words(d::OPEN_FILE_CACHE));
    for word in words.unwrap_or_default() {
        let text = word.as_str().unwrap_or_default();
        if let Some(max) = text.strip_prefix("max=") {
            sizes.inactive = sizes.inactive.or(Some(OPEN_FILE_CACHE_INACTIVE));
            sizes.max_entries = max.parse().unwrap_or(sizes.max_entries);
        } else if let Some(time) = text.strip_prefix("inactive=") {
            sizes.inactive = value::parse_sec(time.as_bytes()).ok().or(sizes.inactive);
        }
    }
    sizes
}

/// `worker_processes`: here the number of threads.
fn workers(config: &Config) -> usize {
    match config.main().text(d::WORKER_PROCESSES) {
        Some(b"auto") => std::thread::available_parallelism().map_or(1, usize::from),
        Some(text) => std::str::from_utf8(text)
            .ok()
            .and_then(|n| n.parse().ok())
            .unwrap_or(1),
        None => 1,
    }
}

fn server_config(config: &Config) -> ServerConfig {
    let connections = config.events().number(d::WORKER_CONNECTIONS).unwrap_or(512);
    ServerConfig {
        workers: workers(config),
        worker_connections: usize::try_from(connections).unwrap_or(usize::MAX),
    }
}

/// Builds everything; complaints go to `diagnostics`, and where one of them is an error the result
/// must not be used.
pub(crate) fn build(config: &Config, kept: &mut Kept, diagnostics: &mut Diagnostics) -> Built {
    build_with(config, None, kept, diagnostics)
}

/// The same for a server that explains what it would do.
pub(crate) fn build_explained(
    config: &Config,
    sources: &Sources,
    kept: &mut Kept,
    diagnostics: &mut Diagnostics,
) -> Built {
    build_with(config, Some(sources), kept, diagnostics)
}

fn build_with(
    config: &Config,
    explained: Option<&Sources>,
    kept: &mut Kept,
    diagnostics: &mut Diagnostics,
) -> Built {
    kept.pools.begin();
    let mut names = Names::collect(config.main());
    diagnostics.extend(names.take_clashes());
    let mut builder = Builder {
        config,
        explained,
        places: Vec::new(),
        kept,
        diagnostics,
        names,
        locations: Vec::new(),
        maps: Vec::new(),
        groups: ProxyGroups::new(),
        connectors: Vec::new(),
        fastcgi_groups: Vec::new(),
        dynamic_pools: Vec::new(),
        formats: Vec::new(),
        log_files: HashMap::new(),
        open_logs: HashMap::new(),
        script_names: HashMap::new(),
        temp_dir: Arc::default(),
        temp_dirs: BTreeSet::new(),
        spelling: spelling(config),
        charset_names: Vec::new(),
        uses_sent_fields: mentions(config.main(), b"sent_http_")
            || mentions(config.main(), b"sent_trailer_")
            || mentions(config.main(), b"upstream_http_")
            || mentions(config.main(), b"upstream_cookie_"),
    };
    let built = builder.build();
    kept.pools.finish();
    built
}

struct Builder<'c> {
    config: &'c Config,
    /// Where to look up lines, if what would be done is to be explained.
    explained: Option<&'c Sources>,
    places: Vec<Place>,
    kept: &'c mut Kept,
    diagnostics: &'c mut Diagnostics,
    names: Names,
    locations: Vec<Location>,
    maps: Vec<Map>,
    groups: ProxyGroups,
    /// TLS towards servers, by its settings.
    connectors: Vec<(portunus_tls::ClientTls, Arc<dyn portunus_proxy::Handshake>)>,
    fastcgi_groups: Vec<Arc<FastCgiGroup>>,
    /// Whom a `fastcgi_pass` with variables may name, by the rules of its pools.
    dynamic_pools: Vec<Arc<DynamicPools>>,
    formats: Vec<(Box<[u8]>, Arc<LogFormat>)>,
    log_files: HashMap<PathBuf, Arc<LogFile>>,
    open_logs: HashMap<Span, Arc<OpenLogs>>,
    /// By the places of `fastcgi_split_path_info` and `fastcgi_index`.
    script_names: HashMap<(Option<Span>, Option<Span>, bool), Arc<ScriptNames>>,
    temp_dir: Arc<PathBuf>,
    temp_dirs: BTreeSet<PathBuf>,
    spelling: Arc<Spelling>,
    charset_names: Vec<Box<[u8]>>,
    uses_sent_fields: bool,
}

impl Builder<'_> {
    fn build(&mut self) -> Built {
        let http = self.config.http();
        if let Some(http) = http {
            filters::name_charsets(http, &mut self.charset_names);
            self.temp_dir = self.temp_dir(http, d::CLIENT_BODY_TEMP_PATH);
        }
        self.look_for_unknown_variables(self.config.main());
        self.look_for_password_files(self.config.main());
        self.formats(http);
        if let Some(http) = http {
            self.maps(http);
            self.zones(http);
            self.caches(http);
            self.proxy_groups(http);
        }
        let (servers, addresses, listeners) = self.servers(http);
        let geos = http.map(|http| self.geos(http)).unwrap_or_default();
        let splits = http.map(|http| self.splits(http)).unwrap_or_default();
        let has_pages = self.locations.iter().any(|level| level.ssi.is_some());
        let site = Site {
            places: std::mem::take(&mut self.places),
            variable_names: if has_pages {
                VariableNames::new(self.names.defined())
            } else {
                VariableNames::default()
            },
            geos,
            splits,
            servers,
            addresses,
            locations: std::mem::take(&mut self.locations),
            maps: std::mem::take(&mut self.maps),
            charsets: http.map(|http| self.charsets(http)).unwrap_or_default(),
            user_files: portunus_handler::UserFiles::default(),
            proxy_groups: std::mem::take(&mut self.groups),
            slots: self.names.slots(),
            files: self.kept.files.clone(),
            hostname: hostname(),
            product: product(http),
            keeps_sent_fields: self.uses_sent_fields || has_pages,
            underscores_in_headers: http.is_some_and(|http| {
                let mut servers = http.children(d::SERVER);
                servers.any(|server| {
                    server.flag(d::UNDERSCORES_IN_HEADERS)
                        || !server.flag(d::IGNORE_INVALID_HEADERS)
                })
            }),
            server: Arc::clone(&self.kept.server),
        };
        let main = self.config.main();
        let process_log = self.error_log(main);
        Built {
            site,
            listeners,
            server: server_config(self.config),
            process_log,
            temp_dirs: std::mem::take(&mut self.temp_dirs),
        }
    }

    fn error(&mut self, directive: &Directive, message: impl Into<String>) {
        self.diagnostics
            .push(Diagnostic::on(directive, Severity::Emerg, message));
    }

    fn error_at(&mut self, directive: &Directive, word: &Word, message: impl Into<String>) {
        let diagnostic = Diagnostic::on(directive, Severity::Emerg, message);
        self.diagnostics.push(diagnostic.with_span(word.span));
    }

    /// Compiles a value with variables.
    fn template(&mut self, directive: &Directive, word: &Word) -> Template {
        self.template_of(directive, word, word.as_bytes())
    }

    /// The template in the first argument of the directive that holds here.
    fn template_here(&mut self, scope: Scope<'_>, id: DirectiveId) -> Option<Template> {
        let directive = scope.find(id)?;
        let word = directive.args.first()?;
        Some(self.template(directive, word))
    }

    /// Compiles a part of a word.
    fn template_of(&mut self, directive: &Directive, word: &Word, text: &[u8]) -> Template {
        let resolve = |name: &[u8]| self.names.resolve(name).ok_or(UnknownVariable(name.into()));
        match Template::compile(text, resolve) {
            Ok(template) => template,
            Err(error) => {
                self.refuse_value(directive, word, &error.to_string());
                Template::literal(&b""[..])
            }
        }
    }

    /// Complains about a value. nginx resolves names of variables when it has read everything, so
    /// that an unknown one is reported last and without a place.
    fn refuse_value(&mut self, directive: &Directive, word: &Word, message: &str) {
        if let Some(name) = unknown_variable(message) {
            let mut words = directive.args.iter();
            let found = words.find_map(|word| Some((word.span, written_variable(word, name)?)));
            let (span, written) = found.unwrap_or((directive.name.span, b""));
            let known = self
                .diagnostics
                .iter()
                .any(|other| other.message == message);
            if !known {
                let diagnostic = Diagnostic::new(Severity::Emerg, message, WHEN_MERGED);
                let mut diagnostic = diagnostic.with_span(span);
                diagnostic.help = help_for_variable(written).map(Into::into);
                self.diagnostics.push(diagnostic);
            }
        } else {
            self.error_at(directive, word, message);
        }
    }

    /// Compiles a regular expression and binds its named groups.
    fn regex(
        &mut self,
        directive: &Directive,
        word: &Word,
        text: &[u8],
        caseless: bool,
    ) -> Option<Regex> {
        match Regex::compile(text, caseless) {
            Ok(mut regex) => {
                regex.bind(|name| self.names.slot(name));
                Some(regex)
            }
            Err(error) => {
                self.error_at(directive, word, error.to_string());
                None
            }
        }
    }

    fn push_location(&mut self, location: Location) -> LocationId {
        self.locations.push(location);
        LocationId(u32::try_from(self.locations.len() - 1).unwrap_or(u32::MAX))
    }

    fn built(&self, id: LocationId) -> &Location {
        &self.locations[usize::try_from(id.0).unwrap_or(usize::MAX)]
    }
}

/// nginx: `unknown "x" variable`.
#[derive(Debug, thiserror::Error)]
#[error("unknown \"{}\" variable", String::from_utf8_lossy(.0).to_ascii_lowercase())]
struct UnknownVariable(Box<[u8]>);

/// The name in a message such as an [`UnknownVariable`] makes.
fn unknown_variable(message: &str) -> Option<&str> {
    message
        .strip_prefix("unknown \"")?
        .strip_suffix("\" variable")
}

/// A variable of that name as it is written in a word: nginx tells names in small letters.
fn written_variable<'w>(word: &'w Word, name: &str) -> Option<&'w [u8]> {
    let mut after_dollars = word.as_bytes().split(|byte| *byte == b'$').skip(1);
    after_dollars.find_map(|rest| {
        let rest = rest.strip_prefix(b"{").unwrap_or(rest);
        let written = rest.get(..name.len())?;
        written
            .eq_ignore_ascii_case(name.as_bytes())
            .then_some(written)
    })
}

/// What to do about a variable that nothing defines: `${DOMAIN}` was one of the environment.
fn help_for_variable(written: &[u8]) -> Option<&'static str> {
    let is_of_environment =
        written.iter().any(u8::is_ascii_uppercase) && !written.iter().any(u8::is_ascii_lowercase);
    is_of_environment.then_some(
        "if it is one of the environment, it was not set when \"portunus envsubst\" made this file",
    )
}

/// `server_product`.
fn product(http: Option<Scope<'_>>) -> Product {
    match http.map(|http| http.enumeration(d::SERVER_PRODUCT)) {
        Some("nginx") => Product::nginx(),
        _ => Product::ours(),
    }
}

/// Whether any word of the configuration holds a text.
fn mentions(scope: Scope<'_>, text: &[u8]) -> bool {
    fn in_words(directive: &Directive, text: &[u8]) -> bool {
        let holds = |word: &Word| word.as_bytes().windows(text.len()).any(|part| part == text);
        directive.args.iter().any(holds) || directive.children().iter().any(|d| in_words(d, text))
    }
    scope.directives().any(|(_, directive, block)| {
        in_words(directive, text) || block.is_some_and(|block| mentions(block, text))
    })
}

/// Field names that answers may have, as the operator spells them.
fn spelling(config: &Config) -> Arc<Spelling> {
    fn collect<'c>(scope: Scope<'c>, names: &mut Vec<&'c [u8]>) {
        for (row, directive, block) in scope.directives() {
            if row == d::ADD_HEADER || row == d::ADD_TRAILER {
                names.extend(directive.args.first().map(Word::as_bytes));
            }
            if row == d::USERID_P3P {
                names.push(b"P3P");
            }
            if let Some(block) = block {
                collect(block, names);
            }
        }
    }
    let mut names = Vec::new();
    collect(config.main(), &mut names);
    Arc::new(Spelling::new(names))
}

fn hostname() -> Box<[u8]> {
    let uname = rustix::system::uname();
    uname.nodename().to_bytes().to_ascii_lowercase().into()
}
