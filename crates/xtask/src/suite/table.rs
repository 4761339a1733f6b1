//! `tests/nginx-suite.tsv`: per test file its tier, group, number of checks, how many of them passed,
//! and why the others do not.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

const HEADER: &str = "file\ttier\tgroup\tchecks\tpassed\tmisses";

/// One row: what is known of one test file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) file: String,
    /// `T1` or `T2`.
    pub(crate) tier: String,
    pub(crate) group: String,
    /// All checks of the file, the two that the harness adds not counted.
    pub(crate) checks: usize,
    /// How many passed when the table was last updated.
    pub(crate) passed: usize,
    /// Why the others did not, in a few words.
    pub(crate) misses: String,
}

/// Reads the table.
///
/// # Errors
/// When the file cannot be read or a line has not the six columns.
pub(crate) fn load(path: &Path) -> Result<Vec<Row>> {
    let text = std::fs::read_to_string(path);
    parse(&text.with_context(|| format!("cannot read {}", path.display()))?)
}

/// Writes the table back, rows in their order.
pub(crate) fn save(path: &Path, rows: &[Row]) -> Result<()> {
    std::fs::write(path, render(rows)).with_context(|| format!("cannot write {}", path.display()))
}

fn parse(text: &str) -> Result<Vec<Row>> {
    let mut lines = text.lines().enumerate();
    if lines.next().map(|(_, line)| line) != Some(HEADER) {
        bail!("the suite's table does not begin with its header");
    }
    lines
        .map(|(at, line)| parse_row(line).with_context(|| format!("line {}", at + 1)))
        .collect()
}

fn parse_row(line: &str) -> Result<Row> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [file, tier, group, checks, passed, misses] = columns[..] else {
        bail!("{} columns where 6 belong", columns.len());
    };
    Ok(Row {
        file: file.into(),
        tier: tier.into(),
        group: group.into(),
        checks: checks.parse().context("checks is no number")?,
        passed: passed.parse().context("passed is no number")?,
        misses: misses.into(),
    })
}

fn render(rows: &[Row]) -> String {
    let mut text = format!("{HEADER}\n");
    for Row {
        file,
        tier,
        group,
        checks,
        passed,
        misses,
    } in rows
    {
        let _ = writeln!(
            text,
            "{file}\t{tier}\t{group}\t{checks}\t{passed}\t{misses}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_survives_a_round_trip() {
        let text = format!(
            "{HEADER}\naccess.t\tT1\taccess-limits\t12\t9\tno IPv6\nbody.t\tT1\tprotocol\t15\t15\t\n"
        );
        let rows = parse(&text).expect("it is well formed");
        assert_eq!((rows[0].passed, rows[1].misses.as_str()), (9, ""));
        assert_eq!(render(&rows), text);
    }

    #[test]
    fn a_bad_row_is_named() {
        let error = parse(&format!("{HEADER}\naccess.t\tT1\n")).expect_err("columns are missing");
        assert_eq!(format!("{error:#}"), "line 2: 2 columns where 6 belong");
    }

    #[test]
    fn the_table_in_the_repository_is_well_formed() {
        let rows = load(&crate::suite::table_path()).expect("it can be read");
        assert!(
            rows.iter().all(|row| row.passed <= row.checks),
            "more passed than there are"
        );
        let checks = |tier: &str| {
            rows.iter()
                .filter(|r| r.tier == tier)
                .map(|r| r.checks)
                .sum::<usize>()
        };
        assert_eq!((checks("T1"), checks("T2")), (1_024, 2_996));
    }
}
