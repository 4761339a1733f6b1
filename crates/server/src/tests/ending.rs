//! The end of a whole server.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::listen::Listeners;
use crate::server::{ServerConfig, start};

/// Between being accepted and being served a connection is on no list; an order to end at once that comes just then
/// concerns it all the same.
#[test]
fn what_has_just_been_accepted_ends_with_the_rest() {
    let address = ListenAddress::Inet(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let listeners = Listeners::bind(vec![ListenerConfig::new(address, 0)], None, 1).unwrap();
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let make = move |_| {
        // The worker begins with both orders there, and clients in the queue of its socket.
        held.lock().unwrap().recv().unwrap();
        Scripted {
            serve: Rc::new(|_| Box::pin(std::future::pending())),
            settings: Arc::default(),
            record: Rc::default(),
        }
    };
    let handle = start(listeners, &ServerConfig::default(), make).unwrap();
    let ListenAddress::Inet(address) = handle.addresses()[0] else {
        panic!("a port was asked for")
    };
    let _clients: Vec<_> = (0..3)
        .map(|_| {
            let mut client = TcpStream::connect(address).unwrap();
            client
                .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                .unwrap();
            client
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
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
