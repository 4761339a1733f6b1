//! Bodies that are passed on as they come, and clients that go before their answer does.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where an expectation fails"
)]

mod support;

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use portunus_fastcgi::{EndRequest, ProtocolStatus, RecordType, stream};
use portunus_fpm::{Address, Body, BodyStream, Options, Pool, PoolConfig, Request, Size};
use portunus_spool::{Limits, Spool};
use portunus_testkit::{FastCgiPeer, Gate, Step};
use support::{Fpm, collect, get, get_with, options, params, post, request, text};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A client's body, piece by piece.
#[derive(Debug)]
struct Pieces(mpsc::UnboundedReceiver<io::Result<Bytes>>);

impl BodyStream for Pieces {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.0.poll_recv(cx)
    }
}

fn pieces() -> (mpsc::UnboundedSender<io::Result<Bytes>>, Body) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Body::Stream(Box::new(Pieces(receiver))))
}

#[tokio::test]
async fn a_body_reaches_the_peer_piece_by_piece() {
    let peer = FastCgiPeer::start(vec![Step::answer("A: 1", "good")]).unwrap();
    let pool = Pool::new(PoolConfig::new(
        Address::Tcp(peer.address()),
        Size::Fixed(1),
    ));
    let (sender, body) = pieces();
    let client = async {
        for piece in ["01234", "", "56789"] {
            sender.send(Ok(piece.into())).unwrap();
            tokio::task::yield_now().await;
        }
        drop(sender);
    };
    let (answer, ()) = tokio::join!(post(&pool, "", body, 10), client);
    assert_eq!(text(answer).await, "good");
    assert_eq!(peer.requests()[0].stdin, b"0123456789");
}

#[tokio::test]
async fn both_directions_flow_at_once() {
    let Some(fpm) = Fpm::start(1) else { return };
    let pool = Pool::new(PoolConfig::new(fpm.address.clone(), Size::Fixed(1)));
    let (sender, body) = pieces();
    sender.send(Ok(vec![b'0'; 8192].into())).unwrap();
    // PHP takes a POST body in before the script starts, and that of a PUT when it is read.
    let (params, options) = (params("PUT", "do=echo", Some(5 * 8192)), options());
    let request = Request {
        body,
        ..request(&params, &options)
    };
    let mut answer = pool.send(request).await.unwrap().body;
    for number in b'1'..b'5' {
        let mut got = 0;
        while got < 8192 {
            let piece = std::future::poll_fn(|cx| answer.poll_data(cx))
                .await
                .unwrap()
                .unwrap();
            assert!(piece.iter().all(|&byte| byte == number - 1));
            got += piece.len();
        }
        sender.send(Ok(vec![number; 8192].into())).unwrap();
    }
    drop(sender);
    assert_eq!(collect(answer).await.unwrap(), vec![b'4'; 8192]);
}

/// A pool whose peer is at this Unix socket. What one end writes the other has at once, so that the clock may be paused.
fn unix_pool() -> (Pool, UnixListener, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fpm.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let pool = Pool::new(PoolConfig::new(Address::Unix(path), Size::Fixed(1)));
    (pool, listener, folder)
}

#[tokio::test(start_paused = true)]
async fn the_peer_is_not_to_blame_for_a_client_that_pauses() {
    let (pool, _reads_nothing, _folder) = unix_pool();
    let (sender, body) = pieces();
    let (params, options) = (params("PUT", "", Some(1 << 20)), options());
    let request = Request {
        body,
        ..request(&params, &options)
    };
    let pause = options.send_timeout + Duration::from_secs(1);
    let mut answer = pool.send(request);
    // Each piece is taken whole, until there is no room for the next.
    let (failed, waited) = loop {
        sender.send(Ok(vec![b'.'; 4000].into())).unwrap();
        let sent = Instant::now();
        if let Ok(failed) = tokio::time::timeout(pause, &mut answer).await {
            break (failed.unwrap_err(), sent.elapsed());
        }
    };
    assert_eq!(failed.error.status(), 504);
    assert!(waited >= options.send_timeout, "{waited:?}");
}

