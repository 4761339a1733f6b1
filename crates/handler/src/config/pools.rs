//! Pools of addresses that are only known when a request names them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portunus_fpm::{Address, Pool, PoolConfig};

use super::FastCgiGroup;

/// So many addresses are remembered; of more, only those in use. A client may have its part in the address.
const MOST: usize = 1000;

/// How long the address of a name is remembered: the system's resolver does not tell for how long it holds.
const FRESH: Duration = Duration::from_secs(10);

/// How long an outdated address still does for others, while one request looks it up anew.
const RENEWAL: Duration = Duration::from_secs(5);

/// `fastcgi_pass` with variables: a pool for each address that turned up, and the `upstream` blocks
/// by their names. Shared by the locations that have the same rules for their pools.
#[derive(Debug)]
pub struct DynamicPools {
    /// Of every pool but for its address.
    rules: PoolConfig,
    named: HashMap<Box<[u8]>, Arc<FastCgiGroup>>,
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    groups: HashMap<Box<[u8]>, Arc<FastCgiGroup>>,
    /// Addresses of names, and until when they hold.
    names: HashMap<Box<[u8]>, (SocketAddr, Instant)>,
    lanes: Vec<(usize, Option<usize>)>,
}

/// Why there is no group for what a request names.
#[derive(Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is no address; in nginx's words.
    Invalid(String),
    /// It is a name that has to be looked up, which waits; then [`DynamicPools::learn`] is to be told.
    Name {
        /// The name.
        host: String,
        /// The port behind it.
        port: u16,
    },
}

impl DynamicPools {
    /// With groups that are known by names.
    pub fn new(
        rules: PoolConfig,
        named: impl IntoIterator<Item = (Box<[u8]>, Arc<FastCgiGroup>)>,
    ) -> Self {
        Self {
            rules,
            named: named.into_iter().collect(),
            found: Mutex::default(),
        }
    }

    /// Of every pool but for its address, which means nothing.
    pub fn rules(&self) -> &PoolConfig {
        &self.rules
    }

    /// What [`Pool::set_lane`] is to be told of every pool.
    pub fn set_lane(&self, lane: usize, slots: Option<usize>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.lanes.push((lane, slots));
    }

    /// The group for `host:port`, `unix:/path` or the name of an `upstream`. Never waits.
    ///
    /// # Errors
    /// Where it is neither, or a name whose address is not known.
    ///
    /// Source: nginx, `ngx_http_fastcgi_eval`, `ngx_http_upstream_init_request`.
    pub fn find(&self, target: &[u8]) -> Result<Arc<FastCgiGroup>, Missing> {
        if let Some(group) = self.named.get(target) {
            return Ok(Arc::clone(group));
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = found.groups.get(target) {
            return Ok(Arc::clone(group));
        }
        let text = String::from_utf8_lossy(target);
        if let Some(path) = text.strip_prefix("unix:") {
            let address = Address::Unix(path.trim_end_matches(':').into());
            return Ok(self.group(&mut found, target, address));
        }
        let (host, port) = split(&text).map_err(Missing::Invalid)?;
        if let Ok(address) = text.parse() {
            return Ok(self.group(&mut found, target, Address::Tcp(address)));
        }
        let now = Instant::now();
        if let Some((address, until)) = found.names.get_mut(target) {
            let address = *address;
            if *until > now {
                return Ok(self.group_at(&mut found, address));
            }
            *until = now + RENEWAL;
        }
        let host = host.to_owned();
        Err(Missing::Name { host, port })
    }

    /// The group for a name that has been looked up.
    pub fn learn(&self, target: &[u8], address: SocketAddr) -> Arc<FastCgiGroup> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if found.names.len() >= MOST {
            found.names.retain(|_, (_, until)| *until > now);
        }
        if found.names.len() < MOST {
            found.names.insert(target.into(), (address, now + FRESH));
        }
        self.group_at(&mut found, address)
    }

    /// The group of an address, by which all names that lead to it find it.
    fn group_at(&self, found: &mut Found, address: SocketAddr) -> Arc<FastCgiGroup> {
        let name = address.to_string();
        match found.groups.get(name.as_bytes()) {
            Some(known) => Arc::clone(known),
            None => self.group(found, name.as_bytes(), Address::Tcp(address)),
        }
    }

