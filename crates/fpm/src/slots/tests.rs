//! Slots, lanes and overload, on a simulated clock.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;

type Pool = Slots<u32, u8>;

const LINE: Queue = queue(9);

const fn queue(depth: usize) -> Queue {
    Queue {
        depth,
        timeout: Duration::from_secs(60),
    }
}

fn waiting(asked: Asked<u32>) -> Place {
    match asked {
        Asked::Wait(place, _) => place,
        other => panic!("{other:?}"),
    }
}

fn granted(pool: &mut Pool, place: Place) -> Option<Option<u32>> {
    match pool.poll(place, &mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Outcome::Granted(connection)) => Some(connection),
        Poll::Ready(Outcome::Expired) => panic!("expired"),
        Poll::Pending => None,
    }
}

#[test]
fn active_and_idle_never_exceed_the_limit() {
    let (mut pool, now) = (Pool::new(Size::Fixed(2)), Instant::now());
    assert!(matches!(pool.ask(0, 0, LINE, now), Asked::Granted(None)));
    assert!(matches!(pool.ask(0, 0, LINE, now), Asked::Granted(None)));
    let third = waiting(pool.ask(0, 0, LINE, now));
    pool.release(0, 0, Some(7), now);
    assert_eq!(granted(&mut pool, third), Some(Some(7)));
    pool.release(0, 0, Some(7), now);
    pool.release(0, 0, Some(8), now);
    assert_eq!((pool.active(), pool.idle.len()), (0, 2));
    assert!(
        matches!(pool.ask(0, 0, LINE, now), Asked::Granted(Some(7))),
        "least recently used first"
    );
    let closed = pool.resize(Size::Fixed(1), now);
    assert_eq!(closed.len(), 1);
}

#[test]
fn a_lane_cannot_take_every_slot() {
    let (mut pool, now) = (Pool::new(Size::Fixed(3)), Instant::now());
    pool.set_lane(1, None);
    assert!(matches!(pool.ask(0, 1, LINE, now), Asked::Granted(None)));
    let second = waiting(pool.ask(0, 1, LINE, now));
    assert!(
        matches!(pool.ask(0, 0, LINE, now), Asked::Granted(None)),
        "the general lane goes on"
    );
    pool.release(0, 0, None, now);
    assert_eq!(granted(&mut pool, second), None);
    pool.release(0, 1, None, now);
    assert_eq!(granted(&mut pool, second), Some(None));
}

/// Whether a slot goes to a request of its own thread that has waited for `near` ms, though one of
/// another thread has waited for `far` ms.
fn near_goes_first(near: u64, far: u64) -> bool {
    let (mut pool, now) = (Pool::new(Size::Fixed(1)), Instant::now());
    let ago = |ms| {
        now.checked_sub(Duration::from_millis(ms))
            .expect("a running machine")
    };
    assert!(matches!(pool.ask(0, 0, LINE, now), Asked::Granted(None)));
    let far = waiting(pool.ask(1, 0, LINE, ago(far)));
    let near = waiting(pool.ask(0, 0, LINE, ago(near)));
    pool.release(0, 0, Some(1), now);
    let first = granted(&mut pool, near);
    assert_ne!(first, granted(&mut pool, far), "one of the two");
    first.is_some()
}

#[test]
fn nearness_is_bounded_by_half_a_wait() {
    assert!(near_goes_first(0, 5) && near_goes_first(100, 155));
    assert!(!near_goes_first(0, 6) && !near_goes_first(100, 156));
}

#[test]
fn only_the_reserve_is_lent() {
    let (mut pool, now) = (Pool::new(Size::Workers(3)), Instant::now());
    let mut lent = Vec::new();
    for _ in 0..2 {
        assert!(matches!(pool.ask(0, 0, LINE, now), Asked::Granted(None)));
        lent.push(pool.mark_lent());
    }
    let [first, second, _third] = [0; 3].map(|_| waiting(pool.ask(0, 0, LINE, now)));
    let later = now + LONG_WAIT;
    assert_eq!(pool.lend(later).len(), 1);
    assert_eq!(granted(&mut pool, first), Some(None));
    lent.push(pool.mark_lent());
    // While the reserve is out, the others pass their connections on.
    pool.release(0, 0, Some(7), later);
    assert_eq!(granted(&mut pool, second), Some(Some(7)));
    lent.push(pool.mark_lent());
    assert_eq!(lent, [false, false, true, false]);
    // The lent slot comes back and goes out again, as a lent one.
    pool.unmark_lent();
    pool.release(0, 0, None, later);
    assert!(pool.mark_lent());
}

