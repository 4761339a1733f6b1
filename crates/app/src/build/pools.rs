//! The pools of PHP-FPM connections, and what is learned of the FPMs behind them. Both outlive a
//! reload.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use portunus_fpm::{Address, FpmFacts, Health, Pool, PoolConfig, Size};

/// Names of `php-fpm` to ask for its configuration: that of the official images, and Debian's.
pub(crate) const PROGRAMS: &[&str] = &[
    "php-fpm",
    "php-fpm8.1",
    "php-fpm8.2",
    "php-fpm8.3",
    "php-fpm8.4",
    "php-fpm8.5",
];

/// An FPM that could not be found is looked for again after so long, then after twice that.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// By the time that pauses are so long, an FPM that is to be found has been.
const HOPELESS: Duration = Duration::from_secs(4);

/// What a pool takes from what is learned of its FPM, because the operator said nothing about it.
#[derive(Debug, Clone)]
pub(super) struct Learns {
    pub(super) size: bool,
    pub(super) status: StatusPage,
}

/// `fastcgi_pool_status`: FPM's own page, for an FPM whose process and files are out of reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StatusPage {
    /// Where most put it, asked once, and only what is known to be an FPM.
    Auto,
    Off,
    At(String),
}

/// Where PHP's own example and most images put the status page.
const USUAL_STATUS_PAGE: &str = "/status";

/// How long FPM may take to answer for its status.
const STATUS_PATIENCE: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pools {
    known: HashMap<String, (Pool, Learns)>,
    /// Which of them the configuration that is being read has named so far.
    named: HashSet<String>,
    /// What was learned of an address.
    facts: HashMap<Address, FpmFacts>,
    /// Where the usual status page was asked for already.
    asked: HashSet<Address>,
    pause: Option<Duration>,
    /// The operator has been told that these cannot be found.
    told: HashSet<Address>,
    /// Names of lanes; their numbers begin at 1.
    lanes: Vec<Box<[u8]>>,
}

impl Pools {
    /// The number of a lane.
    pub(super) fn lane(&mut self, name: &[u8]) -> usize {
        let known = self.lanes.iter().position(|lane| **lane == *name);
        let at = known.unwrap_or_else(|| {
            self.lanes.push(name.into());
            self.lanes.len() - 1
        });
        at + 1
    }

    /// The pool that `config` asks for, made now if there is none.
    pub(super) fn pool(&mut self, config: PoolConfig, learns: Learns) -> Pool {
        let key = format!(
            "{:?} {:?} {:?} {:?}",
            config.address, config.size, config.socket_keepalive, config.bind
        );
        let is_first = self.named.insert(key.clone());
        if let Some((pool, known)) = self.known.get_mut(&key) {
            // What one location knows better than another holds for all.
            if is_first || learns.status != StatusPage::Auto {
                known.status = learns.status;
            }
            let is_bolder = config.reuse.idle_timeout > pool.reuse().idle_timeout;
            if is_bolder && !self.facts.contains_key(&config.address) {
                pool.keep_by(config.reuse);
            }
            return pool.clone();
        }
        let pool = Pool::new(config);
        if let Some(facts) = self.facts.get(&pool.config().address) {
            teach(&pool, &learns, facts);
        }
        self.known.insert(key, (pool.clone(), learns));
        pool
    }

    /// A configuration is about to be read.
    pub(super) fn begin(&mut self) {
        self.named.clear();
    }

    /// It has been read: pools that it does not name are nobody's but those requests' that still use them, and their
    /// FPMs are not looked for any more.
    pub(super) fn finish(&mut self) {
        let named = std::mem::take(&mut self.named);
        self.known.retain(|key, _| named.contains(key));
    }

    /// After how long FPMs that are not known yet should be looked for; `None` if all are known.
    pub(crate) fn next_look(&self) -> Option<Duration> {
        let pause = self.pause.unwrap_or_default();
        self.unknown().next().map(|_| pause)
    }

