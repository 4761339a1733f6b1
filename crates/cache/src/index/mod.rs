//! What is known of each entry, in memory: nginx's shared zone.
//!
//! Nothing here touches a file. Whoever takes an entry out gets told what file there was.

mod list;

use std::sync::Arc;
use std::time::Instant;

use hashbrown::HashMap;
use slab::Slab;
use tokio::sync::Notify;

use self::list::List;
use crate::key::Key;
use crate::record::Record;

/// So many entries in use are passed over when one has to go (nginx: `forced_expire`).
const TRIES: usize = 20;

/// One name.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) key: Key,
    /// How often it was asked for.
    pub(crate) uses: u32,
    /// Requests that hold a ticket.
    pub(crate) users: u32,
    /// From this second on it is inactive.
    pub(crate) expire: i64,
    /// An error that is remembered in the place of an answer.
    pub(crate) error: Option<Failure>,
    /// There is an entry, here or at least on the disk.
    pub(crate) exists: bool,
    record: Option<Arc<Record>>,
    /// Bytes that its file takes.
    size: u64,
    /// Who is filling or renewing it.
    pub(crate) lock: Option<Lock>,
    /// Told when the lock is free.
    pub(crate) waiting: Option<Arc<Notify>>,
}

/// A status that the upstream gave, or that stood for its silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) valid: i64,
}

/// The right to fill an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lock {
    pub(crate) serial: u64,
    /// Others may try from then on (`proxy_cache_lock_age`).
    pub(crate) until: Instant,
}

impl Node {
    fn new(key: Key) -> Self {
        Self {
            key,
            uses: 1,
            users: 0,
            expire: 0,
            error: None,
            exists: false,
            record: None,
            size: 0,
            lock: None,
            waiting: None,
        }
    }

    pub(crate) fn record(&self) -> Option<&Arc<Record>> {
        self.record.as_ref()
    }

    /// Whether it is still this very record that is known.
    pub(crate) fn holds(&self, record: &Arc<Record>) -> bool {
        self.record
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, record))
    }

    /// Lets the next one in.
    pub(crate) fn unlock(&mut self) {
        self.lock = None;
        if let Some(waiting) = self.waiting.take() {
            waiting.notify_waiters();
        }
    }
}

/// All names of a zone.
#[derive(Debug)]
pub(crate) struct Index {
    nodes: Slab<Node>,
    numbers: HashMap<Key, usize>,
    /// All nodes by their last use.
    recency: List,
    /// Those whose body is in memory.
    resident: List,
    /// Bytes of all files.
    size: u64,
    /// Bytes of all bodies in memory.
    memory: usize,
    capacity: usize,
    memory_budget: usize,
    /// The manager keeps the number of nodes below this once they did not fit.
    pub(crate) watermark: usize,
    /// Files of an earlier process may not all be known yet.
    pub(crate) cold: bool,
}

impl Index {
    pub(crate) fn new(capacity: usize, memory_budget: usize) -> Self {
        Self {
            nodes: Slab::new(),
            numbers: HashMap::new(),
            recency: List::default(),
            resident: List::default(),
            size: 0,
            memory: 0,
            capacity,
            memory_budget,
            watermark: usize::MAX,
            cold: true,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Bytes of all files.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Bytes of all bodies in memory.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    pub(crate) fn find(&self, key: &Key) -> Option<usize> {
        self.numbers.get(key).copied()
    }

    pub(crate) fn get(&mut self, number: usize) -> &mut Node {
        &mut self.nodes[number]
    }

    pub(crate) fn get_by(&mut self, key: &Key) -> Option<&mut Node> {
        let number = self.find(key)?;
        self.nodes.get_mut(number)
    }

    /// Adds a name that is not there. One that nobody uses goes for it if all places are taken, and
    /// is returned; `None` for the number if all are in use.
    pub(crate) fn insert(&mut self, key: Key) -> (Option<usize>, Option<Node>) {
        let mut gone = None;
        if self.nodes.len() >= self.capacity {
            let count = self.nodes.len();
            self.watermark = count - count / 8;
            let Some(oldest) = self.oldest_idle() else {
                return (None, None);
            };
            gone = Some(self.remove(oldest));
        }
        let number = self.nodes.insert(Node::new(key));
        self.numbers.insert(key, number);
        (Some(number), gone)
    }

    /// Notes a use.
    pub(crate) fn touch(&mut self, number: usize, expire: i64) {
        self.nodes[number].expire = expire;
        self.recency.bump(number);
        if self.nodes[number]
            .record
            .as_ref()
            .is_some_and(|r| r.memory.is_some())
        {
            self.resident.bump(number);
        }
    }

    /// Puts a record in, and makes room in memory for it.
    pub(crate) fn put(&mut self, number: usize, record: Arc<Record>, size: u64) {
        self.drop_record(number);
        let node = &mut self.nodes[number];
        node.exists = true;
        node.error = None;
        node.size = size;
        self.size += size;
        if record.memory.is_some() {
            self.memory += record.weight();
            self.resident.bump(number);
        }
        node.record = Some(record);
        self.shed();
    }

    /// Notes a file of which nothing but its size is known.
    pub(crate) fn put_unread(&mut self, number: usize, size: u64) {
        self.drop_record(number);
        let node = &mut self.nodes[number];
        node.exists = true;
        node.size = size;
        self.size += size;
    }

    /// The entry is gone; its name stays.
    pub(crate) fn clear(&mut self, number: usize) {
        self.drop_record(number);
        self.nodes[number].exists = false;
    }

    pub(crate) fn remove(&mut self, number: usize) -> Node {
        self.drop_record_keeping_node(number);
        self.recency.remove(number);
        let node = self.nodes.remove(number);
        self.numbers.remove(&node.key);
        node
    }

    /// The name that was not used for longest, by anybody.
    pub(crate) fn oldest(&self) -> Option<usize> {
        self.recency.oldest()
    }

    /// The same, of those that no request holds.
    pub(crate) fn oldest_idle(&self) -> Option<usize> {
        let mut at = self.recency.oldest();
        for _ in 0..TRIES {
            let number = at?;
            if self.nodes[number].users == 0 {
                return Some(number);
            }
            at = self.recency.newer(number);
        }
        None
    }

    /// Bodies leave memory, oldest first, until the rest fits. Those that have no file yet stay.
    fn shed(&mut self) {
        let mut at = self.resident.oldest();
        while self.memory > self.memory_budget
            && let Some(number) = at
        {
            at = self.resident.newer(number);
            self.drop_memory(number);
        }
    }

    /// Takes a body out of memory that stands in a file.
    pub(crate) fn drop_memory(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        let Some(record) = node
            .record
            .as_ref()
            .filter(|record| record.file.get().is_some())
        else {
            return;
        };
        self.memory -= record.weight();
        node.record = Some(Arc::new(record.without_memory()));
        self.resident.remove(number);
    }

    fn drop_record(&mut self, number: usize) {
        self.drop_record_keeping_node(number);
        self.nodes[number].record = None;
    }

    /// Takes a record out of the accounts.
    fn drop_record_keeping_node(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        self.size = self.size.saturating_sub(std::mem::take(&mut node.size));
        if let Some(record) = &node.record
            && record.memory.is_some()
        {
            self.memory -= record.weight();
            self.resident.remove(number);
        }
    }

    /// The file of a record has been written: what it takes is known now.
    pub(crate) fn resize(&mut self, number: usize, size: u64) {
        let node = &mut self.nodes[number];
        self.size = self.size.saturating_sub(node.size) + size;
        node.size = size;
        self.shed();
    }
}
