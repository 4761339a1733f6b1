//! `proxy_cache`, `fastcgi_cache` and their kin; their stores, which outlive a reload.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use portunus_cache::{Ignored, Pace, Validity, Zone, ZoneConfig};
use portunus_conf::typed::{CachePath, CacheValid};
use portunus_conf::{Directive, DirectiveId, Scope, d};
use portunus_errno::errno_text;
use portunus_handler::{CacheLock, CacheZone, CacheZones, Caching, FileCopy, Template, UseStale};

use super::Builder;

/// The directives of a module.
struct Module {
    path: DirectiveId,
    store: DirectiveId,
    store_access: DirectiveId,
    cache: DirectiveId,
    key: DirectiveId,
    valid: DirectiveId,
    bypass: DirectiveId,
    no_cache: DirectiveId,
    min_uses: DirectiveId,
    max_range_offset: DirectiveId,
    use_stale: DirectiveId,
    methods: DirectiveId,
    lock: DirectiveId,
    lock_timeout: DirectiveId,
    lock_age: DirectiveId,
    revalidate: DirectiveId,
    background_update: DirectiveId,
    convert_head: Option<DirectiveId>,
    ignored: DirectiveId,
}

const PROXY: Module = Module {
    path: d::PROXY_CACHE_PATH,
    store: d::PROXY_STORE,
    store_access: d::PROXY_STORE_ACCESS,
    cache: d::PROXY_CACHE,
    key: d::PROXY_CACHE_KEY,
    valid: d::PROXY_CACHE_VALID,
    bypass: d::PROXY_CACHE_BYPASS,
    no_cache: d::PROXY_NO_CACHE,
    min_uses: d::PROXY_CACHE_MIN_USES,
    max_range_offset: d::PROXY_CACHE_MAX_RANGE_OFFSET,
    use_stale: d::PROXY_CACHE_USE_STALE,
    methods: d::PROXY_CACHE_METHODS,
    lock: d::PROXY_CACHE_LOCK,
    lock_timeout: d::PROXY_CACHE_LOCK_TIMEOUT,
    lock_age: d::PROXY_CACHE_LOCK_AGE,
    revalidate: d::PROXY_CACHE_REVALIDATE,
    background_update: d::PROXY_CACHE_BACKGROUND_UPDATE,
    convert_head: Some(d::PROXY_CACHE_CONVERT_HEAD),
    ignored: d::PROXY_IGNORE_HEADERS,
};

const FASTCGI: Module = Module {
    path: d::FASTCGI_CACHE_PATH,
    store: d::FASTCGI_STORE,
    store_access: d::FASTCGI_STORE_ACCESS,
    cache: d::FASTCGI_CACHE,
    key: d::FASTCGI_CACHE_KEY,
    valid: d::FASTCGI_CACHE_VALID,
    bypass: d::FASTCGI_CACHE_BYPASS,
    no_cache: d::FASTCGI_NO_CACHE,
    min_uses: d::FASTCGI_CACHE_MIN_USES,
    max_range_offset: d::FASTCGI_CACHE_MAX_RANGE_OFFSET,
    use_stale: d::FASTCGI_CACHE_USE_STALE,
    methods: d::FASTCGI_CACHE_METHODS,
    lock: d::FASTCGI_CACHE_LOCK,
    lock_timeout: d::FASTCGI_CACHE_LOCK_TIMEOUT,
    lock_age: d::FASTCGI_CACHE_LOCK_AGE,
    revalidate: d::FASTCGI_CACHE_REVALIDATE,
    background_update: d::FASTCGI_CACHE_BACKGROUND_UPDATE,
    convert_head: None,
    ignored: d::FASTCGI_IGNORE_HEADERS,
};

/// The stores of a configuration.
#[derive(Debug, Default, Clone)]
pub(crate) struct Caches {
    proxy: Arc<CacheZones>,
    fastcgi: Arc<CacheZones>,
}

impl Caches {
    /// Lets the stores begin their work: they look for entries of an earlier process.
    pub(crate) fn start(&self) {
        for zone in self.all() {
            if let Err(error) = zone.start() {
                complain(zone, &error);
            }
        }
    }

    /// Makes the directories, for another user if need be.
    pub(crate) fn make_directories(&self, user: Option<u32>) {
        for zone in self.all() {
            if let Err(error) = zone.make_directory(user) {
                complain(zone, &error);
            }
        }
    }

