//! The pool against a real PHP-FPM.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where an expectation fails"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use portunus_fastcgi::Params;
use portunus_fpm::{Address, Body, Health, HealthError, Options, Pool, PoolConfig, Size};
use support::{Fpm, collect, get, get_with, options, post, request, text};

macro_rules! fpm {
    ($($argument:expr),*) => {
        match Fpm::with($($argument),*) {
            Some(fpm) => fpm,
            None => return,
        }
    };
}

fn pool(fpm: &Fpm, slots: usize) -> Pool {
    Pool::new(PoolConfig::new(fpm.address.clone(), Size::Fixed(slots)))
}

#[tokio::test]
async fn answers_over_tcp_and_unix() {
    for unix in [false, true] {
        let fpm = fpm!(2, unix, "");
        let pool = pool(&fpm, 2);
        let answer = get(&pool, "name=you").await.unwrap();
        assert_eq!(answer.head.status, 200);
        assert_eq!(
            answer.head.fields.get(&http::header::CONTENT_TYPE).unwrap(),
            "text/plain;charset=UTF-8"
        );
        assert_eq!(answer.body.exact_len(), Some(9));
        assert_eq!(collect(answer.body).await.unwrap(), "hello you");
        // A connection whose worker has not shown yet that it is back is not used.
        while get(&pool, "").await.unwrap().timings.connect.is_some() {
            tokio::task::yield_now().await;
        }
        let again = get(&pool, "").await.unwrap();
        assert_eq!(again.timings.reused, again.timings.connect.is_none());
        assert!(pool.load().idle <= 2);
    }
}

#[tokio::test]
async fn bodies_arrive_whole() {
    let fpm = fpm!(2, false, "");
    let pool = pool(&fpm, 2);
    for length in [0_usize, 1, 1000, 65_535, 65_536, 3_000_000] {
        let body = Bytes::from(vec![b'x'; length]);
        let answer = text(post(&pool, "do=body", Body::Bytes(body), length as u64).await).await;
        assert!(answer.starts_with(&format!("{length} ")), "{answer}");
    }
    assert_eq!(pool.load().idle, 0, "not used again after a body");
    let ignored = Bytes::from(vec![b'x'; 3_000_000]);
    assert_eq!(
        text(post(&pool, "do=ignore", Body::Bytes(ignored), 3_000_000).await).await,
        "ignored"
    );
}

/// A large body that came in pieces goes out in them: long ones, short ones behind them, one that fills a record.
#[tokio::test]
async fn pieces_of_a_body_keep_their_order() {
    let fpm = fpm!(1, false, "");
    let pool = pool(&fpm, 1);
    let bytes: Vec<u8> = (0..1_500_000_u32).flat_map(u32::to_be_bytes).collect();
    let mut spool = portunus_spool::Spool::new(portunus_spool::Limits {
        memory: bytes.len(),
        file: 0,
        directory: Arc::new("/nonexistent".into()),
    });
    let (mut rest, lengths) = (&bytes[..], [65_536, 10, 8_192, 65_528, 200_001, 8_191]);
    for length in lengths.into_iter().cycle() {
        let (piece, later) = rest.split_at(length.min(rest.len()));
        spool.push(Bytes::copy_from_slice(piece)).await.unwrap();
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    let body = Body::Spooled(spool.finish().await.unwrap());
    let answer = text(post(&pool, "do=body", body, bytes.len() as u64).await).await;
    assert_eq!(answer, format!("{} {:08x}", bytes.len(), crc32(&bytes)));
}

/// As PHP's `hash('crc32b', …)`.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// PHP hangs up on a pair that goes on in the next record.
#[tokio::test]
async fn params_beyond_one_record_arrive() {
    let fpm = fpm!(1, false, "");
    let pool = pool(&fpm, 1);
    let mut params = Params::default();
    for _ in 0..5 {
        params.push(b"HTTP_LONG", &[b'x'; 30_000]);
    }
    params.push_wire(&support::params("GET", "name=you", None));
    let options = options();
    let request = request(params.as_bytes(), &options);
    assert_eq!(text(pool.send(request).await).await, "hello you");
}

/// As while FPM with `pm = dynamic` starts its workers one by one. Requests are counted, not seconds: a machine may be
/// slow, but whoever waits is not overtaken for ever.
#[tokio::test]
async fn where_workers_are_fewer_than_slots_each_request_has_its_turn() {
    const CLIENTS: usize = 10;
    let fpm = fpm!(1, false, "");
    let pool = pool(&fpm, CLIENTS / 2);
    let answered = Arc::new(AtomicUsize::new(0));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (pool, answered) = (pool.clone(), answered.clone());
        clients.spawn(async move {
            let mut most = 0;
            for _ in 0..20 {
                let before = answered.load(Ordering::Relaxed);
                assert_eq!(text(get(&pool, "do=sleep&ms=10").await).await, "slept");
                let after = answered.fetch_add(1, Ordering::Relaxed);
                most = most.max(after - before);
            }
            most
        });
    }
    let most = clients.join_all().await.into_iter().max().unwrap();
    assert!(most < 6 * CLIENTS, "overtaken by {most}");
}

