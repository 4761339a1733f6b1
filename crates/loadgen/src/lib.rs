//! Load for tests and benches. Closed loop: so many clients, each asking again as soon as it is answered.
//! Open loop: so many requests a second, whether the server keeps up or not, each with its patience, timed from
//! the moment it was due. Every answer's status and body are checked, nothing is retried.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use std::time::Duration;
//! use portunus_loadgen::{Arrival, Plan, run};
//!
//! let mut plan = Plan::get("127.0.0.1:8080".parse().unwrap(), "/slow?ms=200");
//! plan.arrival = Arrival::Open { per_second: 30.0 };
//! plan.patience = Some(Duration::from_secs(1));
//! let report = run(plan).await;
//! assert!(report.good_per_second() >= 18.0);
//! # Ok(()) }
//! ```

mod answer;
mod client;
mod drive;
mod histogram;
mod plan;
mod report;

pub use drive::run;
pub use histogram::Histogram;
pub use plan::{Arrival, Expected, Plan, Reading};
pub use report::{Outcome, Report};
