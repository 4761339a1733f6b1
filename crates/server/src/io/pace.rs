//! How much may be written now: fairness among connections, and `limit_rate`.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

use crate::connection::Exchange;

/// What a connection may write now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowance {
    /// Up to so many bytes.
    Bytes(usize),
    /// Nothing until the others have had their turn.
    Turn,
    /// Nothing before this moment.
    Wait(Instant),
}

/// Source: nginx, `ngx_http_write_filter` and `sendfile_max_chunk`.
pub(super) fn allowance(exchange: &Exchange, paused_until: &Cell<Option<Instant>>) -> Allowance {
    let (rate, after, chunk) = exchange.limit(|limits| {
        (
            limits.limit_rate,
            limits.limit_rate_after,
            limits.sendfile_max_chunk,
        )
    });
    // What is left of the limit would often be the odd bytes before the end of a piece, and then a packet by themselves.
    let turn = match chunk {
        0 => usize::MAX,
        most if exchange.connection().burst.get() < most => most,
        _ => return Allowance::Turn,
    };
    if rate == 0 {
        return Allowance::Bytes(turn);
    }
    if let Some(until) = paused_until.get().filter(|&until| Instant::now() < until) {
        return Allowance::Wait(until);
    }
    let seconds = exchange.elapsed().as_secs() + 1;
    let allowed = rate.saturating_mul(seconds).saturating_add(after);
    let left = allowed.saturating_sub(exchange.bytes_sent());
    if left == 0 {
        let over = exchange.bytes_sent() - allowed;
        let until = Instant::now() + time_for(over, rate) + Duration::from_millis(1);
        paused_until.set(Some(until));
        return Allowance::Wait(until);
    }
    Allowance::Bytes(turn.min(usize::try_from(left).unwrap_or(usize::MAX)))
}

/// So many bytes have been written, which the exchange has counted already.
pub(super) fn sent(exchange: &Exchange, paused_until: &Cell<Option<Instant>>, bytes: usize) {
    let connection = exchange.connection();
    connection.burst.set(connection.burst.get() + bytes);
    let (rate, after) = exchange.limit(|limits| (limits.limit_rate, limits.limit_rate_after));
    if rate > 0 {
        let limited = exchange.bytes_sent().saturating_sub(after);
        let pause = time_for(limited.min(bytes as u64), rate);
        paused_until.set((!pause.is_zero()).then(|| Instant::now() + pause));
    }
}

/// How long so many bytes take at this rate; whole milliseconds, as in nginx.
fn time_for(bytes: u64, rate: u64) -> Duration {
    Duration::from_millis(bytes.saturating_mul(1000) / rate)
}
