//! `fastcgi_pass` and its kin.

use std::net::ToSocketAddrs as _;
use std::path::PathBuf;
use std::sync::Arc;

use http::HeaderName;
use portunus_conf::{Config, Directive, DirectiveId, Scope, Word, d};
use portunus_fpm::{Address, Options, Pool, PoolConfig, Queue, Reuse, Size};
use portunus_handler::{
    Content, DynamicPools, FastCgi, FastCgiGroup, FastCgiParam, FastCgiPass, HeadRoom, ScriptNames,
    of_one_family,
};
use portunus_routing::Regex;
use portunus_upstream::Peer;

use super::Builder;
use super::content::statuses_with_pages;
use super::pools::{Learns, StatusPage};
use super::upstream::{Next, ignored, names, next_upstream, peer, upstream};

/// Fields of PHP's answer that are meant for us (nginx: `ngx_http_fastcgi_hide_headers`).
const HIDDEN: &[&str] = &[
    "status",
    "x-accel-expires",
    "x-accel-redirect",
    "x-accel-limit-rate",
    "x-accel-buffering",
    "x-accel-charset",
];

/// `fastcgi_next_upstream` and its limits.
const FASTCGI_NEXT: Next = Next {
    when: d::FASTCGI_NEXT_UPSTREAM,
    tries: d::FASTCGI_NEXT_UPSTREAM_TRIES,
    time: d::FASTCGI_NEXT_UPSTREAM_TIMEOUT,
};

/// Where what is said of pools stands: in the `upstream` block that is asked, else where it is asked.
#[derive(Clone, Copy)]
struct Said<'a> {
    scope: Scope<'a>,
    block: Option<Scope<'a>>,
}

impl<'a> Said<'a> {
    /// The level whose word on `id` counts.
    fn at(self, id: DirectiveId) -> Scope<'a> {
        let block = self.block.filter(|block| block.set_here(id));
        block.unwrap_or(self.scope)
    }
}

