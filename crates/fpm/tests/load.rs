//! The pool under load, before a real PHP-FPM: overload, other clients, lost workers, threads.
//!
//! That a figure is held is shown by `cargo xtask bench`. Here a machine that is busy otherwise is no reason to fail:
//! bounds lie half-way to what a plain line and kept connections come to, which is nothing at all.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where an expectation fails"
)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use portunus_fastcgi::{BeginRequest, Event, RecordType, ResponseDecoder, stream};
use portunus_fpm::{Address, Body, Pool, PoolConfig, Size};
use support::{Fpm, collect, get, params, post, text};

fn pool(fpm: &Fpm, slots: usize) -> Pool {
    Pool::new(PoolConfig::new(fpm.address.clone(), Size::Fixed(slots)))
}

/// Good answers a second in the second half of four seconds, when `rate` requests a second
/// come whose clients wait one second, and each takes a worker 200 ms.
async fn good_answers(pool: &Pool, rate: u32) -> f64 {
    let good = Arc::new(AtomicUsize::new(0));
    let start = tokio::time::Instant::now();
    let half = start + Duration::from_secs(2);
    for number in 0..rate * 4 {
        tokio::time::sleep_until(start + Duration::from_secs(1) * number / rate).await;
        let (pool, good) = (pool.clone(), Arc::clone(&good));
        tokio::spawn(async move {
            let answered =
                tokio::time::timeout(Duration::from_secs(1), get(&pool, "do=sleep&ms=200"));
            if let Ok(Ok(answer)) = answered.await
                && tokio::time::Instant::now() > half
            {
                assert_eq!(answer.body.exact_len(), Some(5));
                good.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    tokio::time::sleep_until(start + Duration::from_secs(4)).await;
    good.load(Ordering::Relaxed) as f64 / 2.0
}

#[tokio::test]
async fn overload_leaves_good_answers() {
    let Some(fpm) = Fpm::start(4) else { return };
    let pool = pool(&fpm, 4);
    for rate in [30, 60] {
        let good = good_answers(&pool, rate).await;
        assert!(
            good >= 10.0,
            "{good} good answers a second at {rate}, of 20 possible"
        );
        // Nothing has piled up: no more than a second's worth is left.
        let waiting = pool.load().waiting;
        assert!(waiting <= rate as usize, "{waiting} wait");
        assert_eq!(text(get(&pool, "").await).await, "hello world");
    }
}

#[tokio::test]
async fn abandoned_requests_do_not_pile_up() {
    let Some(fpm) = Fpm::start(4) else { return };
    let pool = pool(&fpm, 4);
    let clients: Vec<_> = (0..40)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { get(&pool, "do=sleep&ms=2000").await })
        })
        .collect();
    while pool.load().waiting < 36 {
        tokio::task::yield_now().await;
    }
    clients.iter().for_each(tokio::task::JoinHandle::abort);
    let asked = Instant::now();
    assert_eq!(text(get(&pool, "").await).await, "hello world");
    let waited = asked.elapsed();
    // All of them would take 20 s.
    assert!(waited < Duration::from_secs(10), "{waited:?}");
}

/// One request on a connection of its own, as any other FastCGI client would make it.
fn ask_directly(address: &Address) -> String {
    let Address::Tcp(address) = address else {
        return String::new();
    };
    let mut connection = TcpStream::connect(address).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut out = Vec::new();
    BeginRequest::responder(false).encode(1, &mut out);
    stream::encode_all(RecordType::Params, 1, &params("GET", "", None), &mut out);
    stream::encode_end(RecordType::Stdin, 1, &mut out);
    connection.write_all(&out).unwrap();
    let (mut decoder, mut input, mut answer) =
        (ResponseDecoder::new(1), BytesMut::new(), Vec::new());
    loop {
        match decoder.decode(&mut input).unwrap() {
            Event::Stdout(bytes) => answer.extend_from_slice(&bytes),
            Event::End(_) => return String::from_utf8(answer).unwrap(),
            Event::Need => {
                let mut chunk = [0; 4096];
                let read = connection.read(&mut chunk).unwrap();
                assert!(read > 0, "hung up");
                input.extend_from_slice(&chunk[..read]);
            }
            Event::StdoutEnd | Event::Stderr(_) => {}
        }
    }
}

#[tokio::test]
async fn another_client_of_the_same_fpm_gets_its_turn() {
    let Some(fpm) = Fpm::start(4) else { return };
    // All of FPM's workers, none left free: the worst an operator can configure.
    let pool = pool(&fpm, 4);
    let clients: Vec<_> = (0..32)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                loop {
                    assert_eq!(text(get(&pool, "").await).await, "hello world");
                }
            })
        })
        .collect();
    for _ in 0..4 {
        let address = fpm.address.clone();
        let answer = tokio::task::spawn_blocking(move || ask_directly(&address))
            .await
            .unwrap();
        assert!(answer.ends_with("hello world"), "{answer}");
    }
    clients.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Each turn of somebody else costs a connection of ours. While FPM's last worker is lent, there is one in 200 ms, whichever
