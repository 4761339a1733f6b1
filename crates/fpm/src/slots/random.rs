//! Whatever happens to slots, in whatever order, none is lost, none counted twice, and nobody waits in vain.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use proptest::prelude::*;

use super::*;

const LANES: usize = 3;

/// Something that happens; numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
enum Step {
    Ask { worker: u8, lane: usize, ms: u64 },
    Poll(usize),
    Leave(usize),
    Release { at: usize, keeps: bool },
    Pass(u64),
    Look(u8),
    Offer(usize),
    Close(usize),
    Resize(Size),
    Lane(usize, Option<usize>),
    MeetFpm,
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![
        (1_usize..6).prop_map(Size::Fixed),
        (1_usize..6).prop_map(Size::Workers),
        Just(Size::Unknown),
    ];
    prop_oneof![
        8 => (0_u8..2, 0..LANES, 10_u64..200).prop_map(|(worker, lane, ms)| Step::Ask { worker, lane, ms }),
        6 => (0_usize..8).prop_map(Step::Poll),
        2 => (0_usize..8).prop_map(Step::Leave),
        8 => (0_usize..8, any::<bool>()).prop_map(|(at, keeps)| Step::Release { at, keeps }),
        3 => (1_u64..60).prop_map(Step::Pass),
        3 => (0_u8..2).prop_map(Step::Look),
        2 => (0_usize..8).prop_map(Step::Offer),
        1 => (0_usize..8).prop_map(Step::Close),
        1 => size.prop_map(Step::Resize),
        1 => (1..LANES, prop::option::of(1_usize..5)).prop_map(|(lane, most)| Step::Lane(lane, most)),
        1 => Just(Step::MeetFpm),
    ]
}

#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Waiting {
    place: Place,
    worker: u8,
    lane: usize,
    bell: Arc<Bell>,
}

struct Held {
    worker: u8,
    lane: usize,
    connection: Option<u32>,
    standing: Standing,
    lent: bool,
}

/// What the pool does with its slots, and what must be true of them.
struct World {
    slots: Slots<u32, u8>,
    now: Instant,
    waiting: Vec<Waiting>,
    held: Vec<Held>,
    opened: u32,
    most: usize,
}

impl World {
    fn new() -> Self {
        let mut slots = Slots::new(Size::Workers(4));
        (1..LANES).for_each(|lane| slots.set_lane(lane, Some(lane)));
        Self {
            slots,
            now: Instant::now(),
            waiting: Vec::new(),
            held: Vec::new(),
            opened: 0,
            most: 0,
        }
    }

    fn take(&mut self, worker: u8, lane: usize, connection: Option<u32>) {
        let standing = match connection {
            Some(_) => self.slots.adopted(),
            None => Standing::Unknown,
        };
        let lent = self.slots.mark_lent();
        let standing = match connection {
            Some(_) => standing,
            None => self.slots.opened(standing, self.now),
        };
        let connection = connection.or_else(|| {
            self.opened += 1;
            Some(self.opened)
        });
        self.held.push(Held {
            worker,
            lane,
            connection,
            standing,
            lent,
        });
    }

    fn settle(released: impl IntoIterator<Item = Released<u32>>) {
        let wakers = released.into_iter().filter_map(|released| released.wake);
        wakers.for_each(Waker::wake);
    }

    fn poll(&mut self, at: usize) {
        let waiting = &self.waiting[at];
        let waker = Waker::from(Arc::clone(&waiting.bell));
        let outcome = self
            .slots
            .poll(waiting.place, &mut Context::from_waker(&waker));
        let Poll::Ready(outcome) = outcome else {
            assert!(!waiting.bell.0.load(Ordering::Relaxed), "woken for nothing");
            return;
        };
        assert!(waiting.bell.0.load(Ordering::Relaxed), "not woken");
        let Waiting { worker, lane, .. } = self.waiting.remove(at);
        if let Outcome::Granted(connection) = outcome {
            self.take(worker, lane, connection);
        }
    }

    fn release(&mut self, at: usize, keeps: bool) {
        let held = self.held.remove(at);
        let (standing, released) = self.slots.answered(held.standing, self.now);
        Self::settle(released);
        self.slots.forget(standing);
        if held.lent {
            self.slots.unmark_lent();
        }
        let connection = held.connection.filter(|_| keeps);
        let released = self
            .slots
            .release(held.worker, held.lane, connection, self.now);
        Self::settle([released]);
    }