#[tokio::test]
async fn heads_and_statuses() {
    let fpm = fpm!(1, false, "");
    let pool = pool(&fpm, 1);
    let redirect = get(&pool, "do=redirect").await.unwrap();
    assert_eq!(
        (
            redirect.head.status.as_u16(),
            redirect.head.fields.get(&http::header::LOCATION).unwrap()
        ),
        (302, &"/elsewhere".parse().unwrap())
    );
    assert_eq!(
        get(&pool, "do=status&code=404").await.unwrap().head.status,
        404
    );
    let logged = get(&pool, "do=stderr").await.unwrap();
    assert_eq!(logged.stderr, ["PHP message: something odd"]);
    assert_eq!(
        get(&pool, "do=status&code=700")
            .await
            .unwrap_err()
            .error
            .status(),
        502
    );
}

#[tokio::test]
async fn large_answers_come_buffered_and_streamed() {
    let fpm = fpm!(2, false, "");
    let pool = pool(&fpm, 2);
    for buffering in [true, false] {
        let options = std::sync::Arc::new(Options {
            buffering,
            ..Options::default()
        });
        let answer = get_with(&pool, "do=large&kib=5000", &options)
            .await
            .unwrap();
        assert_eq!(answer.body.is_streamed(), !buffering);
        let body = collect(answer.body).await.unwrap();
        assert_eq!(body.len(), 5000 * 1024);
        assert!(body.chunks(16).all(|chunk| chunk == b"0123456789abcdef"));
    }
}

#[tokio::test]
async fn a_slow_reader_holds_no_worker() {
    let fpm = fpm!(1, false, "");
    let pool = pool(&fpm, 1);
    let slow = get(&pool, "do=large&kib=5000").await.unwrap();
    assert_eq!(text(get(&pool, "").await).await, "hello world");
    assert_eq!(collect(slow.body).await.unwrap().len(), 5000 * 1024);
}

#[tokio::test]
async fn events_come_as_php_flushes_them() {
    let fpm = fpm!(1, false, "");
    let pool = pool(&fpm, 1);
    let mut answer = get(&pool, "do=stream").await.unwrap();
    assert!(answer.body.is_streamed());
    for tick in 0..3 {
        let piece = std::future::poll_fn(|cx| answer.body.poll_data(cx))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(piece, format!("tick {tick}\n"));
    }
    assert!(
        std::future::poll_fn(|cx| answer.body.poll_data(cx))
            .await
            .is_none()
    );
    let aside = answer.body.aside().unwrap();
    assert!(aside.response_time().unwrap() >= Duration::from_millis(60));
    let traffic = aside.traffic();
    assert!(traffic.sent > 0);
    // Three times seven bytes with their framing, and END_REQUEST.
    assert!((3 * 7 + 16..100).contains(&traffic.behind_head));
    assert!(traffic.received > traffic.behind_head);
}