#[test]
fn a_worker_that_is_late_keeps_nobody_waiting() {
    let (mut pool, now) = (Pool::new(Size::Fixed(2)), Instant::now());
    pool.watch.meet_fpm();
    pool.watch.note(Reply::Waits, Duration::from_secs(1));
    let asked = |pool: &mut Pool, at: usize| pool.idle[at].attention = Attention::Asked(now);
    assert!(matches!(pool.ask(0, 0, LINE, now), Asked::Granted(None)));
    pool.release(0, 0, Some(7), now);
    assert!(
        matches!(pool.ask(0, 0, LINE, now), Asked::Granted(None)),
        "a fresh connection, while there is one to be had"
    );
    asked(&mut pool, 0);
    let waiting = waiting(pool.ask(0, 0, LINE, now));
    pool.release(0, 0, Some(8), now);
    assert_eq!(granted(&mut pool, waiting), None, "it is asked first");
    assert_eq!(pool.idle[1].attention, Attention::Unknown(Some(now)));
    let back = pool.idle.pop_front().unwrap();
    assert!(pool.offer(back, now).is_some());
    assert_eq!(granted(&mut pool, waiting), Some(Some(7)));
    assert!(
        matches!(pool.ask(0, 0, LINE, now), Asked::Wait(..)),
        "nobody gambles on a worker that was not asked"
    );
}

#[test]
fn a_lent_slot_is_no_reason_not_to_ask() {
    let (mut pool, now) = (Pool::new(Size::Workers(2)), Instant::now());
    pool.watch.meet_fpm();
    assert!(matches!(pool.ask(0, 0, LINE, now), Asked::Granted(None)));
    let (lent, last) = (
        waiting(pool.ask(0, 0, LINE, now)),
        waiting(pool.ask(0, 0, LINE, now)),
    );
    let later = now + LONG_WAIT;
    assert_eq!(pool.lend(later).len(), 1);
    assert_eq!(granted(&mut pool, lent), Some(None));
    // All slots are taken, and of no worker is it known that it comes back.
    let released = pool.release(0, 0, Some(7), later);
    assert!(released.close.is_none() && released.wake.is_none());
    let asked = pool.idle.pop_back().unwrap();
    assert!(pool.offer(asked, later).is_some());
    assert_eq!(granted(&mut pool, last), Some(Some(7)));
}

#[test]
fn a_lane_waits_for_no_worker_while_there_is_another() {
    let (mut pool, now) = (Pool::new(Size::Fixed(3)), Instant::now());
    pool.watch.meet_fpm();
    let waiting_for_one = |pool: &mut Pool| {
        assert!(matches!(pool.ask(0, 1, LINE, now), Asked::Granted(_)));
        waiting(pool.ask(0, 1, LINE, now))
    };
    pool.set_lane(1, Some(1));
    let first = waiting_for_one(&mut pool);
    let released = pool.release(0, 1, Some(7), now);
    assert!(released.is_idle, "it is asked whether it waits");
    assert_eq!(granted(&mut pool, first), Some(None), "a fresh connection");
    pool.release(0, 1, None, now);
    pool.idle[0].attention = Attention::Sure;
    // Nor where there are too many connections already, as when a guess has fallen.
    assert!(matches!(pool.ask(0, 0, LINE, now), Asked::Granted(Some(7))));
    let second = waiting_for_one(&mut pool);
    pool.release(0, 0, Some(7), now);
    pool.idle[0].attention = Attention::Sure;
    pool.limit = 1;
    let released = pool.release(0, 1, Some(8), now);
    assert_eq!(released.close, Some(8));
    assert_eq!(granted(&mut pool, second), Some(Some(7)));
}

