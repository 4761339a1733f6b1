//! What a run says beside the table: new, lost, totals per group; and the table after it.

use std::collections::BTreeMap;

use super::runner::FileRun;
use super::table::Row;
use crate::progress::{coloured, seconds};

/// The results of a run, by file.
#[derive(Debug, Default)]
pub(crate) struct Report {
    runs: BTreeMap<String, FileRun>,
}

/// Sums over some rows.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    files: usize,
    checks: usize,
    passed: usize,
    before: usize,
}

impl Report {
    /// Keeps a result; of two runs of a file the better one counts.
    pub(crate) fn take(&mut self, run: FileRun) {
        let better = self
            .runs
            .get(&run.file)
            .is_none_or(|old| run.outcome.passed > old.outcome.passed);
        if better {
            self.runs.insert(run.file.clone(), run);
        }
    }

    /// The files that passed fewer checks than the table has.
    pub(crate) fn behind(&self, rows: &[Row]) -> Vec<String> {
        self.pairs(rows)
            .filter(|(row, run)| run.outcome.passed < row.passed)
            .map(|(row, _)| row.file.clone())
            .collect()
    }

    /// How many checks are lost against the table.
    pub(crate) fn lost(&self, rows: &[Row]) -> usize {
        self.pairs(rows)
            .map(|(row, run)| row.passed.saturating_sub(run.outcome.passed))
            .sum()
    }

    /// Prints what is new, what is lost and the totals.
    pub(crate) fn print(&self, rows: &[Row]) {
        let changed = |title: &str, wanted: fn(usize, usize) -> bool| {
            let hits = self
                .pairs(rows)
                .filter(|(row, run)| wanted(run.outcome.passed, row.passed));
            let texts: Vec<String> = hits
                .map(|(row, run)| format!("{} {}→{}", row.file, row.passed, run.outcome.passed))
                .collect();
            if !texts.is_empty() {
                println!("{title}: {}", texts.join(", "));
            }
        };
        println!();
        changed("new", |now, before| now > before);
        changed("lost", |now, before| now < before);
        self.print_totals(rows);
    }

    fn print_totals(&self, rows: &[Row]) {
        let mut groups: BTreeMap<(&str, &str), Sum> = BTreeMap::new();
        let mut tiers: BTreeMap<&str, Sum> = BTreeMap::new();
        for (row, run) in self.pairs(rows) {
            groups
                .entry((&row.tier, &row.group))
                .or_default()
                .add(row, run);
            tiers.entry(&row.tier).or_default().add(row, run);
        }
        println!(
            "{:<22} {:>5} {:>7} {:>7} {:>7}",
            "group", "files", "checks", "passed", "before"
        );
        for ((tier, group), sum) in &groups {
            sum.print(&format!("{tier} {group}"));
        }
        for (tier, sum) in &tiers {
            sum.print(&format!("{tier} in all"));
        }
    }

    /// Writes the new numbers into the rows; a reason that no longer has a miss goes, a miss without a
    /// reason gets the numbers of its checks and a question mark.
    pub(crate) fn update(&self, rows: &mut [Row]) {
        for row in rows {
            let Some(run) = self.runs.get(&row.file) else {
                continue;
            };
            row.passed = run.outcome.passed.min(row.checks);
            if row.passed == row.checks {
                row.misses.clear();
            } else if row.misses.is_empty() || row.misses.starts_with('?') {
                row.misses = format!("? {}", reason(run));
            }
        }
    }

    fn pairs<'a>(&'a self, rows: &'a [Row]) -> impl Iterator<Item = (&'a Row, &'a FileRun)> {
        rows.iter()
            .filter_map(|row| Some((row, self.runs.get(&row.file)?)))
    }
}

impl Sum {
    fn add(&mut self, row: &Row, run: &FileRun) {
        self.files += 1;
        self.checks += row.checks;
        self.passed += run.outcome.passed;
        self.before += row.passed;
    }

