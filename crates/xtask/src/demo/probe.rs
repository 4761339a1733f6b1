//! A few pages that tell whether the demo works.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::http;
use crate::progress::step;

/// Asks for the pages; fails when one is not as it should be.
pub(crate) fn run(port: u16) -> Result<ExitCode> {
    let pages: [(&str, u16, &str); 7] = [
        ("/up", 200, ""),
        ("/", 200, "Pixel Positions"),
        ("/search?q=engineer", 200, "Pixel Positions"),
        ("/login", 200, "_token"),
        ("/robots.txt", 200, "User-agent"),
        ("/no-such-page", 404, "Pixel Positions"),
        ("/.env", 403, ""),
    ];
    let mut failed = 0;
    for (target, status, text) in pages {
        failed += usize::from(report(target, || check(port, target, status, text)));
    }
    failed += usize::from(report("an asset of the page", || check_asset(port)));
    println!("{} passed, {failed} failed", pages.len() + 1 - failed);
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether the probe failed.
fn report(name: &str, probe: impl FnOnce() -> Result<()>) -> bool {
    let result = step(&format!("GET {name}"), probe);
    if let Err(error) = &result {
        println!("  {error:#}");
    }
    result.is_err()
}

fn check(port: u16, target: &str, status: u16, text: &str) -> Result<()> {
    let answer = http::request(port, target, &[])?;
    if answer.status != status {
        bail!("answered with {}, not {status}", answer.status);
    }
    if !String::from_utf8_lossy(&answer.body).contains(text) {
        bail!("the page does not hold `{text}`");
    }
    Ok(())
}

/// Finds the hashed style sheet in the home page and asks for it.
fn check_asset(port: u16) -> Result<()> {
    let page = http::request(port, "/", &[])?;
    let page = String::from_utf8_lossy(&page.body).into_owned();
    let start = page
        .find("/build/")
        .context("the home page names no asset")?;
    let target = page[start..]
        .split(['"', '\'', ' ', ')'])
        .next()
        .unwrap_or_default();
    let answer = http::request(port, target, &[])?;
    if answer.status != 200 || answer.body.is_empty() {
        bail!(
            "{target} is answered with {} and {} bytes",
            answer.status,
            answer.body.len()
        );
    }
    Ok(())
}
