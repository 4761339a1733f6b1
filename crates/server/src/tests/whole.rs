//! A whole server of one worker on a port of its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::server::{ServerConfig, ServerHandle, start};
use crate::tls::Tls;

/// A server which begins once it is released: whatever is ordered before that is there then, and so are the clients in
/// the queue of its socket, with what they have sent.
pub(super) fn held(
    tls: Tls,
    settings: Settings,
    serve: fn(RequestBody) -> Answer,
) -> (ServerHandle, mpsc::Sender<()>) {
    let address = ListenAddress::Inet(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let config = ListenerConfig {
        tls,
        ..ListenerConfig::new(address, 0)
    };
    let listeners = Listeners::bind(vec![config], None, 1).unwrap();
    let settings = Arc::new(settings);
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let make = move |_| {
        held.lock().unwrap().recv().unwrap();
        Scripted {
            serve: Rc::new(serve),
            settings: Arc::clone(&settings),
            record: Rc::default(),
        }
    };
    let handle = start(listeners, &ServerConfig::default(), make).unwrap();
    (handle, release)
}

/// A client that has sent these bytes.
pub(super) fn ask_with(handle: &ServerHandle, bytes: &[u8]) -> TcpStream {
    let ListenAddress::Inet(address) = handle.addresses()[0] else {
        panic!("a port was asked for")
    };
    let mut client = TcpStream::connect(address).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    client.write_all(bytes).unwrap();
    client
}

/// The body of an answer that a semicolon ends.
pub(super) fn body_of_answer(client: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while answer.last() != Some(&b';') {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    let answer = String::from_utf8(answer).unwrap();
    answer.rsplit("\r\n\r\n").next().unwrap().to_owned()
}

/// On the clock of the machine.
pub(super) fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread();
    { runtime }.enable_all().build().unwrap()
}
