//! Beginning requests when they are due, and counting what becomes of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::answer::Complete;
use crate::client::exchange;
use crate::plan::{Arrival, Plan};
use crate::report::{Outcome, Report};

/// What all clients of a load share.
struct Load {
    plan: Plan,
    /// No request begins from here on.
    last_begin: Instant,
    /// Nothing goes on from here on.
    end: Instant,
    report: Mutex<Report>,
    /// The number of the next request.
    next: AtomicU64,
    /// Connections between requests, for the open loop.
    idle: Mutex<Vec<TcpStream>>,
}

/// Runs a load to its end; needs a tokio runtime with IO and time.
pub async fn run(plan: Plan) -> Report {
    let last_begin = Instant::now() + plan.duration;
    let end = last_begin + plan.grace;
    let report = Report {
        duration: plan.duration,
        ..Report::default()
    };
    let arrival = plan.arrival;
    let (report, idle) = (Mutex::new(report), Mutex::default());
    let load = Arc::new(Load {
        plan,
        last_begin,
        end,
        report,
        next: AtomicU64::new(0),
        idle,
    });
    let mut clients = JoinSet::new();
    match arrival {
        Arrival::Closed { clients: count } => {
            for _ in 0..count {
                clients.spawn(ask_again_and_again(Arc::clone(&load)));
            }
        }
        Arrival::Open { per_second } => begin_at_rate(&load, per_second, &mut clients).await,
    }
    while clients.join_next().await.is_some() {}
    lock(&load.report).clone()
}

async fn ask_again_and_again(load: Arc<Load>) {
    let mut kept = None;
    loop {
        let due = Instant::now();
        if due >= load.last_begin {
            return;
        }
        let result = ask(&load, due, &mut kept).await;
        load.note(due, result);
        if result == Err(Outcome::Refused) {
            // Where nobody listens, asking at full speed only burns the processor.
            sleep_until(Instant::now() + Duration::from_millis(10)).await;
        }
    }
}

async fn begin_at_rate(load: &Arc<Load>, per_second: f64, clients: &mut JoinSet<()>) {
    let start = Instant::now();
    for number in 0_u32.. {
        let due = start + Duration::from_secs_f64(f64::from(number) / per_second);
        if due >= load.last_begin {
            return;
        }
        sleep_until(due).await;
        clients.spawn(ask_once(Arc::clone(load), due));
        while clients.try_join_next().is_some() {}
    }
}

async fn ask_once(load: Arc<Load>, due: Instant) {
    let mut kept = lock(&load.idle).pop();
    let result = ask(&load, due, &mut kept).await;
    if let Some(stream) = kept {
        lock(&load.idle).push(stream);
    }
    load.note(due, result);
}

/// One request, within its patience and the load's end.
async fn ask(load: &Load, due: Instant, kept: &mut Option<TcpStream>) -> Result<Complete, Outcome> {
    let patience_ends = load.plan.patience.map(|patience| due + patience);
    let limit = patience_ends.unwrap_or(load.end).min(load.end);
    let lost = if patience_ends.is_some_and(|at| at <= load.end) {
        Outcome::Abandoned
    } else {
        Outcome::Unfinished
    };
    let number = load.next.fetch_add(1, Ordering::Relaxed);
    timeout_at(limit, exchange(&load.plan, number, kept))
        .await
        .unwrap_or(Err(lost))
}

impl Load {
    fn note(&self, due: Instant, result: Result<Complete, Outcome>) {
        let mut report = lock(&self.report);
        let outcome = match result {
            Ok(complete) => {
                *report.statuses.entry(complete.status).or_default() += 1;
                report.body_bytes += complete.body_bytes;
                complete.outcome
            }
            Err(outcome) => outcome,
        };
        *report.outcomes.entry(outcome).or_default() += 1;
        if outcome == Outcome::Good {
            report.latency.record(due.elapsed());
        }
    }
}

/// A client that panicked has left no half-done change behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
