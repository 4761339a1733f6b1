//! Clients that mean harm: crowds that take their time, floods of HTTP/2 frames, malformed requests.

mod crowd;
mod flood;
pub mod frames;
mod verdict;

pub use crowd::{Crowd, CrowdReport, Habit};
pub use flood::{Flood, FloodReport};
pub use verdict::Verdict;