impl Builder<'_> {
    pub(super) fn fastcgi(&mut self, scope: Scope<'_>) -> Content {
        let Some(directive) = scope.find(d::FASTCGI_PASS) else {
            return Content::Files;
        };
        let Some(target) = directive.args.first() else {
            return Content::Files;
        };
        let Some(pass) = self.pass(scope, directive, target) else {
            return Content::Files;
        };
        Content::FastCgi(Box::new(FastCgi {
            pass,
            params: self.params(scope).into_iter().collect(),
            pass_request_body: scope.flag(d::FASTCGI_PASS_REQUEST_BODY),
            pass_request_headers: scope.flag(d::FASTCGI_PASS_REQUEST_HEADERS),
            request_buffering: scope.flag(d::FASTCGI_REQUEST_BUFFERING),
            buffer_size: HeadRoom::new(
                usize::try_from(scope.size(d::FASTCGI_BUFFER_SIZE)).unwrap_or(usize::MAX),
            ),
            intercepted: intercepted(scope),
            force_ranges: scope.flag(d::FASTCGI_FORCE_RANGES),
            hidden: hidden(scope),
            ignored: ignored(scope, d::FASTCGI_IGNORE_HEADERS),
            next_upstream: next_upstream(scope, &FASTCGI_NEXT),
            script_check: scope.flag(d::FASTCGI_SCRIPT_CHECK),
            lane: self.lane(scope).map_or(0, |(lane, _)| lane),
            limit_rate: self.template_here(scope, d::FASTCGI_LIMIT_RATE),
            options: Arc::new(self.options(Said {
                scope,
                block: target.as_str().and_then(|text| upstream(self.config, text)),
            })),
            named_options: self.named_options(scope, target),
            caching: self.fastcgi_caching(scope),
            copy: self.fastcgi_copy(scope),
        }))
    }

    /// What scripts are called at this level; levels that inherit it share it.
    pub(super) fn script_names(&mut self, scope: Scope<'_>) -> Option<Arc<ScriptNames>> {
        let split = scope.find(d::FASTCGI_SPLIT_PATH_INFO);
        let index = scope.find(d::FASTCGI_INDEX);
        let whole_segments = scope.flag(d::FASTCGI_SCRIPT_CHECK);
        if split.is_none() && index.is_none() {
            return None;
        }
        let key = (
            split.map(|split| split.span),
            index.map(|index| index.span),
            whole_segments,
        );
        if let Some(known) = self.script_names.get(&key) {
            return Some(Arc::clone(known));
        }
        let names = Arc::new(ScriptNames {
            index: scope.text(d::FASTCGI_INDEX).map(Into::into),
            split: split.and_then(|split| self.split_pattern(split)),
            whole_segments,
        });
        self.script_names.insert(key, Arc::clone(&names));
        Some(names)
    }

    fn split_pattern(&mut self, directive: &Directive) -> Option<Regex> {
        let word = directive.args.first()?;
        let regex = self.regex(directive, word, word.as_bytes(), false)?;
        if regex.groups() != 2 {
            let message = format!("pattern \"{}\" must have 2 captures", word.message_text());
            self.error_at(directive, word, message);
        }
        Some(regex)
    }

    /// For each `upstream` block that variables may name and that says how to wait or to use connections again.
    fn named_options(
        &mut self,
        scope: Scope<'_>,
        target: &Word,
    ) -> Box<[(Box<str>, Arc<Options>)]> {
        const OWN: [DirectiveId; 3] = [
            d::FASTCGI_QUEUE_DEPTH,
            d::FASTCGI_QUEUE_TIMEOUT,
            d::FASTCGI_REUSE,
        ];
        if !target.as_bytes().contains(&b'$') {
            return Box::default();
        }
        let http = self.config.http();
        let blocks = http.iter().flat_map(|http| http.children(d::UPSTREAM));
        let own = blocks.filter(|block| OWN.iter().any(|id| block.set_here(*id)));
        own.filter_map(|block| {
            let name = block.args().first().and_then(Word::as_str)?;
            let block = Some(block);
            Some((name.into(), Arc::new(self.options(Said { scope, block }))))
        })
        .collect()
    }

    fn options(&mut self, said: Said<'_>) -> Options {
        let (defaults, scope) = (Options::default(), said.scope);
        let ignored = scope.bits(d::FASTCGI_IGNORE_HEADERS);
        let reuse = said.at(d::FASTCGI_REUSE).enumeration(d::FASTCGI_REUSE);
        let depth = said.at(d::FASTCGI_QUEUE_DEPTH);
        let depth = depth.number(d::FASTCGI_QUEUE_DEPTH);
        let depth = depth.map(|depth| usize::try_from(depth).unwrap_or(usize::MAX));
        Options {
            connect_timeout: scope.duration(d::FASTCGI_CONNECT_TIMEOUT),
            send_timeout: scope.duration(d::FASTCGI_SEND_TIMEOUT),
            read_timeout: scope.duration(d::FASTCGI_READ_TIMEOUT),
            keep_conn: reuse != "off",
            keep_after_body: reuse == "always",
            queue: Queue {
                depth: depth.unwrap_or(defaults.queue.depth),
                timeout: said
                    .at(d::FASTCGI_QUEUE_TIMEOUT)
                    .duration(d::FASTCGI_QUEUE_TIMEOUT),
            },
            buffering: scope.flag(d::FASTCGI_BUFFERING),
            accel_buffering: !ignored.contains(&"X-Accel-Buffering"),
            accel_redirect: !ignored.contains(&"X-Accel-Redirect"),
            spool: self.answer_spool(
                scope,
                d::FASTCGI_BUFFERS,
                d::FASTCGI_MAX_TEMP_FILE_SIZE,
                d::FASTCGI_TEMP_PATH,
            ),
            ignore_client_abort: scope.flag(d::FASTCGI_IGNORE_CLIENT_ABORT),
            catch_stderr: words(scope, d::FASTCGI_CATCH_STDERR),
            ..defaults
        }
    }

    fn params(&mut self, scope: Scope<'_>) -> Vec<FastCgiParam> {
        let mut params = Vec::new();
        for directive in scope.all(d::FASTCGI_PARAM) {
            let [name, value, rest @ ..] = &directive.args[..] else {
                continue;
            };
            params.push(FastCgiParam {
                name: name.as_bytes().into(),
                value: self.template(directive, value),
                if_not_empty: rest.iter().any(|word| word.as_bytes() == b"if_not_empty"),
            });
        }
        params
    }

    fn pass(
        &mut self,
        scope: Scope<'_>,
        directive: &Directive,
        target: &Word,
    ) -> Option<FastCgiPass> {
        if target.as_bytes().contains(&b'$') {
            let pools = self.dynamic_pools(scope);
            let target = self.template(directive, target);
            let resolves = scope.find(d::RESOLVER).is_some();
            return Some(FastCgiPass::Dynamic {
                target,
                pools,
                resolves,
            });
        }
        let text = target.as_str()?;
        let Some(block) = upstream(self.config, text) else {
            let said = Said { scope, block: None };
            let mut pools = self.pools_of(said, directive, target, text);
            if pools.len() > 1 {
                let group = self.known_group(FastCgiGroup::in_turn(text, pools));
                return Some(FastCgiPass::Group(group));
            }
            let group = FastCgiGroup::of_one(pools.pop()?);
            return Some(FastCgiPass::Group(Arc::new(group)));
        };
        Some(FastCgiPass::Group(self.fastcgi_group(scope, block, text)))
    }

    /// Whom `fastcgi_pass` with variables may name, all `upstream` blocks among them.
    fn dynamic_pools(&mut self, scope: Scope<'_>) -> Arc<DynamicPools> {
        let said = Said { scope, block: None };
        let rules = self.pool_config(said, Address::Unix(PathBuf::new()));
        let mut named = Vec::new();
        let http = self.config.http();
        for block in http.iter().flat_map(|http| http.children(d::UPSTREAM)) {
            let Some(name) = block.args().first().and_then(Word::as_str) else {
                continue;
            };
            let group = self.fastcgi_group(scope, block, name);
            named.push((name.as_bytes().into(), group));
        }
        let text = format!("{rules:?}");
        let same = |known: &&Arc<DynamicPools>| format!("{:?}", known.rules()) == text;
        let pools = match self.dynamic_pools.iter().find(same) {
            Some(known) => Arc::clone(known),
            None => {
                let made = Arc::new(DynamicPools::new(rules, named));
                self.dynamic_pools.push(Arc::clone(&made));
                made
            }
        };
        if let Some((lane, slots)) = self.lane(scope) {
            pools.set_lane(lane, slots);
        }
        pools
    }

    fn fastcgi_group(
        &mut self,
        scope: Scope<'_>,
        block: Scope<'_>,
        name: &str,
    ) -> Arc<FastCgiGroup> {
        let mut peers = Vec::new();
        let said = Said {
            scope,
            block: Some(block),
        };
        for directive in block.own(d::UPSTREAM_SERVER) {
            peers.extend(self.fastcgi_members(said, directive));
        }
        // Differs: `keepalive` and its kin say nothing of FPM's connections. An idle one holds a worker, so the pool
        // keeps them by rules of its own.
        let (balance, key) = self.balance(block);
        let group = portunus_upstream::Group::new(name, peers, balance);
        self.known_group(FastCgiGroup { group, key })
    }

    /// What is known of the members' health is one thing for all locations.
    fn known_group(&mut self, made: FastCgiGroup) -> Arc<FastCgiGroup> {
        let peers = made.group.peers();
        let same = |known: &&Arc<FastCgiGroup>| {
            let members = known.group.peers();
            let mut pairs = members.iter().zip(peers);
            known.group.name() == made.group.name()
                && members.len() == peers.len()
                && pairs.all(|(one, other)| one.address.is_same(&other.address))
        };
        if let Some(known) = self.fastcgi_groups.iter().find(same) {
            return Arc::clone(known);
        }
        let group = Arc::new(made);
        self.fastcgi_groups.push(Arc::clone(&group));
        group
    }

    fn fastcgi_members(&mut self, said: Said<'_>, directive: &Directive) -> Vec<Peer<Pool>> {
        let Ok(member) = portunus_conf::typed::Member::parse(directive) else {
            return Vec::new();
        };
        let Some(text) = member.word.as_str() else {
            return Vec::new();
        };
        let peer = |pool| peer(&member, text, pool);
        let pools = self.pools_of(said, directive, member.word, text);
        pools.into_iter().map(peer).collect()
    }

    fn pools_of(
        &mut self,
        said: Said<'_>,
        directive: &Directive,
        target: &Word,
        text: &str,
    ) -> Vec<Pool> {
        match parse_address(text) {
            Ok(found) => found
                .into_iter()
                .map(|address| self.pool(said, address))
                .collect(),
            Err(message) => {
                self.error_at(directive, target, message);
                Vec::new()
            }
        }
    }

    /// `fastcgi_lane NAME [SLOTS]`: the number of the lane, and how many slots it may use; half of
    /// them where nothing is said.
    fn lane(&mut self, scope: Scope<'_>) -> Option<(usize, Option<usize>)> {
        let directive = scope.find(d::FASTCGI_LANE)?;
        let (name, rest) = directive.args.split_first()?;
        let slots = rest.first().and_then(Word::as_str);
        let slots = slots.and_then(|text| text.parse().ok());
        Some((self.kept.pools.lane(name.as_bytes()), slots))
    }

    /// The pool of an address; the same one in every location and after a reload, whatever these say of queues and
    /// of using connections again. Only another size, or another kind of connection, is another pool.
    ///
    /// How many connections it may hold is what `fastcgi_pool_size` says, else what is known of the
    /// FPM behind it, else what the pool finds out by itself.
    fn pool(&mut self, said: Said<'_>, address: Address) -> Pool {
        let config = self.pool_config(said, address);
        let status = said.at(d::FASTCGI_POOL_STATUS);
        let learns = Learns {
            size: config.size == Size::Unknown,
            status: match status.text(d::FASTCGI_POOL_STATUS) {
                None | Some(b"auto") => StatusPage::Auto,
                Some(b"off") => StatusPage::Off,
                Some(path) => StatusPage::At(String::from_utf8_lossy(path).into_owned()),
            },
        };
        let pool = self.kept.pools.pool(config, learns);
        if let Some((lane, slots)) = self.lane(said.scope) {
            pool.set_lane(lane, slots);
        }
        pool
    }

    /// What is said of the pools that a location asks.
    fn pool_config(&mut self, said: Said<'_>, address: Address) -> PoolConfig {
        let scope = said.scope;
        let given = said
            .at(d::FASTCGI_POOL_SIZE)
            .text(d::FASTCGI_POOL_SIZE)
            .filter(|text| *text != b"auto")
            .and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        let size = given.map_or(Size::Unknown, Size::Fixed);
        let mut config = PoolConfig::new(address, size);
        if given.is_none() && !scope.flag(d::FASTCGI_KEEP_CONN) {
            config.reuse = Reuse::cautious();
        }
        config.socket_keepalive = scope.flag(d::FASTCGI_SOCKET_KEEPALIVE);
        config.bind = self.bind(scope, d::FASTCGI_BIND);
        // Differs: connections of a pool all have the same address, so it cannot depend on the request.
        if self.varying_bind(scope, d::FASTCGI_BIND).is_some()
            && let Some(directive) = scope.find(d::FASTCGI_BIND)
        {
            self.error(
                directive,
                "own addresses with variables are not supported by this build",
            );
        }
        config
    }
}

