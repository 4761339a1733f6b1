//! Groups of servers: who is asked next, who has failed, who is spared.
//!
//! No sockets and no clock: the caller says what time it is, connects, and reports how it went.
//!
//! ```
//! use std::time::Instant;
//! use portunus_upstream::{Balance, Group, Outcome, Peer, Tries};
//!
//! let group = Group::new("app", vec![Peer::new("a"), Peer::new("b")], Balance::RoundRobin);
//! let mut tries = Tries::default();
//! let first = group.select(&mut tries, b"", Instant::now()).expect("both are up");
//! group.release(first, Outcome::Failed, Instant::now());
//! let second = group.select(&mut tries, b"", Instant::now()).expect("one is left");
//! assert_ne!(first, second);
//! # group.release(second, Outcome::Served, Instant::now());
//! ```

mod balance;
mod group;
mod hash;
mod peer;

pub use balance::Balance;
pub use group::{Disabled, Group, Tries};
pub use peer::{Outcome, Peer};
