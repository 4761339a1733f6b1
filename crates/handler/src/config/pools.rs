//! Pools of addresses that are only known when a request names them.

use std::collections::HashMap;
use std::net::ToSocketAddrs as _;
use std::sync::{Mutex, PoisonError};

use portunus_fpm::{Address, Pool, PoolConfig, Size};

/// `fastcgi_pass` with variables: a pool for each address that turned up, and those of `upstream`
/// blocks by their names.
#[derive(Debug, Default)]
pub struct DynamicPools {
    pools: Mutex<HashMap<Box<[u8]>, Pool>>,
}

impl DynamicPools {
    /// Makes a pool known under a name.
    pub fn insert(&self, name: &[u8], pool: Pool) {
        self.pools
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.into(), pool);
    }

    /// The pool for `host:port` or `unix:/path`.
    ///
    /// # Errors
    /// nginx's words where it is neither. A name must have been made known, or be in
    /// `/etc/hosts`: a request does not wait for the DNS.
    pub fn find(&self, target: &[u8]) -> Result<Pool, String> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(target) {
            return Ok(pool.clone());
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
        let pool = Pool::new(PoolConfig::new(address, Size::Unknown));
        pools.insert(target.into(), pool.clone());
        Ok(pool)
    }
}