/// Where a target of `fastcgi_pass` leads: an address, or the members of an `upstream` that are not down; nowhere
/// where variables are in it.
pub(crate) fn addresses(config: &Config, target: &str) -> Vec<Address> {
    if target.contains('$') {
        return Vec::new();
    }
    let Some(block) = upstream(config, target) else {
        return parse_address(target).unwrap_or_default();
    };
    let members = block
        .own(d::UPSTREAM_SERVER)
        .filter_map(|directive| portunus_conf::typed::Member::parse(directive).ok());
    members
        .filter(|member| !member.down)
        .filter_map(|member| parse_address(member.word.as_str()?).ok())
        .flatten()
        .collect()
}

/// `host:port`, `unix:/path`; nginx's words where it is neither.
fn parse_address(text: &str) -> Result<Vec<Address>, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        let path = path.strip_suffix(':').unwrap_or(path);
        return Ok(vec![Address::Unix(PathBuf::from(path))]);
    }
    if text
        .rsplit_once(':')
        .is_none_or(|(_, port)| port.parse::<u16>().is_err())
    {
        return Err(format!("no port in upstream \"{text}\""));
    }
    match text.to_socket_addrs() {
        Ok(found) => {
            let asked = of_one_family(found).into_iter();
            Ok(asked.map(Address::Tcp).collect())
        }
        Err(_) => {
            let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
            Err(format!("host not found in upstream \"{host}\""))
        }
    }
}

/// Statuses of PHP's answers that a page of ours stands in for.
///
/// Source: nginx, `ngx_http_upstream_intercept_errors`.
fn intercepted(scope: Scope<'_>) -> Box<[u16]> {
    match scope.flag(d::FASTCGI_INTERCEPT_ERRORS) {
        true => statuses_with_pages(scope)
            .filter(|status| *status >= 300)
            .collect(),
        false => Box::default(),
    }
}

fn hidden(scope: Scope<'_>) -> Vec<HeaderName> {
    let passed = names(scope, d::FASTCGI_PASS_HEADER);
    let own = HIDDEN.iter().map(|name| HeaderName::from_static(name));
    own.chain(names(scope, d::FASTCGI_HIDE_HEADER))
        .filter(|name| !passed.contains(name))
        .collect()
}

fn words(scope: Scope<'_>, id: portunus_conf::DirectiveId) -> Vec<String> {
    let directives = scope.all(id);
    let words = directives.iter().flat_map(|directive| &directive.args);
    words.filter_map(Word::as_str).map(str::to_owned).collect()
}