#[test]
fn who_waits_for_room_in_a_lane_is_lent_nothing() {
    let (mut pool, now) = (Pool::new(Size::Workers(3)), Instant::now());
    pool.set_lane(1, Some(1));
    assert!(matches!(pool.ask(0, 1, LINE, now), Asked::Granted(None)));
    let slow = waiting(pool.ask(0, 1, LINE, now));
    assert!(matches!(pool.ask(0, 0, LINE, now), Asked::Granted(None)));
    // Nobody has to look again and again whether there is something to lend it,
    assert_eq!(pool.next_lend(), None);
    assert!(!pool.can_lend_to(1) && pool.can_lend_to(0));
    // nor has another waited for long since it has.
    let later = now + LONG_WAIT;
    let other = waiting(pool.ask(0, 0, LINE, later));
    assert!(pool.lend(later).is_empty());
    assert_eq!(pool.next_lend(), Some(later + LONG_WAIT));
    assert_eq!(pool.lend(later + LONG_WAIT).len(), 1);
    assert_eq!(granted(&mut pool, other), Some(None));
    assert_eq!(granted(&mut pool, slow), None);
}

#[test]
fn a_request_that_left_is_not_served() {
    let (mut pool, now) = (Pool::new(Size::Fixed(1)), Instant::now());
    assert!(matches!(pool.ask(0, 0, LINE, now), Asked::Granted(None)));
    let (gone, next) = (
        waiting(pool.ask(0, 0, LINE, now)),
        waiting(pool.ask(0, 0, LINE, now)),
    );
    pool.leave(gone, 0, now);
    pool.release(0, 0, Some(1), now);
    assert_eq!(granted(&mut pool, next), Some(Some(1)));

    let late = waiting(pool.ask(0, 0, LINE, now));
    let after = waiting(pool.ask(0, 0, LINE, now));
    pool.release(0, 0, Some(2), now);
    pool.leave(late, 0, now);
    assert_eq!(
        granted(&mut pool, after),
        Some(Some(2)),
        "a grant that nobody took moves on"
    );
}

#[test]
fn a_full_line_refuses_the_newest_or_drops_the_oldest() {
    let (mut pool, mut now) = (Pool::new(Size::Fixed(1)), Instant::now());
    assert!(matches!(
        pool.ask(0, 0, queue(2), now),
        Asked::Granted(None)
    ));
    let first = waiting(pool.ask(0, 0, queue(2), now));
    let second = waiting(pool.ask(0, 0, queue(2), now));
    assert!(matches!(pool.ask(0, 0, queue(2), now), Asked::Full));
    now += Duration::from_secs(1);
    pool.leave(second, 0, now);
    waiting(pool.ask(0, 0, queue(2), now));
    waiting(pool.ask(0, 0, queue(2), now));
    let outcome = pool.poll(first, &mut Context::from_waker(Waker::noop()));
    assert!(matches!(outcome, Poll::Ready(Outcome::Expired)));
}

#[test]
fn each_waits_in_one_line_by_its_own_word() {
    let (mut pool, now) = (Pool::new(Size::Fixed(1)), Instant::now());
    let within = |ms| Queue {
        timeout: Duration::from_millis(ms),
        ..queue(2)
    };
    assert!(matches!(
        pool.ask(0, 0, within(50), now),
        Asked::Granted(None)
    ));
    let patient = waiting(pool.ask(0, 0, within(500), now));
    let hasty = waiting(pool.ask(0, 0, within(50), now));
    assert!(matches!(pool.ask(0, 0, within(500), now), Asked::Full));
    waiting(pool.ask(0, 0, LINE, now));
    let end = now + Duration::from_millis(50);
    assert_eq!(pool.line.next_end(0), Some(end));
    assert_eq!(pool.line.next_end(1), None);
    pool.line.expire(0, end);
    let outcome = pool.poll(hasty, &mut Context::from_waker(Waker::noop()));
    assert!(matches!(outcome, Poll::Ready(Outcome::Expired)));
    pool.release(0, 0, Some(1), end);
    assert_eq!(granted(&mut pool, patient), Some(Some(1)));
}

