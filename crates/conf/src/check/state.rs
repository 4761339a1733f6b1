//! What has been declared so far.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use portunus_conf_syntax::Directive;

use super::listen::Socket;
use super::regex::RegexCheck;
use crate::address::{Address, Url};
use crate::fault::{Fault, show};
use crate::typed::LogBuffer;

/// What has been declared so far.
#[derive(Default)]
pub(super) struct State<'a> {
    /// Whether names of hosts are looked up.
    pub(super) look_up: bool,
    /// What compiles regular expressions, to see whether they can be.
    pub(super) regex: Option<RegexCheck>,
    /// Names of hosts that were looked up, and whether they were found.
    pub(super) hosts: HashMap<Vec<u8>, bool>,
    /// Memory zones by name, those that were used or declared.
    pub(super) zones: BTreeMap<&'a [u8], Zone>,
    /// Names of zones in the order of their first mention, and where that was.
    pub(super) zone_order: Vec<(&'a [u8], &'a Directive)>,
    /// Names of log formats.
    pub(super) formats: Vec<&'a [u8]>,
    /// Buffers of access logs by path.
    pub(super) log_buffers: HashMap<&'a [u8], LogBuffer>,
    /// Groups of servers, declared or meant by an address.
    pub(super) upstreams: Vec<Group<'a>>,
    /// Sockets that are listened on.
    pub(super) sockets: Vec<Socket<'a>>,
    /// Pairs of charsets, in lower case, smaller first.
    pub(super) charset_maps: Vec<(Vec<u8>, Vec<u8>)>,
    /// Directories that files are kept in.
    pub(super) paths: Vec<DataPath<'a>>,
    /// Names of thread pools.
    pub(super) thread_pools: Vec<&'a [u8]>,
    /// Those that were used, and where.
    pub(super) used_pools: Vec<(&'a [u8], &'a Directive)>,
}

/// A directory that files are kept in.
pub(super) struct DataPath<'a> {
    pub(super) full: PathBuf,
    /// Digits of each level of subdirectories.
    pub(super) levels: Vec<i64>,
    /// Whether answers are stored there, which nothing else may share.
    pub(super) cache: bool,
    pub(super) directive: &'a Directive,
}

/// A memory zone.
#[derive(Clone, Copy)]
pub(super) struct Zone {
    /// Which module it belongs to.
    pub(super) owner: ZoneOwner,
    /// Its size; 0 while it has only been used.
    pub(super) size: u64,
    /// Whether its declaration has been seen.
    pub(super) declared: bool,
}

/// Which module a zone belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ZoneOwner {
    LimitReq,
    LimitConn,
    FastcgiCache,
    ProxyCache,
    /// Of modules that are not here; their directives are checked all the same.
    OtherCache,
    Ssl,
    Upstream,
}

/// A group of servers. nginx: `ngx_http_upstream_srv_conf_t`.
pub(super) struct Group<'a> {
    pub(super) host: &'a [u8],
    pub(super) port: Option<u16>,
    /// Whether it was written with a port.
    pub(super) has_port: bool,
    /// Whether it has a block of its own.
    pub(super) block: bool,
    /// Whether its address is known without looking up.
    pub(super) numeric: bool,
    /// Where it was first mentioned.
    pub(super) directive: &'a Directive,
}

impl<'a> State<'a> {
    /// Mentions a zone. nginx: `ngx_shared_memory_add`.
    pub(super) fn add_zone(
        &mut self,
        name: &'a [u8],
        size: u64,
        owner: ZoneOwner,
        directive: &'a Directive,
    ) -> Result<&mut Zone, Fault> {
        if !self.zones.contains_key(name) {
            self.zone_order.push((name, directive));
        }
        let new = Zone {
            owner,
            size,
            declared: false,
        };
        let zone = self.zones.entry(name).or_insert(new);
        if zone.owner != owner {
            let name = show(name);
            let message = format!(
                "the shared memory zone \"{name}\" is already declared for a different use"
            );
            return Err(Fault::new(message));
        }
        if zone.size == 0 {
            zone.size = size;
        }
        if size != 0 && size != zone.size {
            let (name, old) = (show(name), zone.size);
            let message = format!(
                "the size {size} of shared memory zone \"{name}\" \
                 conflicts with already declared size {old}"
            );
            return Err(Fault::new(message));
        }
        Ok(zone)
    }

    /// Mentions a group by an address. nginx: `ngx_http_upstream_add` without `CREATE`.
    pub(super) fn use_upstream(
        &mut self,
        url: &Url<'a>,
        directive: &'a Directive,
    ) -> Result<(), Fault> {
        let (port, numeric) = match &url.address {
            Address::Unix(_) => (None, true),
            Address::Ip(address) => (Some(address.port()), true),
            Address::Name(_, port) => (Some(*port).filter(|port| *port != 0), false),
        };
        // nginx counts a Unix socket as an address with a port of 0.
        let has_port = url.has_port || matches!(url.address, Address::Unix(_));
        for group in &self.upstreams {
            if !group.host.eq_ignore_ascii_case(url.host) {
                continue;
            }
            if group.block && has_port {
                let (host, port) = (show(url.host), port.unwrap_or(0));
                return Err(Fault::new(format!(
                    "upstream \"{host}\" may not have port {port}"
                )));
            }
            if group.port.is_none() || port.is_none() || group.port == port {
                return Ok(());
            }
        }
        let host = url.host;
        self.upstreams.push(Group {
            host,
            port,
            has_port,
            block: false,
            numeric,
            directive,
        });
        Ok(())
    }

    /// Whether a host is found; always so unless names are looked up.
    pub(super) fn is_found(&mut self, host: &[u8]) -> bool {
        if !self.look_up {
            return true;
        }
        let found = self.hosts.get(host).copied();
        found.unwrap_or_else(|| {
            let found = !crate::address::look_up(host, 0).is_empty();
            self.hosts.insert(host.to_vec(), found);
            found
        })
    }
}