/// A script that answers and works on (`fastcgi_finish_request`, which Laravel calls in every request)
/// keeps its worker, and nobody else.
#[tokio::test]
async fn work_after_an_answer_keeps_nobody_waiting() {
    let fpm = fpm!(4, false, "");
    let pool = Pool::new(PoolConfig::new(fpm.address.clone(), Size::Workers(4)));
    pool.meet_fpm();
    for number in 0..2 {
        let note = tempfile::NamedTempFile::new().unwrap();
        let file = note.path().display();
        let late = text(get(&pool, &format!("do=finish&ms=5000&file={file}")).await).await;
        assert_eq!(late, "finished");
        // One after the other, and then more at once than there are workers.
        for _ in 0..20 {
            assert_eq!(text(get(&pool, "").await).await, "hello world");
        }
        let together = (0..20).map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { text(get(&pool, "do=sleep&ms=5").await).await })
        });
        for request in together.collect::<Vec<_>>() {
            assert_eq!(request.await.unwrap(), "slept");
        }
        let done = std::fs::read_to_string(note.path()).unwrap();
        assert_eq!(done, "", "somebody waited for the end, {number}");
    }
}

#[tokio::test]
async fn waiting_requests_are_served_in_turn() {
    let fpm = fpm!(2, false, "");
    let pool = pool(&fpm, 2);
    let requests = (0..20).map(|number| {
        let pool = pool.clone();
        tokio::spawn(async move { text(get(&pool, &format!("name={number}")).await).await })
    });
    for (number, request) in requests.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(request.await.unwrap(), format!("hello {number}"));
    }
    assert!(pool.load().idle <= 2 && pool.load().active == 0);
}

#[tokio::test]
async fn recycled_workers_lose_nothing() {
    let fpm = fpm!(2, false, "pm.max_requests = 5");
    let pool = pool(&fpm, 2);
    for number in 0..60 {
        let answer = match number % 3 {
            0 => post(&pool, "do=body", Body::Bytes("abc".into()), 3).await,
            _ => get(&pool, "").await,
        };
        assert_eq!(answer.unwrap().head.status, 200);
    }
}

/// FPM hangs up right behind each fifth answer, when the next request may be on its way: nothing tells then whether
/// it was run.
#[tokio::test]
async fn recycled_workers_lose_no_post_either() {
    let fpm = fpm!(2, false, "pm.max_requests = 5");
    let pool = pool(&fpm, 2);
    pool.meet_fpm();
    let clients = (0..6).map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut reused = 0;
            for _ in 0..100 {
                let answer = post(&pool, "", Body::Empty, 0).await.unwrap();
                reused += usize::from(answer.timings.reused);
            }
            reused
        })
    });
    let mut reused = 0;
    for client in clients.collect::<Vec<_>>() {
        reused += client.await.unwrap();
    }
    assert!(reused > 100, "{reused} of 600 over a kept connection");
}

#[tokio::test]
async fn a_script_that_kills_its_worker_is_run_twice_by_a_get_and_once_by_a_post() {
    let fpm = fpm!(2, false, "");
    let pool = pool(&fpm, 2);
    // On a fresh connection first, then on kept ones if there are any.
    for _ in 0..4 {
        let runs = tempfile::NamedTempFile::new().unwrap();
        let query = format!("do=die&file={}", runs.path().display());
        let count = || std::fs::metadata(runs.path()).unwrap().len();
        assert_eq!(get(&pool, &query).await.unwrap_err().error.status(), 502);
        assert_eq!(count(), 2);
        let body = Body::Bytes("x".into());
        let failed = post(&pool, &query, body, 1).await.unwrap_err();
        assert_eq!((failed.error.status().as_u16(), count()), (502, 3));
        assert_eq!(text(get(&pool, "").await).await, "hello world");
    }
}