    fn go(&mut self, step: Step) {
        let (now, waiting, held) = (self.now, self.waiting.len(), self.held.len());
        let idle = self.slots.idle.len();
        match step {
            Step::Ask { worker, lane, ms } => {
                let timeout = Duration::from_millis(ms);
                let queue = Queue { depth: 4, timeout };
                match self.slots.ask(worker, lane, queue, now) {
                    Asked::Granted(connection) => self.take(worker, lane, connection),
                    Asked::Wait(place, woken) => {
                        woken.into_iter().for_each(Waker::wake);
                        self.waiting.push(Waiting {
                            place,
                            worker,
                            lane,
                            bell: Arc::default(),
                        });
                        self.poll(waiting);
                    }
                    Asked::Full => {}
                }
            }
            Step::Poll(at) if waiting > 0 => self.poll(at % waiting),
            Step::Leave(at) if waiting > 0 => {
                let left = self.waiting.remove(at % waiting);
                let released = self.slots.leave(left.place, left.worker, now);
                Self::settle([released]);
            }
            Step::Release { at, keeps } if held > 0 => self.release(at % held, keeps),
            Step::Pass(ms) => self.now += Duration::from_millis(ms),
            Step::Look(worker) => {
                let expired = self.slots.line.expire(worker, now);
                expired.into_iter().for_each(Waker::wake);
                Self::settle(self.slots.lend(now));
                let next = self.slots.next_lend();
                assert!(next.is_none_or(|next| next > now), "looks again at once");
            }
            Step::Offer(at) if idle > 0 => {
                let mut idle = self.slots.idle.remove(at % idle).unwrap();
                idle.attention = Attention::Sure;
                Self::settle(self.slots.offer(idle, now));
            }
            Step::Close(at) if idle > 0 => {
                self.slots.idle.remove(at % idle);
                Self::settle(self.slots.refill(now));
            }
            Step::Resize(size) => Self::settle(self.slots.resize(size, now)),
            Step::Lane(lane, most) => {
                self.slots.set_lane(lane, most);
                Self::settle(self.slots.refill(now));
            }
            Step::MeetFpm => self.slots.watch.meet_fpm(),
            _ => {}
        }
    }

    /// Those who have been given something and do not know yet.
    fn granted(&self) -> usize {
        let lines = (0..LANES).map(|lane| self.slots.line.len_in(lane));
        let waiting: usize = lines.sum();
        assert_eq!(waiting, self.slots.line.len());
        self.waiting.len() - waiting
    }

    fn check(&mut self) {
        let slots = &self.slots;
        let lanes: Vec<_> = slots.lanes.iter().map(|lane| lane.active).collect();
        assert_eq!(lanes.iter().sum::<usize>(), slots.active(), "{lanes:?}");
        let unpolled = slots.active() - self.held.len();
        assert!(unpolled <= self.granted());
        // What is beyond the limit was there before it fell.
        let used = slots.active() + slots.idle.len();
        assert!(used <= self.most.max(slots.limit() + slots.reserve));
        self.most = used;
        assert!(slots.lent <= self.held.iter().filter(|held| held.lent).count());
        let idle = slots.idle.iter().map(|idle| idle.connection);
        let held = self.held.iter().filter_map(|held| held.connection);
        let all: Vec<_> = idle.chain(held).collect();
        let once: BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), once.len(), "one connection, two requests");
        let fits = |attention| matches!(attention, Attention::Sure | Attention::Unknown(None));
        let at_hand = slots.idle.iter().any(|idle| fits(idle.attention));
        for lane in (0..LANES).filter(|&lane| slots.line.len_in(lane) > 0) {
            let free = slots.has_room(lane) && (at_hand || !slots.is_full());
            assert!(!free, "lane {lane} waits in vain");
        }
    }

    fn end(mut self) {
        while !self.held.is_empty() || !self.waiting.is_empty() {
            (0..self.waiting.len()).rev().for_each(|at| self.poll(at));
            match self.held.is_empty() {
                false => self.release(0, true),
                true if self.waiting.is_empty() => break,
                true => {
                    let idle = self.slots.idle.len();
                    assert!(idle > 0, "nobody is served");
                    self.go(Step::Offer(0));
                }
            }
            self.check();
        }
        assert_eq!((self.slots.active(), self.slots.line.len()), (0, 0));
        assert_eq!(self.slots.lent, 0);
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nobody_waits_in_vain(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        for step in steps {
            world.go(step);
            world.check();
        }
        world.end();
    }
}
