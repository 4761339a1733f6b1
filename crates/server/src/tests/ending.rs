//! The end of a whole server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::server::{ServerConfig, ServerHandle, start};

/// A server of one worker, which begins once it is released: whatever is ordered before that is there then, and so are the
/// clients in the queue of its socket.
fn held(serve: fn(RequestBody) -> Answer) -> (ServerHandle, mpsc::Sender<()>) {
    let address = ListenAddress::Inet(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let listeners = Listeners::bind(vec![ListenerConfig::new(address, 0)], None, 1).unwrap();
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let make = move |_| {
        held.lock().unwrap().recv().unwrap();
        Scripted {
            serve: Rc::new(serve),
            settings: Arc::default(),
            record: Rc::default(),
        }
    };
    let handle = start(listeners, &ServerConfig::default(), make).unwrap();
    (handle, release)
}

/// A client that has sent a request.
fn ask(handle: &ServerHandle) -> TcpStream {
    let ListenAddress::Inet(address) = handle.addresses()[0] else {
        panic!("a port was asked for")
    };
    let mut client = TcpStream::connect(address).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    client
}

fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread();
    { runtime }.enable_all().build().unwrap()
}

/// Between being accepted and being served a connection is on no list; an order to end at once that comes just then
/// concerns it all the same.
#[test]
fn what_has_just_been_accepted_ends_with_the_rest() {
    let (handle, release) = held(|_| Box::pin(std::future::pending()));
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
    let (handle, release) = held(|_| Box::pin(async { ok() }));
    let mut client = ask(&handle);
    handle.reload(Listeners::default());
    release.send(()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    runtime().block_on(handle.stop_now());
}
