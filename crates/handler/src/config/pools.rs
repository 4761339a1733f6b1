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

/// Of one name, in order.
type Addresses = Arc<[SocketAddr]>;

#[derive(Debug, Default)]
struct Found {
    groups: HashMap<Box<[u8]>, Arc<FastCgiGroup>>,
    /// Addresses of names, and until when they hold.
    names: HashMap<Box<[u8]>, (Addresses, Instant)>,
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
        if let Some((addresses, until)) = found.names.get_mut(target) {
            let addresses = Arc::clone(addresses);
            if *until > now {
                return Ok(self.group_at(&mut found, &addresses));
            }
            *until = now + RENEWAL;
        }
        let host = host.to_owned();
        Err(Missing::Name { host, port })
    }

    /// The group for a name that has been looked up, and has these addresses.
    pub fn learn(&self, target: &[u8], mut addresses: Vec<SocketAddr>) -> Arc<FastCgiGroup> {
        // Whoever tells them may turn them round each time.
        addresses.sort_unstable();
        let addresses = Addresses::from(addresses);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if found.names.len() >= MOST {
            found.names.retain(|_, (_, until)| *until > now);
        }
        if found.names.len() < MOST {
            let known = (Arc::clone(&addresses), now + FRESH);
            found.names.insert(target.into(), known);
        }
        self.group_at(&mut found, &addresses)
    }

    /// The group of some addresses, by which all names that lead to them find it.
    fn group_at(&self, found: &mut Found, addresses: &[SocketAddr]) -> Arc<FastCgiGroup> {
        let name = match addresses {
            [only] => only.to_string(),
            all => {
                let names: Vec<_> = all.iter().map(ToString::to_string).collect();
                names.join(", ")
            }
        };
        if let Some(known) = found.groups.get(name.as_bytes()) {
            return Arc::clone(known);
        }
        if let [only] = addresses {
            return self.group(found, name.as_bytes(), Address::Tcp(*only));
        }
        let members = addresses.iter().map(|one| self.group_at(found, &[*one]));
        let pools = members.filter_map(|member| Some(member.only()?.clone()));
        let group = Arc::new(FastCgiGroup::in_turn(&name, pools.collect::<Vec<_>>()));
        (found.groups).insert(name.into_bytes().into(), Arc::clone(&group));
        group
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
    let mut members = group.group.peers().iter();
    Arc::strong_count(group) > 1 || members.any(|member| is_busy(&member.address))
}

/// Of the addresses of a name, those that are asked.
///
/// Differs: nginx asks all. FPM often listens on the IPv4 one of two that are the same machine, and where it listens
/// on both there would be two pools for its workers.
#[must_use]
pub fn of_one_family(found: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut found: Vec<_> = found.into_iter().collect();
    if found.iter().any(SocketAddr::is_ipv4) {
        found.retain(SocketAddr::is_ipv4);
    }
    let mut once = Vec::with_capacity(found.len());
    for address in found {
        if !once.contains(&address) {
            once.push(address);
        }
    }
    once
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
        let learnt = pools.learn(b"php:9000", vec![([127, 0, 0, 1], 9000).into()]);
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
    fn all_addresses_of_a_name_take_turns() {
        let pools = pools();
        let addresses = [[10, 0, 0, 1], [10, 0, 0, 2]].map(|ip| SocketAddr::from((ip, 9000)));
        let [one, other] = addresses;
        let group = pools.learn(b"php:9000", vec![one, other]);
        let again = pools.learn(b"php:9000", vec![other, one]);
        assert!(
            Arc::ptr_eq(&group, &again),
            "in whatever order they are told"
        );
        assert!(Arc::ptr_eq(&group, &pools.find(b"php:9000").unwrap()));
        let members = group.group.peers().iter();
        for (member, address) in members.zip(addresses) {
            let alone = pools.find(address.to_string().as_bytes()).unwrap();
            assert!(member.address.is_same(alone.only().unwrap()));
        }
    }

    #[test]
    fn one_family_of_addresses_is_asked() {
        let all = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        for (found, asked) in [
            (
                &["[::1]:9", "10.0.0.2:9", "10.0.0.1:9", "10.0.0.2:9"][..],
                &["10.0.0.2:9", "10.0.0.1:9"][..],
            ),
            (&["[::1]:9", "[::2]:9"], &["[::1]:9", "[::2]:9"]),
            (&[], &[]),
        ] {
            assert_eq!(of_one_family(all(found)), all(asked));
        }
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