#[tokio::test]
async fn a_client_that_breaks_its_body_is_at_fault() {
    let peer = FastCgiPeer::start(vec![vec![Step::Request]]).unwrap();
    let pool = Pool::new(PoolConfig::new(
        Address::Tcp(peer.address()),
        Size::Fixed(1),
    ));
    let (sender, body) = pieces();
    sender.send(Ok("part".into())).unwrap();
    sender
        .send(Err(io::ErrorKind::UnexpectedEof.into()))
        .unwrap();
    let failed = post(&pool, "", body, 10).await.unwrap_err();
    assert_eq!(failed.error.status(), 400);
    assert_eq!(pool.load().active, 0);
}

#[tokio::test]
async fn a_body_of_which_no_more_comes_holds_no_slot() {
    let head = Step::Stdout(b"X-Accel-Buffering: no\r\n\r\nearly".to_vec());
    let script = vec![Step::Params, head, Step::Drain];
    let peer = FastCgiPeer::start(vec![script, Step::answer("A: 1", "good")]).unwrap();
    let pool = Pool::new(PoolConfig::new(
        Address::Tcp(peer.address()),
        Size::Fixed(1),
    ));
    let (sender, body) = pieces();
    sender.send(Ok("part".into())).unwrap();
    // The client is given up in the middle of its body, of which nobody says that it has ended.
    drop(post(&pool, "", body, 10).await.unwrap());
    assert_eq!(text(get(&pool, "").await).await, "good");
    drop(sender);
}

