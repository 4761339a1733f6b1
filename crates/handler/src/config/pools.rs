//! Pools of addresses that are only known when a request names them.

use std::collections::HashMap;
use std::net::ToSocketAddrs as _;
use std::sync::{Arc, Mutex, PoisonError};

use portunus_fpm::{Address, Pool, PoolConfig, Reuse, Size};

use super::FastCgiGroup;

/// `fastcgi_pass` with variables: a pool for each address that turned up, and the `upstream` blocks
/// by their names.
#[derive(Debug, Default)]
pub struct DynamicPools {
    groups: Mutex<HashMap<Box<[u8]>, Arc<FastCgiGroup>>>,
}

impl FromIterator<(Box<[u8]>, Arc<FastCgiGroup>)> for DynamicPools {
    /// With groups that are known by names.
    fn from_iter<I: IntoIterator<Item = (Box<[u8]>, Arc<FastCgiGroup>)>>(named: I) -> Self {
        Self {
            groups: Mutex::new(named.into_iter().collect()),
        }
    }
}

impl DynamicPools {
    /// The group for `host:port`, `unix:/path` or the name of an `upstream`.
    ///
    /// # Errors
    /// nginx's words where it is neither. A name must have been made known, or be in
    /// `/etc/hosts`: a request does not wait for the DNS.
    pub fn find(&self, target: &[u8]) -> Result<Arc<FastCgiGroup>, String> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = groups.get(target) {
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
        let mut config = PoolConfig::new(address, Size::Unknown);
        config.reuse = Reuse::cautious();
        let group = Arc::new(FastCgiGroup::of_one(Pool::new(config)));
        groups.insert(target.into(), Arc::clone(&group));
        Ok(group)
    }
}
