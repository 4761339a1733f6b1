//! Connections that change their thread.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::*;
use crate::server::{ServerConfig, ServerHandle, start};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A server of two workers, each of which answers with its thread, the connection and the number of the request.
fn server() -> ServerHandle {
    let address = ListenAddress::Inet(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let listeners = Listeners::bind(vec![ListenerConfig::new(address, 0)], None, 2).unwrap();
    let config = ServerConfig {
        workers: 2,
        worker_connections: 100,
    };
    let make = |_| Scripted {
        serve: Rc::new(|request: RequestBody| {
            let exchange = request.exchange();
            let connection = exchange.connection();
            let thread = std::thread::current();
            let text = format!(
                "{} {} {};",
                thread.name().unwrap_or_default(),
                connection.serial(),
                exchange.number(),
            );
            Box::pin(async move { self::text(&text) })
        }),
        settings: Arc::default(),
        record: Rc::default(),
    };
    start(listeners, &config, make).unwrap()
}

/// One client, and what its connection was told last.
struct Kept {
    stream: TcpStream,
    serial: Option<String>,
    requests: u64,
}

impl Kept {
    fn connect(handle: &ServerHandle) -> Self {
        let ListenAddress::Inet(address) = handle.addresses()[0] else {
            panic!("a port was asked for")
        };
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self {
            stream,
            serial: None,
            requests: 0,
        }
    }

    /// Sends a request; which thread answers it.
    fn ask(&mut self) -> String {
        self.stream.write_all(GET).unwrap();
        let body = whole::body_of_answer(&mut self.stream);
        let mut words = body.trim_end_matches(';').rsplitn(3, ' ');
        let number: u64 = words.next().unwrap().parse().unwrap();
        let serial = words.next().map(str::to_owned);
        assert_eq!(number, self.requests + 1, "nothing is forgotten");
        self.requests = number;
        assert_eq!(
            *self.serial.get_or_insert(serial.clone().unwrap()),
            serial.unwrap()
        );
        words.next().unwrap().to_owned()
    }
}

#[test]
fn connections_move_between_requests_and_nothing_is_lost() {
    let handle = server();
    handle.spread().use_only(1);
    let mut clients: Vec<_> = (0..8).map(|_| Kept::connect(&handle)).collect();
    for (used, expected) in [
        (1, &["worker 0"][..]),
        (2, &["worker 0", "worker 1"]),
        (1, &["worker 0"]),
    ] {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            handle.spread().use_only(used);
            let mut threads: Vec<_> = clients.iter_mut().map(Kept::ask).collect();
            threads.sort();
            threads.dedup();
            if threads == expected {
                break;
            }
            assert!(Instant::now() < deadline, "{threads:?}");
        }
    }
    let stats = handle.stats();
    assert_eq!((stats.active, stats.accepted, stats.handled), (8, 8, 8));
    drop(clients);
    assert!(whole::runtime().block_on(handle.drain(Some(Duration::from_secs(20)))));
}