    /// Waits until what was stored is on the disk, within reason.
    pub(crate) fn flush(&self) {
        for zone in self.all() {
            zone.flush(Duration::from_secs(5));
        }
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Zone>> {
        self.proxy.values().chain(self.fastcgi.values())
    }
}

fn complain(zone: &Zone, error: &std::io::Error) {
    let path = zone.config().path;
    let (path, error) = (path.display(), errno_text(error));
    tracing::error!("cache \"{path}\" cannot be used ({error})");
}

impl Builder<'_> {
    /// `proxy_cache_path` and `fastcgi_cache_path`. A store in the same place goes on.
    pub(super) fn caches(&mut self, http: Scope<'_>) {
        let before = std::mem::take(&mut self.kept.caches);
        self.kept.caches = Caches {
            proxy: Arc::new(self.zones_of(http, &PROXY, &before.proxy)),
            fastcgi: Arc::new(self.zones_of(http, &FASTCGI, &before.fastcgi)),
        };
    }

    fn zones_of(&mut self, http: Scope<'_>, module: &Module, before: &CacheZones) -> CacheZones {
        let mut zones = HashMap::new();
        for directive in http.own(module.path) {
            let Ok(parsed) = CachePath::parse(directive) else {
                continue;
            };
            let config = self.zone_config(&parsed);
            let name = config.name.clone();
            let known = before.get(&name);
            if let Some(known) = known {
                self.same_place(directive, &known.config(), &config);
            }
            let known = known.filter(|known| known.config().keys == config.keys);
            let zone = match known {
                Some(known) => {
                    known.reconfigure(&config);
                    Arc::clone(known)
                }
                None => Arc::new(Zone::new(config)),
            };
            zones.insert(name, zone);
        }
        zones
    }

    fn zone_config(&self, parsed: &CachePath<'_>) -> ZoneConfig {
        let path = parsed.path.as_bytes();
        let path = path.strip_suffix(b"/").unwrap_or(path);
        let path = self.config.full_path(path);
        let defaults = ZoneConfig::new(parsed.zone.name, path, parsed.zone.size);
        ZoneConfig {
            levels: parsed.levels.clone(),
            inactive: parsed.inactive,
            max_size: parsed.max_size,
            min_free: parsed.min_free,
            memory: parsed.memory.map_or(defaults.memory, |memory| {
                usize::try_from(memory).unwrap_or(usize::MAX)
            }),
            pace: Pace {
                files: usize::try_from(parsed.manager_files).unwrap_or(usize::MAX),
                threshold: parsed.manager_threshold,
                sleep: parsed.manager_sleep,
            },
            ..defaults
        }
    }

    /// Source: nginx, `ngx_http_file_cache_init`.
    fn same_place(&mut self, directive: &Directive, old: &ZoneConfig, new: &ZoneConfig) {
        let name = new.name.escape_ascii();
        if old.path != new.path {
            let (old, new) = (old.path.display(), new.path.display());
            let message = format!(
                "cache \"{name}\" uses the \"{new}\" cache path while previously it used the \"{old}\" cache path"
            );
            self.error(directive, message);
        } else if old.levels != new.levels {
            let message = format!("cache \"{name}\" had previously different levels");
            self.error(directive, message);
        }
    }

    pub(super) fn proxy_caching(&mut self, scope: Scope<'_>) -> Option<Box<Caching>> {
        let zones = Arc::clone(&self.kept.caches.proxy);
        self.caching(scope, &PROXY, &zones)
    }

    pub(super) fn fastcgi_caching(&mut self, scope: Scope<'_>) -> Option<Box<Caching>> {
        let zones = Arc::clone(&self.kept.caches.fastcgi);
        let mut caching = self.caching(scope, &FASTCGI, &zones)?;
        // Without a key nginx stores everything under the empty one, and says so when it starts.
        caching
            .key
            .get_or_insert_with(|| Template::literal(&b""[..]));
        Some(caching)
    }

    pub(super) fn proxy_copy(&mut self, scope: Scope<'_>) -> Option<FileCopy> {
        self.copy(scope, &PROXY)
    }

    pub(super) fn fastcgi_copy(&mut self, scope: Scope<'_>) -> Option<FileCopy> {
        self.copy(scope, &FASTCGI)
    }

    /// `…_store`, unless a store of answers is nearer.
    fn copy(&mut self, scope: Scope<'_>, module: &Module) -> Option<FileCopy> {
        let directive = scope.find(module.store)?;
        let word = directive.args.first()?;
        if *word == "off" || is_nearer(scope, module.cache, module.store) {
            return None;
        }
        Some(FileCopy {
            path: (*word != "on").then(|| self.template(directive, word)),
            access: scope.access(module.store_access),
        })
    }

