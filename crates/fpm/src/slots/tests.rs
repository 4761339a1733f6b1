//! Slots, lanes and overload, on a simulated clock.

use std::collections::BinaryHeap;

use super::*;

type Pool = Slots<u32, u8>;

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
    let (mut pool, now) = (Pool::new(2, 9, &[]), Instant::now());
    assert!(matches!(pool.ask(0, 0, now), Asked::Granted(None)));
    assert!(matches!(pool.ask(0, 0, now), Asked::Granted(None)));
    let third = waiting(pool.ask(0, 0, now));
    pool.release(0, 0, Some(7), now);
    assert_eq!(granted(&mut pool, third), Some(Some(7)));
    pool.release(0, 0, Some(7), now);
    pool.release(0, 0, Some(8), now);
    assert_eq!((pool.active(), pool.idle.len()), (0, 2));
    assert!(
        matches!(pool.ask(0, 0, now), Asked::Granted(Some(7))),
        "least recently used first"
    );
    let closed = pool.set_limit(1, now);
    assert_eq!(closed.len(), 1);
}

#[test]
fn a_lane_cannot_take_every_slot() {
    let (mut pool, now) = (Pool::new(3, 9, &[1]), Instant::now());
    assert!(matches!(pool.ask(0, 1, now), Asked::Granted(None)));
    let second = waiting(pool.ask(0, 1, now));
    assert!(
        matches!(pool.ask(0, 0, now), Asked::Granted(None)),
        "the general lane goes on"
    );
    pool.release(0, 0, None, now);
    assert_eq!(granted(&mut pool, second), None);
    pool.release(0, 1, None, now);
    assert_eq!(granted(&mut pool, second), Some(None));
}

#[test]
fn nearness_is_bounded() {
    let (mut pool, now) = (Pool::new(1, 99, &[]), Instant::now());
    assert!(matches!(pool.ask(0, 0, now), Asked::Granted(None)));
    let far = waiting(pool.ask(1, 0, now));
    let mut near: VecDeque<_> = (0..20).map(|_| waiting(pool.ask(0, 0, now))).collect();
    let mut overtaken = 0;
    loop {
        pool.release(0, 0, Some(1), now);
        if granted(&mut pool, far).is_some() {
            break;
        }
        let next = near.pop_front().unwrap();
        assert_eq!(
            granted(&mut pool, next),
            Some(Some(1)),
            "first come, first served on a thread"
        );
        overtaken += 1;
    }
    assert_eq!(overtaken, 4);
}

#[test]
fn a_request_that_left_is_not_served() {
    let (mut pool, now) = (Pool::new(1, 9, &[]), Instant::now());
    assert!(matches!(pool.ask(0, 0, now), Asked::Granted(None)));
    let (gone, next) = (waiting(pool.ask(0, 0, now)), waiting(pool.ask(0, 0, now)));
    pool.leave(gone, 0, now);
    pool.release(0, 0, Some(1), now);
    assert_eq!(granted(&mut pool, next), Some(Some(1)));

    let late = waiting(pool.ask(0, 0, now));
    let after = waiting(pool.ask(0, 0, now));
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
    let (mut pool, mut now) = (Pool::new(1, 2, &[]), Instant::now());
    assert!(matches!(pool.ask(0, 0, now), Asked::Granted(None)));
    let first = waiting(pool.ask(0, 0, now));
    let second = waiting(pool.ask(0, 0, now));
    assert!(matches!(pool.ask(0, 0, now), Asked::Full));
    now += Duration::from_secs(1);
    pool.leave(second, 0, now);
    waiting(pool.ask(0, 0, now));
    waiting(pool.ask(0, 0, now));
    let outcome = pool.poll(first, &mut Context::from_waker(Waker::noop()));
    assert!(matches!(outcome, Poll::Ready(Outcome::Expired)));
}

/// An open-loop simulation: `rate` requests a second on `slots` workers that take `service`
/// each, clients that leave after `patience`. Good answers a second over the last half, and
/// the longest wait of a served request there.
fn simulate(slots: usize, service: u64, rate: u64, patience: u64, seconds: u64) -> (f64, u64) {
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    enum Event {
        Done { good: bool },
        Leave(usize),
        Arrive,
    }
    let mut pool = Pool::new(slots, 1024, &[]);
    let start = Instant::now();
    let at = |ms: u64| start + Duration::from_millis(ms);
    let mut events = BinaryHeap::new();
    (0..rate * seconds)
        .for_each(|n| events.push((std::cmp::Reverse(n * 1000 / rate), Event::Arrive)));
    let mut places: Vec<(Option<Place>, u64)> = Vec::new();
    let (mut good_answers, mut longest) = (0, 0);
    let (end, half) = (seconds * 1000, seconds * 500);
    while let Some((std::cmp::Reverse(now), event)) = events.pop() {
        if now > end {
            break;
        }
        let mut started = Vec::new();
        match event {
            Event::Arrive => match pool.ask(0, 0, at(now)) {
                Asked::Granted(_) => started.push(now),
                Asked::Wait(place, _) => {
                    places.push((Some(place), now));
                    events.push((
                        std::cmp::Reverse(now + patience),
                        Event::Leave(places.len() - 1),
                    ));
                }
                Asked::Full => {}
            },
            Event::Leave(index) => {
                if let Some(place) = places[index].0.take() {
                    pool.leave(place, 0, at(now));
                }
            }
            Event::Done { good } => {
                good_answers += u64::from(good && now > half);
                pool.release(0, 0, None, at(now));
            }
        }
        for (place, since) in &mut places {
            if place.is_some_and(|place| granted(&mut pool, place).is_some()) {
                *place = None;
                started.push(*since);
            }
        }
        for since in started {
            if now > half {
                longest = longest.max(now - since);
            }
            let good = now + service - since <= patience;
            events.push((std::cmp::Reverse(now + service), Event::Done { good }));
        }
    }
    (good_answers as f64 / (seconds as f64 / 2.0), longest)
}

#[test]
fn overload_does_not_stop_good_answers() {
    // Capacity is 20 a second; first-in-first-out alone gives 0 here.
    for rate in [30, 60] {
        let (good, _) = simulate(4, 200, rate, 1000, 20);
        assert!(good >= 18.0, "{good} good answers a second at {rate}");
    }
}

#[test]
fn without_overload_the_line_is_fair() {
    let (good, longest) = simulate(4, 200, 19, 1000, 20);
    assert!(good >= 18.5 && longest <= 200, "{good} {longest}");
}
