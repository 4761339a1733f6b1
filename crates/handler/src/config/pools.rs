//! Pools of addresses that are only known when a request names them.

use std::collections::HashMap;
use std::net::ToSocketAddrs as _;
use std::sync::{Arc, Mutex, PoisonError};

use portunus_fpm::{Address, Pool, PoolConfig};

use super::FastCgiGroup;

/// So many addresses are remembered; of more, only those in use. A client may have its part in the address.
const MOST: usize = 1000;

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
    lanes: Vec<(usize, Option<usize>)>,
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

    /// The group for `host:port`, `unix:/path` or the name of an `upstream`.
    ///
    /// # Errors
    /// nginx's words where it is neither. A name must have been made known, or be in
    /// `/etc/hosts`: a request does not wait for the DNS.
    pub fn find(&self, target: &[u8]) -> Result<Arc<FastCgiGroup>, String> {
        if let Some(group) = self.named.get(target) {
            return Ok(Arc::clone(group));
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = found.groups.get(target) {
            return Ok(Arc::clone(group));
        }
        let text = String::from_utf8_lossy(target);
        let address = match text.strip_prefix("unix:") {
            Some(path) => Address::Unix(path.trim_end_matches(':').into()),
            None => match text
                .to_socket_addrs()
                .ok()
                .and_then(|mut found| found.next())
            {
                Some(address) => Address::Tcp(address),
                None => return Err(format!("no resolver defined to resolve {text}")),
            },
        };
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
        found.groups.insert(target.into(), Arc::clone(&group));
        Ok(group)
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

    #[test]
    fn addresses_that_clients_make_up_are_forgotten() {
        let rules = PoolConfig::new(Address::Unix("".into()), Size::Fixed(3));
        let pools = DynamicPools::new(rules, []);
        let used = pools.find(b"unix:/used").unwrap();
        for number in 0..2 * MOST {
            pools.find(format!("unix:/{number}").as_bytes()).unwrap();
        }
        assert!(pools.found.lock().unwrap().groups.len() <= MOST);
        assert!(Arc::ptr_eq(&used, &pools.find(b"unix:/used").unwrap()));
    }
}
