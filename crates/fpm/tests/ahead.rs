//! Requests that go out while those that they belong to wait in line.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where an expectation fails"
)]

mod support;

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use portunus_fpm::{Address, Options, Pool, PoolConfig, Size};
use portunus_testkit::{FastCgiPeer, Gate, Step};
use support::{get, get_with, text};
use tokio::task::LocalSet;

/// Long enough for anything here.
const PATIENCE: Duration = Duration::from_secs(20);

/// A peer that answers once, to a second request on that connection when the gate opens, and then at once again.
fn peer(gate: &Gate) -> FastCgiPeer {
    let mut script = Step::answer("A: 1", "first");
    let mut second = Step::answer("A: 1", "second");
    second.insert(1, Step::Wait(gate.clone()));
    script.extend(second);
    script.extend(Step::answer("A: 1", "third"));
    FastCgiPeer::start(vec![script]).unwrap()
}

fn pool(peer: &FastCgiPeer) -> Pool {
    Pool::new(PoolConfig::new(
        Address::Tcp(peer.address()),
        Size::Fixed(1),
    ))
}

/// Until the peer has read so many requests.
async fn until_read(peer: &FastCgiPeer, requests: usize) {
    let read = async {
        while peer.requests().len() < requests {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap();
}

#[tokio::test]
async fn the_next_in_line_is_sent_without_being_woken() {
    let gate = Gate::default();
    let peer = peer(&gate);
    let pool = pool(&peer);
    let polls = Rc::new(Cell::new(0));
    // A task each, or the two would be woken for each other.
    let tasks = LocalSet::new();
    let (counted, asks) = (Rc::clone(&polls), pool.clone());
    let first = tasks.run_until(async { text(get(&pool, "").await).await });
    let second = tasks.spawn_local(async move {
        // Behind the first.
        tokio::task::yield_now().await;
        let mut request = pin!(get(&asks, ""));
        poll_fn(|cx| {
            counted.set(counted.get() + 1);
            request.as_mut().poll(cx)
        })
        .await
    });
    assert_eq!(first.await, "first");
    tasks.run_until(until_read(&peer, 2)).await;
    assert_eq!((polls.get(), pool.load().active), (1, 1));
    gate.open();
    let second = tasks.run_until(second).await.unwrap();
    let second = second.unwrap();
    assert!(second.timings.reused && !second.timings.retried);
    assert!(second.timings.header.is_some_and(|time| time <= PATIENCE));
    assert_eq!(text(Ok(second)).await, "second");
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn who_leaves_leaves_a_busy_worker() {
    let gate = Gate::default();
    let peer = peer(&gate);
    let pool = pool(&peer);
    {
        let mut first = pin!(get(&pool, ""));
        let mut second = pin!(get(&pool, ""));
        let both = async {
            tokio::select! {
                biased;
                first = &mut first => text(first).await,
                _ = &mut second => unreachable!("there is one slot"),
            }
        };
        assert_eq!(both.await, "first");
        until_read(&peer, 2).await;
    }
    tokio::task::yield_now().await;
    assert_eq!(pool.load().active, 1, "its worker is at work");
    gate.open();
    // Nobody gets the answer of another.
    assert_eq!(text(get(&pool, "").await).await, "third");
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn time_runs_for_those_who_were_not_woken() {
    let gate = Gate::default();
    let peer = peer(&gate);
    let pool = pool(&peer);
    let options = Arc::new(Options {
        read_timeout: Duration::from_millis(50),
        ..Options::default()
    });
    let (first, second) = tokio::join!(
        biased;
        get_with(&pool, "", &options),
        get_with(&pool, "", &options)
    );
    assert_eq!(text(first).await, "first");
    assert_eq!(second.unwrap_err().error.status().as_u16(), 504);
    gate.open();
}