    fn print(&self, name: &str) {
        let Self {
            files,
            checks,
            passed,
            before,
        } = self;
        println!("{name:<22} {files:>5} {checks:>7} {passed:>7} {before:>7}");
    }
}

/// One line about one file.
pub(crate) fn line(run: &FileRun, rows: &[Row]) -> String {
    let row = rows.iter().find(|row| row.file == run.file);
    let checks = row.map_or_else(|| "?".into(), |row| row.checks.to_string());
    let mark = coloured(if is_clean(run) { '✓' } else { '✗' });
    let mut text = format!(
        "{mark} {} {}/{checks} ({})",
        run.file,
        run.outcome.passed,
        seconds(run.time)
    );
    let why = reason(run);
    if !why.is_empty() {
        text.push_str(": ");
        text.push_str(&why);
    }
    text
}

/// Whether every check of the file that was not excused passed.
pub(crate) fn is_clean(run: &FileRun) -> bool {
    let outcome = &run.outcome;
    let all_there =
        outcome.failed.is_empty() && outcome.missing == 0 && outcome.complaints.is_empty();
    all_there && outcome.skipped.is_none() && outcome.passed > 0
}

/// What went wrong, in a few words; empty when nothing did.
fn reason(run: &FileRun) -> String {
    let outcome = &run.outcome;
    let mut parts = Vec::new();
    if let Some(why) = &outcome.skipped {
        parts.push(format!("skipped: {why}"));
    }
    if run.timed_out {
        parts.push("out of time".into());
    }
    if !outcome.failed.is_empty() {
        let numbers: Vec<String> = outcome.failed.iter().map(usize::to_string).collect();
        parts.push(format!("checks {}", numbers.join(" ")));
    }
    if outcome.missing > 0 {
        parts.push(format!("{} without result", outcome.missing));
    }
    if outcome.excused > 0 {
        parts.push(format!("{} excused by the suite", outcome.excused));
    }
    parts.extend(
        outcome
            .complaints
            .iter()
            .map(|name| format!("harness: {name}")),
    );
    if parts.is_empty() && outcome.passed == 0 {
        parts.push("no result at all".into());
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::suite::tap::Outcome;

    fn run(tap: &str) -> FileRun {
        let outcome = Outcome::parse(tap);
        let (file, time) = ("a.t".to_owned(), Duration::ZERO);
        FileRun {
            file,
            outcome,
            time,
            timed_out: false,
            diagnostics: String::new(),
        }
    }

    fn row(passed: usize, misses: &str) -> Row {
        let (file, tier, group) = ("a.t".into(), "T1".into(), "static".into());
        Row {
            file,
            tier,
            group,
            checks: 2,
            passed,
            misses: misses.into(),
        }
    }

    fn updated(tap: &str, mut before: Row) -> Row {
        let mut report = Report::default();
        report.take(run(tap));
        report.update(std::slice::from_mut(&mut before));
        before
    }

    #[test]
    fn a_written_reason_stays_until_its_miss_is_gone() {
        let half = "1..2\nok 1 - a\nnot ok 2 - b\n";
        assert_eq!(updated(half, row(0, "no IPv6")), row(1, "no IPv6"));
        assert_eq!(updated(half, row(0, "")), row(1, "? checks 2"));
        assert_eq!(
            updated("1..2\nok 1 - a\nok 2 - b\n", row(1, "no IPv6")),
            row(2, "")
        );
    }

    #[test]
    fn the_better_of_two_runs_counts() {
        let rows = [row(2, "")];
        let mut report = Report::default();
        report.take(run("1..2\nok 1 - a\nnot ok 2 - b\n"));
        assert_eq!(
            (report.behind(&rows), report.lost(&rows)),
            (vec!["a.t".to_owned()], 1)
        );
        report.take(run("1..2\nok 1 - a\nok 2 - b\n"));
        assert_eq!(report.lost(&rows), 0);
    }
}