#[tokio::test]
async fn a_killed_worker_costs_no_get() {
    let fpm = fpm!(2, false, "");
    let pool = pool(&fpm, 2);
    let failed = post(&pool, "do=die", Body::Bytes("x".into()), 1)
        .await
        .unwrap_err();
    assert!(failed.sent && failed.error.status() == 502, "{failed}");
    for _ in 0..10 {
        let pid: i32 = text(get(&pool, "do=pid").await).await.parse().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
}

#[tokio::test]
async fn a_restart_costs_time_but_no_answer() {
    let mut fpm = fpm!(2, false, "");
    let pool = pool(&fpm, 2);
    assert_eq!(text(get(&pool, "").await).await, "hello world");
    fpm.stop();
    let (answers, fpm) = tokio::join!(
        async {
            [
                text(get(&pool, "").await).await,
                text(post(&pool, "", Body::Empty, 0).await).await,
            ]
        },
        async {
            tokio::task::spawn_blocking(move || {
                fpm.restart();
                fpm
            })
            .await
            .unwrap()
        }
    );
    assert_eq!(answers, ["hello world", "hello world"]);
    drop(fpm);
}

#[tokio::test]
async fn an_absent_fpm_is_reported_and_then_known() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap());
    drop(listener);
    let config = PoolConfig {
        restart_patience: Duration::from_millis(20),
        ..PoolConfig::new(address, Size::Fixed(1))
    };
    let pool = Pool::new(config);
    let failed = get(&pool, "").await.unwrap_err();
    assert_eq!(
        failed.to_string(),
        "connect() failed (111: Connection refused) while connecting to upstream"
    );
    assert!(!failed.sent && failed.error.status() == 502);
    let known = get(&pool, "").await.unwrap_err();
    assert!(
        known.timings.connect < failed.timings.connect,
        "tried once only"
    );
}

#[tokio::test]
async fn abandoned_requests_hold_their_slot_until_the_worker_is_free() {
    let fpm = fpm!(1, false, "");
    let pool = pool(&fpm, 1);
    let abandoned = tokio::time::timeout(Duration::from_millis(50), get(&pool, "do=sleep&ms=1000"));
    assert!(abandoned.await.is_err());
    assert_eq!(pool.load().active, 1, "the worker is still busy");
    assert_eq!(text(get(&pool, "").await).await, "hello world");
    assert_eq!(pool.load().active, 0);
}

#[tokio::test]
async fn without_reuse_every_request_has_its_connection() {
    let fpm = fpm!(1, true, "");
    let pool = pool(&fpm, 1);
    let alone = Options {
        keep_conn: false,
        ..Options::clone(&options())
    };
    let alone = Arc::new(alone);
    for _ in 0..3 {
        // One that others may use again is not for this one.
        get_with(&pool, "", &options()).await.unwrap();
        assert_eq!(pool.load().idle, 1);
        let answer = get_with(&pool, "", &alone).await.unwrap();
        assert!(!answer.timings.reused);
        assert_eq!(pool.load().idle, 0);
    }
}

#[tokio::test]
async fn ping_and_status_need_no_slot() {
    let fpm = fpm!(2, false, "pm.status_path = /status\nping.path = /ping");
    let pool = pool(&fpm, 1);
    let busy = tokio::spawn(async move { text(get(&pool, "do=sleep&ms=200").await).await });
    let health = Health::new(fpm.address.clone(), Duration::from_secs(5));
    assert_eq!(health.ping("/ping").await.unwrap(), "pong");
    let status = health.status("/status").await.unwrap();
    assert!(status.accepted >= 1 && status.total >= 1, "{status:?}");
    assert!(matches!(
        health.ping("/nothing").await,
        Err(HealthError::Status(_))
    ));
    assert_eq!(busy.await.unwrap(), "slept");
}
