//! The right to store an answer.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::HeaderMap;

use super::entry::Entry;
use super::fill::Fill;
use super::keeper::Job;
use super::{PENDING, Zone};
use crate::index::Failure;
use crate::key::Key;
use crate::record::{Filed, Head, Meta, Record};
use crate::vary::variant;

/// Dropped, it lets go: whoever waits for the lock tries next.
#[derive(Debug)]
pub struct Ticket {
    pub(super) zone: Arc<Zone>,
    /// The key as the operator makes it.
    pub(super) text: Bytes,
    pub(super) main: Key,
    /// The name that was looked for last: the main one, or that of a variant.
    pub(super) key: Key,
    /// Of the lock, if it was taken.
    pub(super) serial: Option<u64>,
    /// An entry is made at its first use, so that a name alone is of no use.
    pub(super) once: bool,
}

impl Ticket {
    /// The store.
    #[must_use]
    pub fn zone(&self) -> &Arc<Zone> {
        &self.zone
    }

    /// Stores an answer that has come whole. It can be had at once; its file follows.
    pub fn store(mut self, meta: Meta, head: Head, request: &HeaderMap, body: Bytes) {
        if !self.zone.may_wait(body.len()) {
            return;
        }
        let record = self.record(meta, head, request);
        let record = Record {
            body_len: body.len() as u64,
            memory: Some(body),
            ..record
        };
        self.keep(record);
    }

    /// Begins to store an answer whose body is on its way.
    #[must_use]
    pub fn begin(mut self, meta: Meta, head: Head, request: &HeaderMap) -> Fill {
        let record = self.record(meta, head, request);
        Fill::new(self, record)
    }

    /// Remembers an error in the place of an answer, up to the second `valid`.
    pub fn fail(self, status: u16, valid: i64) {
        let mut index = self.zone.shared.index();
        if let Some(node) = index.get_by(&self.key) {
            node.error = Some(Failure { status, valid });
        }
    }

    /// The upstream says that an entry is good still (304): it gets new times.
    ///
    /// Where it also says that answers depend on other fields than the entry says (`Vary`), nobody knows for whom the
    /// entry is: it is no more, and the next request asks for all of it (RFC 9111 §4.3.4). Differs: nginx files it
    /// anew, for requests like the one that renewed it.
    pub fn renew(self, entry: &Entry, times: &Meta) {
        let old = &entry.record;
        let varies_anew = !times.vary.is_empty() && times.vary != old.meta.vary;
        let meta = Meta {
            valid: times.valid,
            updating: times.updating,
            error: times.error,
            date: times.date,
            ..old.meta.clone()
        };
        let record = Arc::new(Record {
            meta,
            ..Record::clone(old)
        });
        {
            let mut index = self.zone.shared.index();
            let Some(number) = index.find(&self.key) else {
                return;
            };
            // What was stored meanwhile is newer; a body that has left memory is the same answer.
            let node = index.get(number);
            let same = node.record().is_some_and(|known| {
                Arc::ptr_eq(known, old) || (known.file.get().is_some() && known.file == old.file)
            });
            if !same {
                return;
            }
            if varies_anew {
                index.clear(number);
                drop(index);
                self.zone.perform(Job::Remove(self.key));
                return;
            }
            let occupied = record
                .file
                .get()
                .map_or_else(|| size_of(&record), |filed| filed.occupied);
            index.put(number, Arc::clone(&record), occupied);
        }
        let job = match record.file.get() {
            Some(_) => Job::Renew(self.key, record),
            None => {
                // Its file has not been written yet: it is with the new times.
                self.zone
                    .shared
                    .pending
                    .fetch_add(record.weight(), Ordering::Relaxed);
                Job::Write(self.key, record)
            }
        };
        self.zone.perform(job);
    }

    /// Puts a record with its body in memory into the index, and has its file written.
    pub(super) fn keep(self, record: Record) {
        let record = Arc::new(record);
        self.publish(Arc::clone(&record), size_of(&record));
        self.zone
            .shared
            .pending
            .fetch_add(record.weight(), Ordering::Relaxed);
        self.zone.perform(Job::Write(self.key, record));
    }

    /// Puts a record whose file is there into the index.
    pub(super) fn keep_filed(self, record: Record, filed: Filed) {
        let _ = record.file.set(filed);
        self.publish(Arc::new(record), filed.occupied);
    }

    fn publish(&self, record: Arc<Record>, size: u64) {
        let over = {
            let mut index = self.zone.shared.index();
            if let Some(number) = index.find(&self.key) {
                index.put(number, record, size);
            }
            index.size()
        };
        let most = self.zone.shared.config().max_size;
        // `max_size=0` is left to the manager's pace, as in nginx.
        if most.is_some_and(|most| most > 0 && over > most) {
            self.zone.perform(Job::Tidy);
        }
    }

    /// A record without a body, under the name that it belongs to.
    ///
    /// Source: nginx, `ngx_http_file_cache_update_variant`.
    fn record(&mut self, meta: Meta, head: Head, request: &HeaderMap) -> Record {
        let name = (!meta.vary.is_empty()).then(|| variant(&self.main, &meta.vary, request));
        if self.key != self.main && name != Some(self.key) {
            self.return_to_main();
        }
        Record {
            key: self.text.clone(),
            meta,
            variant: name.map_or([0; 16], |name| name.0),
            head: Arc::new(head),
            body_len: 0,
            memory: None,
            file: OnceLock::new(),
        }
    }

    /// The answer is not the variant that was looked for: it goes where all look first.
    fn return_to_main(&mut self) {
        self.release();
        self.serial = None;
        self.key = self.main;
        let mut index = self.zone.shared.index();
        let number = match index.find(&self.key) {
            Some(number) => Some(number),
            None => {
                let (number, gone) = index.insert(self.key);
                drop(index);
                self.zone.discard(gone);
                index = self.zone.shared.index();
                number
            }
        };
        if let Some(number) = number {
            index.get(number).users += 1;
            let expire = index.get(number).expire;
            index.touch(number, expire);
        }
    }

    /// Source: nginx, `ngx_http_file_cache_free`.
    fn release(&mut self) {
        let mut index = self.zone.shared.index();
        let Some(number) = index.find(&self.key) else {
            return;
        };
        let node = index.get(number);
        node.users = node.users.saturating_sub(1);
        let own = |serial| node.lock.is_some_and(|lock| lock.serial == serial);
        if self.serial.is_some_and(own) {
            node.unlock();
        }
        if self.once && !node.exists && node.error.is_none() && node.users == 0 {
            index.remove(number);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.release();
    }
}

impl Zone {
    /// Whether so many bytes more may wait for the disk.
    pub(super) fn may_wait(&self, bytes: usize) -> bool {
        let waiting = self.shared.pending.load(Ordering::Relaxed);
        waiting.saturating_add(bytes) <= PENDING
    }
}

/// What the file of a record will take, by estimate.
fn size_of(record: &Record) -> u64 {
    let fields = record
        .head
        .iter()
        .map(|(name, value)| name.len() + value.len() + 4);
    let head = fields.sum::<usize>() + record.key.len() + 160;
    (head as u64 + record.body_len).next_multiple_of(4096)
}
