//! One client's side of the wire: connect, send, read fast or slowly.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

use crate::answer::{Answer, Complete};
use crate::plan::{Plan, Reading};
use crate::report::Outcome;

/// How much is read at once.
const PIECE: usize = 32 * 1024;

/// The receive buffer of a slow reader, so that the system does not read for it.
const SLOW_BUFFER: u32 = 4 * 1024;

/// How often a slow reader reads.
const SLOW_BEAT: Duration = Duration::from_millis(100);

/// Sends the plan's request of that number over the kept connection, or a new one, and reads the answer. The connection is
/// kept for the next request where the answer allows it.
pub(crate) async fn exchange(
    plan: &Plan,
    number: u64,
    kept: &mut Option<TcpStream>,
) -> Result<Complete, Outcome> {
    let mut stream = match kept.take() {
        Some(stream) => stream,
        None => connect(plan).await.map_err(|_| Outcome::Refused)?,
    };
    // A server may answer and close before it has read all of the request: the answer is what counts.
    let sent = stream.write_all(&plan.request_of(number)).await;
    let complete = read_answer(plan, &mut stream).await?;
    if complete.keep_alive && sent.is_ok() && !plan.fresh_connections {
        *kept = Some(stream);
    }
    Ok(complete)
}

async fn connect(plan: &Plan) -> io::Result<TcpStream> {
    let socket = if plan.address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if let Reading::Slow { .. } = plan.reading {
        socket.set_recv_buffer_size(SLOW_BUFFER)?;
    }
    let stream = socket.connect(plan.address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn read_answer(plan: &Plan, stream: &mut TcpStream) -> Result<Complete, Outcome> {
    let mut answer = Answer::new(&plan.expected);
    let mut buffer = Vec::with_capacity(PIECE);
    loop {
        let count = match plan.reading {
            Reading::Fast => {
                buffer.reserve(PIECE);
                stream.read_buf(&mut buffer).await
            }
            Reading::Slow { per_second } => {
                sleep(SLOW_BEAT).await;
                let mut little = stream.take(bytes_per_beat(per_second));
                little.read_buf(&mut buffer).await
            }
        };
        if matches!(count, Ok(0) | Err(_)) {
            return answer.end();
        }
        if let Some(complete) = answer.take(&mut buffer)? {
            return Ok(complete);
        }
    }
}

fn bytes_per_beat(per_second: usize) -> u64 {
    let beats = Duration::from_secs(1).as_millis() / SLOW_BEAT.as_millis();
    (per_second as u64 / beats as u64).max(1)
}