    fn caching(
        &mut self,
        scope: Scope<'_>,
        module: &Module,
        zones: &Arc<CacheZones>,
    ) -> Option<Box<Caching>> {
        if is_nearer(scope, module.store, module.cache) {
            return None;
        }
        let zone = self.cache_zone(scope, module, zones)?;
        let key = scope.find(module.key);
        let bits = scope.bits(module.ignored);
        let ignores = |name: &str| bits.contains(&name);
        Some(Box::new(Caching {
            zone,
            key_has_method: key.is_some_and(has_method),
            key: key.and_then(|key| Some(self.template(key, key.args.first()?))),
            valid: validity(scope, module.valid),
            bypass: self.values(scope, module.bypass),
            no_cache: self.values(scope, module.no_cache),
            min_uses: scope
                .number(module.min_uses)
                .map_or(1, |uses| u32::try_from(uses).unwrap_or(u32::MAX)),
            max_range_offset: scope
                .find(module.max_range_offset)
                .and_then(|_| scope.offset(module.max_range_offset)),
            use_stale: use_stale(scope, module.use_stale),
            post: scope.bits(module.methods).contains(&"POST"),
            lock: scope.flag(module.lock).then(|| CacheLock {
                timeout: scope.duration(module.lock_timeout),
                age: scope.duration(module.lock_age),
            }),
            revalidate: scope.flag(module.revalidate),
            background_update: scope.flag(module.background_update),
            convert_head: module.convert_head.is_some_and(|id| scope.flag(id)),
            ignored: Ignored {
                accel_expires: ignores("X-Accel-Expires"),
                expires: ignores("Expires"),
                cache_control: ignores("Cache-Control"),
                set_cookie: ignores("Set-Cookie"),
                vary: ignores("Vary"),
            },
        }))
    }

    fn cache_zone(
        &mut self,
        scope: Scope<'_>,
        module: &Module,
        zones: &Arc<CacheZones>,
    ) -> Option<CacheZone> {
        let directive = scope.find(module.cache)?;
        let word = directive.args.first()?;
        match word.as_bytes() {
            b"off" => None,
            name if name.contains(&b'$') => {
                let template = self.template(directive, word);
                Some(CacheZone::Named(template, Arc::clone(zones)))
            }
            name => zones
                .get(name)
                .map(|zone| CacheZone::Fixed(Arc::clone(zone))),
        }
    }

    fn values(&mut self, scope: Scope<'_>, id: DirectiveId) -> Vec<Template> {
        let directives = scope.all(id);
        let words = directives
            .into_iter()
            .flat_map(|directive| directive.args.iter().map(move |word| (directive, word)));
        let words: Vec<_> = words.collect();
        words
            .into_iter()
            .map(|(directive, word)| self.template(directive, word))
            .collect()
    }
}

/// Whether one directive is set, and not to `off`, in a level below the other.
///
/// Source: nginx, `ngx_http_fastcgi_merge_loc_conf`.
fn is_nearer(scope: Scope<'_>, one: DirectiveId, other: DirectiveId) -> bool {
    let depth = |id| {
        let mut levels = scope.levels();
        levels.position(|level| {
            level
                .own(id)
                .any(|found| !found.args.iter().any(|word| *word == "off"))
        })
    };
    match (depth(one), depth(other)) {
        (Some(one), Some(other)) => one < other,
        _ => false,
    }
}

/// Whether a key tells HEAD from GET.
fn has_method(key: &Directive) -> bool {
    let names = ["$request_method", "${request_method}", "${request}"];
    key.args.iter().any(|word| {
        let text = String::from_utf8_lossy(word.as_bytes());
        names.iter().any(|name| text.contains(name)) || text.ends_with("$request")
    })
}

fn validity(scope: Scope<'_>, id: DirectiveId) -> Validity {
    let mut rules = Validity::default();
    for directive in scope.all(id) {
        if let Ok(rule) = CacheValid::parse(directive) {
            rules.push(rule.codes, rule.time.as_secs());
        }
    }
    rules
}

fn use_stale(scope: Scope<'_>, id: DirectiveId) -> UseStale {
    let bits = scope.bits(id);
    let has = |word: &str| bits.contains(&word);
    if has("off") {
        return UseStale::default();
    }
    let status = |word: &&str| word.strip_prefix("http_")?.parse().ok();
    UseStale {
        error: has("error"),
        timeout: has("timeout"),
        invalid_header: has("invalid_header"),
        updating: has("updating"),
        statuses: bits.iter().filter_map(status).collect(),
    }
}
