//! Connections of HTTP/2, by the bytes of their frames.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::*;
use crate::settings::Limits;

/// The preface, and settings that say nothing. RFC 9113 §3.4.
const BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

fn http2(keepalive_timeout: u64, body: &'static str, times: usize) -> Client {
    let settings = Settings {
        limits: Limits {
            keepalive_timeout: Duration::from_secs(keepalive_timeout),
            ..Limits::default()
        },
        ..Settings::default()
    };
    let listen = ListenerConfig {
        http2: true,
        ..listener()
    };
    connect(settings, listen, move |_| async move {
        text(&body.repeat(times))
    })
}

/// Who is asked to go and does not say that it has heard holds nobody up for as long as it might be idle.
#[test]
fn an_idle_client_that_does_not_answer_a_goodbye_is_let_go() {
    for shed in [false, true] {
        run(async {
            let mut client = http2(3600, "", 0);
            client.send(BEGIN).await;
            sleep(Duration::from_secs(1)).await;
            match shed {
                true => client.worker.shed(),
                false => client.worker.begin_to_drain(),
            }
            let begin = Instant::now();
            client.read_all().await;
            assert!(begin.elapsed() < Duration::from_secs(10), "{shed}");
        });
    }
}