    fn group(&self, found: &mut Found, name: &[u8], address: Address) -> Arc<FastCgiGroup> {
        let pool = Pool::new(PoolConfig {
            address,
            ..self.rules.clone()
        });
        for &(lane, slots) in &found.lanes {
            pool.set_lane(lane, slots);
        }
        if found.groups.len() >= MOST {
            found.groups.retain(|_, group| is_used(group));
        }
        let group = Arc::new(FastCgiGroup::of_one(pool));
        found.groups.insert(name.into(), Arc::clone(&group));
        group
    }
}

/// Host and port, or nginx's words where one of them is missing.
fn split(text: &str) -> Result<(&str, u16), String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    if host.is_empty() {
        return Err(format!("no host in upstream \"{text}\""));
    }
    match port.map(str::parse) {
        Some(Ok(port @ 1..)) => Ok((host, port)),
        Some(_) => Err(format!("invalid port in upstream \"{text}\"")),
        None => Err(format!("no port in upstream \"{host}\"")),
    }
}

/// Whether any request has to do with it, or a connection of its pool is open.
fn is_used(group: &Arc<FastCgiGroup>) -> bool {
    let is_busy = |pool: &Pool| {
        let load = pool.load();
        load.active + load.idle + load.waiting > 0
    };
    Arc::strong_count(group) > 1 || group.only().is_some_and(is_busy)
}

#[cfg(test)]
mod tests {
    use portunus_fpm::Size;

    use super::*;

    fn pools() -> DynamicPools {
        let rules = PoolConfig::new(Address::Unix("".into()), Size::Fixed(3));
        DynamicPools::new(rules, [])
    }

    #[test]
    fn what_is_no_address_is_told_in_nginx_words() {
        for (target, told) in [
            ("", "no host in upstream \"\""),
            (":9000", "no host in upstream \":9000\""),
            ("php", "no port in upstream \"php\""),
            ("127.0.0.1", "no port in upstream \"127.0.0.1\""),
            ("[::1]", "no port in upstream \"[::1]\""),
            ("php:0", "invalid port in upstream \"php:0\""),
            (
                "127.0.0.1:65536",
                "invalid port in upstream \"127.0.0.1:65536\"",
            ),
        ] {
            let missing = pools().find(target.as_bytes()).unwrap_err();
            assert_eq!(missing, Missing::Invalid(told.to_owned()));
        }
    }

    #[test]
    fn a_name_is_looked_up_by_who_asks_and_then_known() {
        let pools = pools();
        let unknown = Missing::Name {
            host: "php".to_owned(),
            port: 9000,
        };
        // Whatever the system knows of it.
        assert!(pools.find(b"localhost:9000").is_err());
        assert_eq!(pools.find(b"php:9000").unwrap_err(), unknown);
        let learnt = pools.learn(b"php:9000", ([127, 0, 0, 1], 9000).into());
        for target in [&b"php:9000"[..], b"127.0.0.1:9000"] {
            assert!(Arc::ptr_eq(&learnt, &pools.find(target).unwrap()));
        }
        let outdated = |pools: &DynamicPools| {
            let mut found = pools.found.lock().unwrap();
            let (_, until) = found.names.get_mut(&b"php:9000"[..]).unwrap();
            *until = Instant::now();
        };
        outdated(&pools);
        assert_eq!(pools.find(b"php:9000").unwrap_err(), unknown);
        // One request looks it up; the others go on with what is known.
        assert!(Arc::ptr_eq(&learnt, &pools.find(b"php:9000").unwrap()));
    }

    #[test]
    fn addresses_that_clients_make_up_are_forgotten() {
        let pools = pools();
        let used = pools.find(b"unix:/used").unwrap();
        for number in 0..2 * MOST {
            pools.find(format!("unix:/{number}").as_bytes()).unwrap();
        }
        assert!(pools.found.lock().unwrap().groups.len() <= MOST);
        assert!(Arc::ptr_eq(&used, &pools.find(b"unix:/used").unwrap()));
    }
}
