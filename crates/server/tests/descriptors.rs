//! What a reload comes to when there are no descriptors left; alone in its process, whose descriptors it takes.
#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "what cannot be set up has failed"
)]

mod common;

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use common::{Answering, Frames, inet, local, read_all, serve, wait};
use http::Response;
use portunus_server::{ListenAddress, ListenerConfig, Listeners, RequestBody};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

fn ok(_: RequestBody) -> Answering {
    Box::pin(async { Response::new(Frames::text("ok")) })
}

/// Hands on what is logged as an error.
struct Errors(Mutex<mpsc::Sender<String>>);

impl Subscriber for Errors {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        // After the test nobody listens any more.
        let _ = self.0.lock().unwrap().send(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The message of an event.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[test]
fn a_reload_without_descriptors_leaves_no_address_deaf() {
    let (say, hear) = mpsc::channel();
    tracing::subscriber::set_global_default(Errors(Mutex::new(say))).unwrap();
    let handle = serve(vec![local()], 1, ok);
    // Held, so that a reload sets none of its descriptors free.
    let old = handle.listeners();
    let address = handle.addresses()[0].clone();
    let again = |tag, new| {
        let config = ListenerConfig::new(address.clone(), tag);
        let configs = [config].into_iter().chain(new).collect();
        Listeners::bind(configs, Some(&old), 1)
    };
    let new = ListenAddress::Inet("127.0.0.2:0".parse().unwrap());
    let listeners = again(1, Some(ListenerConfig::new(new, 2))).unwrap();
    let mut clients = [(); 2].map(|()| Socket::new(Domain::IPV4, Type::STREAM, None).unwrap());
    // Enough for those that are open.
    let few = Rlimit {
        current: Some(100),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, few).unwrap();
    let all: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert_eq!(
        again(2, None).unwrap_err().to_string(),
        format!("dup() {address} failed (24: Too many open files)")
    );
    handle.reload(listeners);
    let said = hear.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(said.starts_with("cannot accept on "), "{said}");
    assert!(said.contains("(24: Too many open files)"), "{said}");
    drop(all);
    for (client, address) in clients.iter_mut().zip(handle.addresses()) {
        client.connect(&inet(&address).into()).unwrap();
        let patience = Some(Duration::from_secs(20));
        client.set_read_timeout(patience).unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .unwrap();
        assert!(read_all(client).ends_with("ok"));
    }
    wait(handle.stop_now());
}
