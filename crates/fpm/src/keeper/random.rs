//! Whatever happens to a pool, in whatever order: what will be due is what a keeper sleeps for.

use std::io::Write as _;
use std::os::unix::net::{UnixListener, UnixStream};

use portunus_fastcgi::{Header, NULL_REQUEST_ID, RecordType};
use proptest::prelude::*;

use super::*;
use crate::config::{Address, PoolConfig, Reuse};
use crate::pool::{Lease, Pool, Waiting};
use crate::queue::Queue;
use crate::slots::{LONG_WAIT, Size};

/// Something that happens; numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
enum Step {
    Ask {
        lane: usize,
        ms: u64,
    },
    Leave(usize),
    Finish {
        at: usize,
        keeps: bool,
    },
    Pass(u64),
    /// FPM's workers say that they wait.
    Wait,
    HangUp(usize),
    CloseIdle,
    MeetFpm,
    Learn(Size),
    KeepBy(u64),
    Lane(Option<usize>),
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![
        (1_usize..5).prop_map(Size::Fixed),
        (1_usize..5).prop_map(Size::Workers),
        Just(Size::Unknown),
    ];
    prop_oneof![
        8 => (0_usize..2, 0_u64..300).prop_map(|(lane, ms)| Step::Ask { lane, ms }),
        1 => (0_usize..8).prop_map(Step::Leave),
        8 => (0_usize..8, any::<bool>()).prop_map(|(at, keeps)| Step::Finish { at, keeps }),
        4 => (0_u64..60).prop_map(Step::Pass),
        3 => Just(Step::Wait),
        1 => (0_usize..8).prop_map(Step::HangUp),
        1 => Just(Step::CloseIdle),
        1 => Just(Step::MeetFpm),
        2 => size.prop_map(Step::Learn),
        1 => (1_u64..200).prop_map(Step::KeepBy),
        2 => prop::option::of(1_usize..4).prop_map(Step::Lane),
    ]
}

struct World<'p> {
    pool: &'p Pool,
    listener: UnixListener,
    peers: Vec<UnixStream>,
    held: Vec<(Lease, Option<Box<Connection>>)>,
    waiting: Vec<Waiting<'p>>,
}

impl World<'_> {
    /// Connects where there is no connection, as a request does.
    async fn take(&mut self, mut lease: Lease) {
        let connection = match lease.take_connection() {
            Some(connection) => connection,
            None => lease.connect(PATIENCE, true).await.unwrap(),
        };
        while let Ok((peer, _)) = self.listener.accept() {
            self.peers.push(peer);
        }
        self.held.push((lease, Some(connection)));
    }

    async fn go(&mut self, step: Step) {
        let (held, waiting, peers) = (self.held.len(), self.waiting.len(), self.peers.len());
        match step {
            Step::Ask { lane, ms } => {
                let timeout = Duration::from_millis(ms);
                let queue = Queue { depth: 4, timeout };
                match self.pool.ask(lane, queue, Instant::now(), Waker::noop()) {
                    Ok(Ok(lease)) => self.take(lease).await,
                    Ok(Err(place)) => self.waiting.push(place),
                    Err(_full) => {}
                }
            }
            Step::Leave(at) if waiting > 0 => drop(self.waiting.remove(at % waiting)),
            Step::Finish { at, keeps } if held > 0 => {
                let (lease, connection) = self.held.remove(at % held);
                lease.finish(connection.filter(|_| keeps), Instant::now());
            }
            Step::Pass(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Step::Wait => {
                let said = Header::new(RecordType::GetValuesResult, NULL_REQUEST_ID, 0);
                for peer in &mut self.peers {
                    let _ = peer.write_all(&said.to_bytes());
                }
            }
            Step::HangUp(at) if peers > 0 => drop(self.peers.remove(at % peers)),
            Step::CloseIdle => self.pool.close_idle(),
            Step::MeetFpm => self.pool.meet_fpm(),
            Step::Learn(size) => self.pool.learn(size, self.pool.reuse()),
            Step::KeepBy(ms) => self.pool.keep_by(Reuse {
                idle_timeout: Duration::from_millis(ms),
                ..self.pool.reuse()
            }),
            Step::Lane(most) => self.pool.set_lane(1, most),
            _ => {}
        }
    }

    /// Those who have been given something take it.
    async fn poll(&mut self) {
        for mut place in std::mem::take(&mut self.waiting) {
            match place.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Some(lease)) => self.take(lease).await,
                Poll::Ready(None) => {}
                Poll::Pending => self.waiting.push(place),
            }
        }
    }

    fn check(&self) {
        let (now, state) = (Instant::now().into_std(), self.pool.shared.lock());
        let slots = &state.slots;
        let idle = slots.idle.iter().map(|idle| {
            let close_at = idle.since + state.reuse.idle_timeout;
            match idle.attention {
                Attention::Unknown(Some(due)) => due.min(close_at),
                Attention::Asked(asked) => asked + Duration::from_secs(1),
                Attention::Late(asked) => asked + PATIENCE,
                Attention::Unknown(None) | Attention::Sure => close_at,
            }
        });
        let worker = Handle::current().id();
        // A lane whose slot has just gone to another's request hears of the spare one when that would have.
        let lend = slots.next_lend().map(|due| due.max(now) + LONG_WAIT);
        let due = idle.chain(lend).chain(slots.line.next_end(worker));
        let armed = state.seats.0.iter().filter_map(|seat| seat.armed).min();
        if let Some(due) = due.min() {
            let armed = armed.expect("a keeper sleeps for it").into_std();
            let late = armed.saturating_duration_since(due.max(now + TICK));
            assert!(late.is_zero(), "{late:?} late: {state:?}");
        }
    }
}

async fn run_all(steps: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fpm.sock");
    let listener = UnixListener::bind(&path).unwrap();
    listener.set_nonblocking(true).unwrap();
    let pool = Pool::new(PoolConfig::new(Address::Unix(path), Size::Workers(3)));
    pool.set_lane(1, Some(1));
    let mut world = World {
        pool: &pool,
        listener,
        peers: Vec::new(),
        held: Vec::new(),
        waiting: Vec::new(),
    };
    for step in steps {
        world.go(step).await;
        // What is written is there to be read, and who was woken has run.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        world.poll().await;
        world.check();
    }
}

proptest! {
    #[test]
    fn what_will_be_due_is_slept_for(steps in prop::collection::vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run_all(steps));
    }
}
