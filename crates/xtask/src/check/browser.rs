//! The browser step: the demo, served by the built binary, used by a headless browser.

use anyhow::Result;

use super::steps::browser_folder;
use super::tally::Tally;

/// Runs the flows of `tests/browser`.
pub(crate) fn run() -> Result<Tally> {
    if !browser_folder().join("package.json").is_file() {
        println!("there is no tests/browser yet");
    }
    Ok(Tally::default())
}
