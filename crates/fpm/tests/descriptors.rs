//! A process that has no descriptor left. A binary of its own: the limit holds for all of a process.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where an expectation fails"
)]

use std::fs::File;
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;
use std::sync::Arc;

use bytes::Bytes;
use portunus_fpm::{Address, Body, Error, Options, Pool, PoolConfig, Request, Size};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A body that has to wait for room is watched by a second descriptor. Where there is none, FPM would wait for the rest of
/// the body, and we for its answer.
#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_watched_fails_its_request_at_once() {
    // Takes connections, and reads nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap());
    let pool = Pool::new(PoolConfig::new(address, Size::Fixed(1)));
    let options = Arc::new(Options::default());
    let free = File::open("/dev/null").unwrap().as_raw_fd();
    let one_more = Rlimit {
        current: u64::try_from(free).ok().map(|free| free + 1),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, one_more).unwrap();
    let failure = pool
        .send(Request {
            params: b"",
            body: Body::Bytes(Bytes::from(vec![b'.'; 16 << 20])),
            idempotent: false,
            head_only: false,
            replaced: &[],
            lane: 0,
            limit_rate: 0,
            options: &options,
        })
        .await
        .unwrap_err();
    assert!(
        matches!(failure.error, Error::Send(_)),
        "{:?}",
        failure.error
    );
}