#[test]
fn a_lane_cannot_take_the_whole_line() {
    let (mut pool, mut now) = (Pool::new(Size::Fixed(2)), Instant::now());
    pool.set_lane(1, Some(1));
    for lane in [0, 1] {
        assert!(matches!(pool.ask(0, lane, LINE, now), Asked::Granted(None)));
    }
    let slow = waiting(pool.ask(0, 1, queue(1), now));
    assert!(matches!(pool.ask(0, 1, queue(1), now), Asked::Full));
    let general = waiting(pool.ask(0, 0, queue(1), now));
    assert!(matches!(pool.ask(0, 0, queue(1), now), Asked::Full));
    // Nor, once the newest goes first, another lane's place.
    now += Duration::from_secs(1);
    pool.leave(slow, 0, now);
    waiting(pool.ask(0, 1, queue(1), now));
    waiting(pool.ask(0, 1, queue(1), now));
    pool.release(0, 0, Some(1), now);
    assert_eq!(granted(&mut pool, general), Some(Some(1)));
    assert_eq!((pool.line.len_in(0), pool.line.len_in(1)), (0, 1));
}

/// One request of a simulation.
struct Client {
    came: u64,
    place: Option<Place>,
    started: Option<u64>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    Done(usize),
    Leave(usize),
    Arrive,
}

/// An open-loop simulation: `rate` requests a second on four workers that take 200 ms each,
/// clients that leave after `patience` ms. Good answers a second over the second half, and the
/// longest wait of a request served there.
fn simulate(rate: u64, patience: u64, seconds: u64) -> (f64, u64) {
    const SERVICE: u64 = 200;
    let (mut pool, start) = (Pool::new(Size::Fixed(4)), Instant::now());
    let at = |ms: u64| start + Duration::from_millis(ms);
    let mut agenda = BinaryHeap::new();
    (0..rate * seconds).for_each(|n| agenda.push((Reverse(n * 1000 / rate), Moment::Arrive)));
    let mut clients: Vec<Client> = Vec::new();
    let (mut good, mut longest, half) = (0_u64, 0, seconds * 500);
    while let Some((Reverse(now), moment)) = agenda.pop().filter(|(now, _)| now.0 <= half * 2) {
        match moment {
            Moment::Arrive => {
                let place = match pool.ask(0, 0, queue(1024), at(now)) {
                    Asked::Wait(place, _) => Some(place),
                    Asked::Granted(_) => None,
                    Asked::Full => continue,
                };
                agenda.push((Reverse(now + patience), Moment::Leave(clients.len())));
                clients.push(Client {
                    came: now,
                    place,
                    started: None,
                });
            }
            Moment::Leave(index) => {
                let client = &mut clients[index];
                match (client.place.take(), client.started) {
                    (Some(place), _) => drop(pool.leave(place, 0, at(now))),
                    (None, Some(started)) if started + SERVICE > now => {
                        let waited = Duration::from_millis(started - client.came);
                        pool.line.abandoned(waited, at(now));
                    }
                    _ => {}
                }
            }
            Moment::Done(index) => {
                good += u64::from(now > half && now <= clients[index].came + patience);
                pool.release(0, 0, None, at(now));
            }
        }
        for (index, client) in clients
            .iter_mut()
            .enumerate()
            .filter(|(_, client)| client.started.is_none())
        {
            if client
                .place
                .is_none_or(|place| granted(&mut pool, place).is_some())
            {
                let gone = now >= client.came + patience;
                client.place = None;
                client.started = Some(now);
                if !gone {
                    agenda.push((Reverse(now + SERVICE), Moment::Done(index)));
                    longest = longest.max(if now > half { now - client.came } else { 0 });
                }
            }
        }
    }
    (good as f64 * 1000.0 / half as f64, longest)
}

#[test]
fn overload_does_not_stop_good_answers() {
    // Capacity is 20 a second; first-in-first-out alone gives 0 here.
    for rate in [30, 60, 200] {
        let (good, _) = simulate(rate, 1000, 4);
        assert!(good >= 18.0, "{good} good answers a second at {rate}");
    }
}

#[test]
fn without_overload_the_line_is_fair() {
    let (good, longest) = simulate(19, 1000, 20);
    assert!(good >= 18.5 && longest <= 200, "{good} {longest}");
}
