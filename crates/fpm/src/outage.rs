//! A time in which PHP-FPM takes no connections: requests wait for its end, and the log says once what to look at.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

/// Met with so long ago, an outage is over, though nobody has seen its end.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// An FPM that comes and goes is told of no more often than that.
const SILENCE: Duration = Duration::from_secs(10);

/// Whether FPM takes connections, and since when not.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    now: Option<Met>,
    told: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Met {
    since: Instant,
    last: Instant,
}

impl Outage {
    /// Since when, as of `now`, FPM has refused every connection.
    pub(crate) fn since(&self, now: Instant) -> Option<Instant> {
        let met = self.now?;
        (now.saturating_duration_since(met.last) < FORGOTTEN).then_some(met.since)
    }

    /// A connection asked for at `started` could not be had until `now`. Whether this is worth a line in the log.
    pub(crate) fn meet(&mut self, started: Instant, now: Instant) -> bool {
        let known = self.since(started);
        let since = known.unwrap_or(started);
        self.now = Some(Met { since, last: now });
        let is_quiet = |told| now.saturating_duration_since(told) >= SILENCE;
        let tell = known.is_none() && self.told.is_none_or(is_quiet);
        if tell {
            self.told = Some(now);
        }
        tell
    }

    /// FPM has taken a connection.
    pub(crate) fn end(&mut self) {
        self.now = None;
    }
}

/// What to look at where connecting failed so; nothing where the error says it all.
pub(crate) fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => ": is PHP-FPM running, and is this path \"listen\" of its pool?",
        io::ErrorKind::ConnectionRefused => {
            ": is PHP-FPM running, and is this address \"listen\" of its pool?"
        }
        io::ErrorKind::PermissionDenied => {
            ": the server's user may not open the socket, \
             see listen.owner, listen.group and listen.mode of PHP-FPM's pool"
        }
        io::ErrorKind::WouldBlock => ": all its workers are busy and its listen.backlog is full",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_which_nobody_saw_the_end_is_over_some_time() {
        let (mut outage, since) = (Outage::default(), Instant::now());
        assert_eq!(outage.since(since), None);
        let met = since + Duration::from_secs(5);
        outage.meet(since, met);
        let almost = FORGOTTEN - Duration::from_millis(1);
        assert_eq!(outage.since(met + almost), Some(since));
        assert_eq!(outage.since(met + FORGOTTEN), None);
    }

    #[test]
    fn it_is_told_once_however_often_it_comes_and_goes() {
        let (mut outage, start) = (Outage::default(), Instant::now());
        assert!(outage.meet(start, start));
        assert!(!outage.meet(start, start));
        outage.end();
        assert!(!outage.meet(start, start + Duration::from_secs(1)));
        outage.end();
        let later = start + SILENCE;
        assert!(outage.meet(later, later));
    }
}