/// connections are old enough to go.
#[tokio::test]
async fn a_lent_worker_costs_a_connection_now_and_then() {
    let Some(fpm) = Fpm::start(8) else { return };
    let pool = Pool::new(PoolConfig::new(fpm.address.clone(), Size::Workers(8)));
    let (fresh, start) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let clients: Vec<_> = (0..32)
        .map(|_| {
            let (pool, fresh) = (pool.clone(), Arc::clone(&fresh));
            tokio::spawn(async move {
                while start.elapsed() < Duration::from_secs(4) {
                    let answer = get(&pool, "do=sleep&ms=30").await.unwrap();
                    fresh.fetch_add(usize::from(!answer.timings.reused), Ordering::Relaxed);
                    assert_eq!(collect(answer.body).await.unwrap(), "slept");
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let turns = usize::try_from(start.elapsed().as_millis() / 200).unwrap();
    let fresh = fresh.load(Ordering::Relaxed);
    assert!(
        (turns / 2..=8 + turns * 5 / 4).contains(&fresh),
        "{fresh} fresh connections, where others had {turns} turns"
    );
}

#[tokio::test]
async fn slow_readers_hold_nobody_up() {
    let Some(fpm) = Fpm::start(2) else { return };
    let pool = pool(&fpm, 2);
    let mut readers = Vec::new();
    for _ in 0..50 {
        let mut body = get(&pool, "do=large&kib=1024").await.unwrap().body;
        std::future::poll_fn(|cx| body.poll_data(cx))
            .await
            .unwrap()
            .unwrap();
        readers.push(body);
    }
    for _ in 0..50 {
        assert_eq!(text(get(&pool, "").await).await, "hello world");
    }
    for body in readers {
        assert!(collect(body).await.unwrap().len() > 1_000_000 - 70_000);
    }
}

#[tokio::test]
async fn losing_workers_under_load_costs_no_get() {
    let Some(fpm) = Fpm::start(3) else { return };
    let pool = pool(&fpm, 3);
    let clients: Vec<_> = (0..12)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                for _ in 0..60 {
                    assert_eq!(text(get(&pool, "do=sleep&ms=2").await).await, "slept");
                }
            })
        })
        .collect();
    for _ in 0..5 {
        let pid: i32 = text(get(&pool, "do=pid").await).await.parse().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    for client in clients {
        client.await.unwrap();
    }
}

#[tokio::test]
async fn a_restart_under_load_costs_no_request() {
    let Some(mut fpm) = Fpm::start(3) else { return };
    let pool = pool(&fpm, 3);
    let done = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..9)
        .map(|client| {
            let (pool, done) = (pool.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                while done.load(Ordering::Relaxed) == 0 {
                    if client < 6 {
                        assert_eq!(text(get(&pool, "do=sleep&ms=2").await).await, "slept");
                    } else if let Err(failed) = post(&pool, "", Body::Empty, 0).await {
                        assert!(failed.sent, "a request that was not sent failed: {failed}");
                    }
                }
            })
        })
        .collect();
    for _ in 0..3 {
        fpm = tokio::task::spawn_blocking(move || {
            fpm.stop();
            fpm.restart();
            fpm
        })
        .await
        .unwrap();
        for _ in 0..20 {
            assert_eq!(text(get(&pool, "").await).await, "hello world");
        }
    }
    done.store(1, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
}

#[test]
fn threads_share_slots_and_connections() {
    let Some(fpm) = Fpm::start(2) else { return };
    let pool = pool(&fpm, 2);
    let served: Vec<(usize, usize)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| serve_on_own_runtime(&pool)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for (answers, reused) in served {
        assert_eq!(answers, 400);
        assert!(reused > 0, "no thread is left without connections");
    }
    assert_eq!((pool.load().active, pool.load().waiting), (0, 0));
    assert!(pool.load().idle <= 2);
}

/// Eight clients on a runtime of their own; answers, and how many came over kept connections.
fn serve_on_own_runtime(pool: &Pool) -> (usize, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    let mut reused = 0;
                    for _ in 0..50 {
                        let answer = get(&pool, "").await.unwrap();
                        reused += usize::from(answer.timings.reused);
                        assert!(pool.load().active <= 2);
                    }
                    (50, reused)
                })
            })
            .collect();
        let mut sum = (0, 0);
        for client in clients {
            let (answers, reused) = client.await.unwrap();
            sum = (sum.0 + answers, sum.1 + reused);
        }
        sum
    })
}
