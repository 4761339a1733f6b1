//! The end of a whole server.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use super::whole::{ask_with, held, runtime};
use super::*;
use crate::server::{Order, ServerConfig, ServerHandle, WorkerLink, start};
use crate::tls::{ClientCertificate, Handshake, Secured, Tls, TlsSession, TlsValue};

/// A client that has sent a request.
fn ask(handle: &ServerHandle) -> TcpStream {
    ask_with(handle, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// Between being accepted and being served a connection is on no list; an order to end at once that comes just then
/// concerns it all the same.
#[test]
fn what_has_just_been_accepted_ends_with_the_rest() {
    let (handle, release) = held(Tls(None), Settings::default(), |_| {
        Box::pin(std::future::pending())
    });
    let _clients: Vec<_> = (0..3).map(|_| ask(&handle)).collect();
    let runtime = runtime();
    let ended = async {
        // Each gives its order when it is asked first.
        tokio::join!(biased; handle.drain(None), handle.stop_now(), async {
            release.send(()).unwrap();
        })
    };
    let ended = async { tokio::time::timeout(Duration::from_secs(20), ended).await };
    assert!(runtime.block_on(ended).is_ok(), "{:?}", handle.stats());
    assert_eq!(handle.stats().accepted, 3);
}

/// The same of a socket that is given up: nobody else's order will ever reach its connections.
#[test]
fn what_has_just_been_accepted_goes_with_its_socket() {
    let (handle, release) = held(Tls(None), Settings::default(), |_| Box::pin(async { ok() }));
    let mut client = ask(&handle);
    handle.reload(Listeners::default());
    release.send(()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    runtime().block_on(handle.stop_now());
}

/// A handshake of one byte, after which nothing is encrypted.
#[derive(Debug)]
struct Nod;

impl Handshake for Nod {
    fn begin(
        &self,
        mut stream: tokio::net::TcpStream,
    ) -> Pin<Box<dyn Future<Output = std::io::Result<Secured>>>> {
        Box::pin(async move {
            assert_eq!(stream.read_u8().await?, 0x16);
            Ok(Secured {
                stream: Box::pin(Layered::new(stream, |_| None)),
                http2: false,
                session: Rc::new(Self),
            })
        })
    }
}

impl TlsSession for Nod {
    fn append(&self, _: TlsValue, _: &mut Vec<u8>) -> bool {
        false
    }

    fn server_name(&self) -> Option<&str> {
        None
    }

    fn client(&self) -> ClientCertificate<'_> {
        ClientCertificate::None
    }
}

#[test]
fn who_waits_in_the_queue_with_a_handshake_is_served_before_the_end() {
    let (handle, release) = held(Tls(Some(Arc::new(Nod))), Settings::default(), |_| {
        Box::pin(async { ok() })
    });
    let mut client = ask_with(&handle, b"\x16GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    // And who says nothing at all holds nobody up for long.
    let _silent = ask_with(&handle, b"");
    let mut answer = String::new();
    let drained =
        async { tokio::join!(biased; handle.drain(None), async { release.send(()).unwrap() }) };
    let drained = async { tokio::time::timeout(Duration::from_secs(20), drained).await };
    assert!(runtime().block_on(drained).is_ok(), "{:?}", handle.stats());
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
}

/// A worker ends between two connections, and whoever hands it one either comes before that or gets it back.
#[test]
fn nobody_is_handed_to_a_worker_that_has_ended_but_not_gone() {
    let (orders, mut inbox) = tokio::sync::mpsc::unbounded_channel();
    let link = WorkerLink {
        orders,
        counters: Arc::default(),
    };
    assert!(link.give(Order::Shed).is_ok());
    assert!(!link.counters.end(), "one is on its way");
    assert!(inbox.try_recv().is_ok());
    assert!(link.counters.leave());
    assert!(link.counters.end());
    assert!(link.give(Order::Shed).is_err());
    assert_eq!(link.counters.active(), 0);
}

/// Who waits for the end must hear of it, however it came.
#[test]
fn a_worker_that_panics_has_ended() {
    let address = ListenAddress::Inet(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let listeners = Listeners::bind(vec![ListenerConfig::new(address, 0)], None, 1).unwrap();
    let make = |_| -> Scripted { panic!("as it should") };
    let handle = start(listeners, &ServerConfig::default(), make).unwrap();
    let ended = async { tokio::time::timeout(Duration::from_secs(20), handle.finished()).await };
    assert!(runtime().block_on(ended).is_ok());
}