#[tokio::test]
async fn a_spooled_body_is_sent_from_its_file_and_again_if_need_be() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits {
        memory: 1000,
        file: 1 << 20,
        directory: Arc::new(directory.path().into()),
    };
    let mut spool = Spool::new(limits);
    let expected: Vec<u8> = (0..200_000_u32)
        .map(|number| (number % 253) as u8)
        .collect();
    for piece in expected.chunks(10_000) {
        spool.push(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    let body = spool.finish().await.unwrap();
    let peer = FastCgiPeer::start(vec![
        vec![Step::Params, Step::Close],
        Step::answer("A: 1", "good"),
    ])
    .unwrap();
    let pool = Pool::new(PoolConfig::new(
        Address::Tcp(peer.address()),
        Size::Fixed(1),
    ));
    let (params, options) = (params("PUT", "", Some(body.len())), options());
    let request = Request {
        body: Body::Spooled(body),
        ..request(&params, &options)
    };
    let answer = pool.send(request).await;
    assert!(answer.as_ref().unwrap().timings.retried);
    assert_eq!(text(answer).await, "good");
    assert!(
        peer.requests()[1].stdin == expected,
        "the whole body, once more"
    );
}

#[tokio::test]
async fn an_answer_in_whose_stead_there_is_a_page_may_miss_its_body() {
    let head = "Status: 500 Oops\r\nContent-Length: 100";
    let peer = FastCgiPeer::start(vec![Step::answer(head, "part")]).unwrap();
    let pool = Pool::new(PoolConfig::new(
        Address::Tcp(peer.address()),
        Size::Fixed(1),
    ));
    let (params, options) = (params("GET", "", None), options());
    for (replaced, whole) in [(&[404, 500][..], true), (&[404], false)] {
        let request = Request {
            replaced,
            ..request(&params, &options)
        };
        assert_eq!(pool.send(request).await.is_ok(), whole);
    }
}

#[tokio::test]
async fn head_requests_get_no_body_and_miss_none() {
    let script = [Step::answer("Content-Length: 100", ""), vec![Step::Repeat]].concat();
    let peer = FastCgiPeer::start(vec![script]).unwrap();
    let pool = Pool::new(PoolConfig::new(
        Address::Tcp(peer.address()),
        Size::Fixed(1),
    ));
    let (params, options) = (params("HEAD", "", None), options());
    for _ in 0..2 {
        let request = Request {
            head_only: true,
            ..request(&params, &options)
        };
        let answer = pool.send(request).await.unwrap();
        assert_eq!(
            (answer.head.content_length, answer.body.exact_len()),
            (Some(100), Some(0))
        );
    }
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn a_rate_slows_what_is_taken_from_fpm() {
    let body = vec![b'x'; 30_000];
    for (limit_rate, at_once) in [(0, true), (30_001, true), (25_000, false)] {
        let peer = FastCgiPeer::start(vec![Step::answer("A: 1", &body)]).unwrap();
        let pool = Pool::new(PoolConfig::new(
            Address::Tcp(peer.address()),
            Size::Fixed(1),
        ));
        let (params, options) = (params("GET", "", None), options());
        let request = Request {
            limit_rate,
            ..request(&params, &options)
        };
        let began = std::time::Instant::now();
        let answer = pool.send(request).await.unwrap();
        assert_eq!(answer.body.exact_len().is_some(), at_once);
        assert_eq!(collect(answer.body).await.unwrap(), body);
        // A second's worth comes at once, what is left when its time has come.
        assert!(at_once || began.elapsed().as_millis() >= 150);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_takes_no_time_from_the_peer() {
    let (pool, listener, _folder) = unix_pool();
    let (params, options) = (params("GET", "", None), options());
    let request = Request {
        limit_rate: 1000,
        ..request(&params, &options)
    };
    // It takes longer to pass the body on than the peer may take to go on, and the peer goes on soon after.
    let length = 12_000;
    let pause = Duration::from_secs(12);
    assert!(pause > options.read_timeout);
    let php = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = [&b"A: 1\r\n\r\n"[..], &vec![b'x'; length]].concat();
        stream.write_all(&stdout(1, &head)).await.unwrap();
        tokio::time::sleep(pause).await;
        stream.write_all(&end(1)).await.unwrap();
        stream
    };
    let client = async {
        let body = pool.send(request).await.unwrap().body;
        collect(body).await.unwrap()
    };
    let (body, _) = tokio::join!(client, php);
    assert_eq!(body.len(), length);
}

#[tokio::test]
async fn an_answer_nobody_reads_is_closed_at_its_next_word() {
    let gate = Gate::default();
    let head = Step::Stdout(b"X-Accel-Buffering: no\r\n\r\nfirst".to_vec());
    let script = vec![
        Step::Request,
        head,
        Step::Wait(gate.clone()),
        Step::Stdout(b"second".to_vec()),
        Step::Drain,
    ];
    let peer = FastCgiPeer::start(vec![script, Step::answer("A: 1", "good")]).unwrap();
    let pool = Pool::new(PoolConfig::new(
        Address::Tcp(peer.address()),
        Size::Fixed(1),
    ));
    let answer = get(&pool, "").await.unwrap();
    drop(answer);
    tokio::task::yield_now().await;
    assert_eq!(pool.load().active, 1, "the worker does not know yet");
    gate.open();
    assert_eq!(text(get(&pool, "").await).await, "good");
}

#[tokio::test]
async fn ignore_client_abort_lets_php_finish() {
    for ignore_client_abort in [true, false] {
        let Some(fpm) = Fpm::start(1) else { return };
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("note");
        let pool = Pool::new(PoolConfig::new(fpm.address.clone(), Size::Fixed(1)));
        let options = Arc::new(Options {
            ignore_client_abort,
            ..Options::default()
        });
        let query = format!("do=note&file={}", file.display());
        let answer = get_with(&pool, &query, &options).await.unwrap();
        drop(answer);
        // The only worker is free again once the script has ended, one way or the other.
        assert_eq!(text(get(&pool, "").await).await, "hello world");
        assert_eq!(file.exists(), ignore_client_abort);
    }
}

/// What PHP-FPM writes at once of the answer to request `id`.
fn stdout(id: u16, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    stream::encode(RecordType::Stdout, id, content, &mut out);
    out
}

/// How PHP-FPM ends an answer.
fn end(id: u16) -> Vec<u8> {
    let complete = EndRequest {
        app_status: 0,
        protocol_status: ProtocolStatus::Complete,
    };
    let mut out = Vec::new();
    complete.encode(id, &mut out);
    out
}

/// PHP writes a page that it makes bit by bit in pieces of 8 KB, and its kernel holds each back until the one before is
/// acknowledged (Nagle), or sends two together. Ours puts its acknowledgement off for 40 ms where a piece is as long as
/// the one before and others were longer.
#[tokio::test]
async fn no_piece_of_an_answer_waits_for_a_delayed_acknowledgement() {
    const LENGTHS: [usize; 3] = [16_384, 8192, 8192];
    const ROUNDS: usize = 10;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (got, mut wanted) = mpsc::unbounded_channel();
    let php = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 2048];
        assert!(stream.read(&mut request).await.unwrap() > 8);
        let id = u16::from_be_bytes([request[2], request[3]]);
        let head = stdout(id, b"A: 1\r\n\r\n");
        stream.write_all(&head).await.unwrap();
        for length in LENGTHS.repeat(ROUNDS) {
            let piece = stdout(id, &vec![b'.'; length]);
            stream.write_all(&piece).await.unwrap();
            wanted.recv().await.unwrap();
        }
        let mut closed = Vec::new();
        stream::encode_end(RecordType::Stdout, id, &mut closed);
        let last = [closed, end(id)].concat();
        stream.write_all(&last).await.unwrap();
    };
    let client = async {
        let pool = Pool::new(PoolConfig::new(Address::Tcp(address), Size::Fixed(1)));
        let mut body = get(&pool, "").await.unwrap().body;
        let mut turns = 0;
        for length in LENGTHS.repeat(ROUNDS) {
            let mut left = length;
            while left > 0 {
                match poll_fn(|cx| Poll::Ready(body.poll_data(cx))).await {
                    Poll::Ready(piece) => left -= piece.unwrap().unwrap().len(),
                    Poll::Pending => {
                        turns += 1;
                        tokio::task::yield_now().await;
                    }
                }
            }
            got.send(()).unwrap();
        }
        turns
    };
    let (turns, ()) = tokio::join!(client, php);
    assert!(turns < 1000 * ROUNDS, "{turns} turns");
}

/// Counts how often it was woken.
#[derive(Debug, Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// PHP writes a larger page as head, body and end, and its kernel holds all but the head back until that is acknowledged
/// (Nagle). Over a loopback interface the rest comes with the acknowledgement, so that one wake-up is enough.
#[tokio::test]
async fn what_an_acknowledgement_sets_free_is_read_at_once() {
    let (wakes, pieces) = larger_pages(false).await;
    // The kernel may put a packet off now and then.
    assert!(wakes < PAGES * 3 / 2, "{wakes} wake-ups for {PAGES} pages");
    assert!(pieces < PAGES * 3 / 2, "{pieces} pieces of {PAGES} pages");
}

/// Where the head has been acknowledged before PHP writes the body, it is the end that is held back. It is read before
/// the body is taken out of the buffer, so that both are one piece.
#[tokio::test]
async fn a_page_is_one_piece_though_its_end_comes_late() {
    let (wakes, pieces) = larger_pages(true).await;
    assert!(wakes < PAGES * 5 / 2, "{wakes} wake-ups for {PAGES} pages");
    assert!(pieces < PAGES * 3 / 2, "{pieces} pieces of {PAGES} pages");
}

const PAGES: usize = 40;

/// So many pages, in three writes each; with a `pause` the second waits until the first has been read. How many wake-ups
/// they took, and in how many pieces they came.
async fn larger_pages(pause: bool) -> (usize, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (said, mut read) = mpsc::unbounded_channel();
    let php = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 2048];
        for _ in 0..PAGES {
            assert!(stream.read(&mut request).await.unwrap() > 8);
            let id = u16::from_be_bytes([request[2], request[3]]);
            let head = stdout(id, b"A: 1\r\n\r\n");
            stream.write_all(&head).await.unwrap();
            if pause {
                read.recv().await.unwrap();
            }
            let body = stdout(id, &[b'.'; 9000]);
            stream.write_all(&body).await.unwrap();
            let rest = [stdout(id, b"</html>"), end(id)].concat();
            stream.write_all(&rest).await.unwrap();
        }
    };
    let client = async {
        let pool = Pool::new(PoolConfig::new(Address::Tcp(address), Size::Fixed(1)));
        let (wakes, mut pieces) = (Arc::new(Wakes::default()), 0);
        let waker = Waker::from(Arc::clone(&wakes));
        for _ in 0..PAGES {
            let mut answer = pin!(get(&pool, ""));
            let mut woken = false;
            let mut body = loop {
                let before = wakes.0.load(Ordering::Relaxed);
                match answer.as_mut().poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(answer) => break answer.unwrap().body,
                    Poll::Pending => {
                        if std::mem::replace(&mut woken, true) && pause {
                            said.send(()).unwrap();
                        }
                        while wakes.0.load(Ordering::Relaxed) == before {
                            tokio::task::yield_now().await;
                        }
                    }
                }
            };
            assert_eq!(body.exact_len(), Some(9007));
            while let Some(piece) = poll_fn(|cx| body.poll_data(cx)).await {
                piece.unwrap();
                pieces += 1;
            }
        }
        (wakes.0.load(Ordering::Relaxed), pieces)
    };
    tokio::join!(client, php).0
}
