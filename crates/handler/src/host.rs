//! The host that a client names, and what the last one on this thread came to.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

/// `$host`: lower case, without port; empty where none was named. Requests that name the same share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostName(Option<Rc<[u8]>>);

impl From<&[u8]> for HostName {
    fn from(name: &[u8]) -> Self {
        Self(Some(name.into()))
    }
}

impl Deref for HostName {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

/// What a named host comes to.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) host: HostName,
    /// The port behind it.
    pub(crate) port: Option<u16>,
    /// Number of the server block.
    pub(crate) server: usize,
}

/// The last host that was named on one thread, with its server: nearly always the next one names it again.
#[derive(Debug, Default)]
pub(crate) struct LastHost(RefCell<Option<Remembered>>);

#[derive(Debug)]
struct Remembered {
    /// Listener of the connection.
    tag: usize,
    /// As the client wrote it.
    raw: Vec<u8>,
    named: Named,
}

impl LastHost {
    /// Longest one that is remembered: that of a name in the DNS, a final dot and a port.
    const LONGEST: usize = 255 + 6;

    /// What it came to, if it was the last one.
    #[inline]
    pub(crate) fn recall(&self, tag: usize, raw: &[u8]) -> Option<Named> {
        let last = self.0.borrow();
        let last = last.as_ref()?;
        (last.tag == tag && last.raw == raw).then(|| last.named.clone())
    }

    /// Keeps what a host came to in the place of the last one. That must follow from the host and the listener alone:
    /// a request whose server was found with captures has more than this.
    pub(crate) fn remember(&self, tag: usize, raw: &[u8], named: Named) {
        if raw.len() > Self::LONGEST {
            return;
        }
        let mut last = self.0.borrow_mut();
        let mut room = last.take().map(|last| last.raw).unwrap_or_default();
        room.clear();
        room.extend_from_slice(raw);
        *last = Some(Remembered {
            tag,
            raw: room,
            named,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(host: &str, server: usize) -> Named {
        Named {
            host: host.as_bytes().into(),
            port: Some(80),
            server,
        }
    }

    #[test]
    fn the_last_one_is_recalled_on_its_listener_and_as_it_was_written() {
        let last = LastHost::default();
        assert!(last.recall(0, b"").is_none());
        last.remember(1, b"A.test:80", named("a.test", 3));
        for (tag, raw) in [(0, "A.test:80"), (1, "a.test:80"), (1, "A.test"), (1, "")] {
            assert!(last.recall(tag, raw.as_bytes()).is_none(), "{tag} {raw}");
        }
        let found = last.recall(1, b"A.test:80").unwrap();
        assert_eq!((&*found.host, found.port), (&b"a.test"[..], Some(80)));
        assert_eq!(found.server, 3);

        last.remember(0, b"b", named("b", 4));
        assert!(last.recall(1, b"A.test:80").is_none());
        assert_eq!(last.recall(0, b"b").map(|found| found.server), Some(4));
    }

    #[test]
    fn what_is_longer_than_a_name_is_not_remembered() {
        let last = LastHost::default();
        last.remember(0, b"a", named("a", 1));
        let long = vec![b'a'; LastHost::LONGEST + 1];
        last.remember(0, &long, named("a", 2));
        assert!(last.recall(0, &long).is_none());
        assert!(last.recall(0, b"a").is_some());
        last.remember(0, &long[1..], named("a", 2));
        assert!(last.recall(0, &long[1..]).is_some());
    }

    #[test]
    fn no_host_is_an_empty_one() {
        assert!(HostName::default().is_empty());
    }
}