    /// Looks for FPMs of which nothing is known: as many do not run yet when we start.
    pub(crate) async fn learn(&mut self) {
        let wanted: HashSet<Address> = self.unknown().cloned().collect();
        for address in wanted {
            let mut found = portunus_fpm::discover(&address, PROGRAMS).await;
            if found.is_none() {
                found = self.ask(&address).await;
            }
            let Some(facts) = found else {
                continue;
            };
            let (name, workers) = (&facts.name, facts.max_children);
            tracing::info!("FPM pool \"{name}\" at {address} has {workers} workers");
            for (pool, learns) in self.known.values() {
                if pool.config().address == address {
                    teach(pool, learns, &facts);
                }
            }
            self.facts.insert(address, facts);
        }
        let pause = self.pause.map_or(FIRST_PAUSE, |pause| pause * 2);
        self.pause = Some(pause.min(LONGEST_PAUSE));
        if pause >= HOPELESS {
            self.tell_of_unknown();
        }
    }

    /// Those who run PHP-FPM in another container can say what cannot be seen from here.
    fn tell_of_unknown(&mut self) {
        let unknown: Vec<Address> = self.unknown().cloned().collect();
        for address in unknown {
            if self.told.insert(address.clone()) {
                tracing::info!(
                    "how many workers PHP-FPM at {address} has cannot be learned and is measured; \
                     \"fastcgi_pool_size\" or \"fastcgi_pool_status\" may tell"
                );
            }
        }
    }

    /// Whether one of the FPMs shares this machine's processors with us.
    pub(crate) fn any_here(&self) -> bool {
        self.known
            .values()
            .any(|(pool, _)| match &pool.config().address {
                Address::Tcp(address) => address.ip().is_loopback(),
                Address::Unix(_) => true,
            })
    }

    /// Forgets what was learned: the FPMs may have a new configuration, too.
    pub(crate) fn forget(&mut self) {
        self.facts.clear();
        self.asked.clear();
        self.pause = None;
    }

    /// Asks FPM itself.
    async fn ask(&mut self, address: &Address) -> Option<FpmFacts> {
        let here = self.known.values();
        let (pool, learns) = here
            .filter(|(pool, _)| pool.config().address == *address)
            .max_by_key(|(pool, _)| pool.has_met_fpm())?;
        let path = match &learns.status {
            StatusPage::Off => return None,
            StatusPage::At(path) => path.clone(),
            StatusPage::Auto if pool.has_met_fpm() && self.asked.insert(address.clone()) => {
                USUAL_STATUS_PAGE.to_owned()
            }
            StatusPage::Auto => return None,
        };
        let health = Health::new(address.clone(), STATUS_PATIENCE);
        health.facts(&path).await
    }

    fn unknown(&self) -> impl Iterator<Item = &Address> {
        let addresses = self.known.values().filter(|(_, learns)| learns.size);
        addresses
            .map(|(pool, _)| &pool.config().address)
            .filter(|address| !self.facts.contains_key(address))
    }
}

fn teach(pool: &Pool, learns: &Learns, facts: &FpmFacts) {
    let config = pool.config();
    let size = match learns.size {
        true => Size::Workers(facts.max_children),
        false => config.size,
    };
    pool.learn(size, facts.reuse());
    pool.meet_fpm();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(pools: &mut Pools, port: u16, status: StatusPage) -> Pool {
        let address = Address::Tcp(([127, 0, 0, 1], port).into());
        let config = PoolConfig::new(address, Size::Unknown);
        pools.pool(config, Learns { size: true, status })
    }

    #[test]
    fn what_is_named_no_more_is_not_looked_for() {
        let mut pools = Pools::default();
        pools.begin();
        let first = name(&mut pools, 1, StatusPage::Auto);
        name(&mut pools, 2, StatusPage::Auto);
        pools.finish();
        assert_eq!(pools.unknown().count(), 2);
        pools.begin();
        let again = name(&mut pools, 1, StatusPage::Auto);
        pools.finish();
        assert!(first.is_same(&again));
        assert_eq!(pools.unknown().count(), 1);
    }

    #[test]
    fn where_the_status_page_is_one_location_says_for_all() {
        let mut pools = Pools::default();
        let page = || StatusPage::At("/fpm".to_owned());
        for (said, found) in [
            ([page(), StatusPage::Auto], page()),
            ([StatusPage::Auto, page()], page()),
            ([StatusPage::Auto, StatusPage::Auto], StatusPage::Auto),
        ] {
            pools.begin();
            for status in said {
                name(&mut pools, 1, status);
            }
            pools.finish();
            let known = pools.known.values().map(|(_, learns)| &learns.status);
            assert!(known.eq([&found]));
        }
    }
}
