//! Clients that mean harm: crowds that take their time, floods of HTTP/2 frames.

mod crowd;
mod flood;
pub mod frames;

pub use crowd::{Crowd, CrowdReport, Habit};
pub use flood::{Flood, FloodReport};
