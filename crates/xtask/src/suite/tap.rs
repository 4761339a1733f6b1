//! What one test file printed, in the Test Anything Protocol.

/// The harness adds these two to every file; they are not checks of the file.
const HARNESS_CHECKS: [&str; 2] = ["no alerts", "no sanitizer errors"];

/// The outcome of one test file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Checks that passed and were expected to.
    pub(crate) passed: usize,
    /// Numbers of the checks that did not pass, `TODO` ones not among them.
    pub(crate) failed: Vec<usize>,
    /// Checks that the file itself skipped or expects to fail.
    pub(crate) excused: usize,
    /// Names of harness checks that failed: an alert in the log, for instance.
    pub(crate) complaints: Vec<String>,
    /// Why the whole file was skipped, if it was.
    pub(crate) skipped: Option<String>,
    /// How many checks were announced that gave no result: the file died or ran out of time.
    pub(crate) missing: usize,
}

impl Outcome {
    /// Reads the standard output of a test file.
    pub(crate) fn parse(text: &str) -> Self {
        let mut outcome = Self::default();
        let (mut planned, mut seen) = (0, 0);
        for line in text.lines() {
            if let Some(plan) = line.strip_prefix("1..") {
                planned = outcome.take_plan(plan);
            } else if let Some(result) = line.strip_prefix("not ok ") {
                outcome.take_result(result, false);
                seen += 1;
            } else if let Some(result) = line.strip_prefix("ok ") {
                outcome.take_result(result, true);
                seen += 1;
            }
        }
        outcome.missing = planned.saturating_sub(seen);
        outcome
    }

    /// Reads `N` or `0 # SKIP reason`, and returns the number.
    fn take_plan(&mut self, plan: &str) -> usize {
        let (count, remark) = plan.split_once('#').unwrap_or((plan, ""));
        let planned = count.trim().parse().unwrap_or(0);
        if planned == 0 {
            let reason = remark.trim().trim_start_matches("SKIP").trim();
            self.skipped = Some(reason.to_owned());
        }
        planned
    }

    fn take_result(&mut self, result: &str, ok: bool) {
        let (number, name) = result.split_once(" - ").unwrap_or((result, ""));
        let number: usize = number
            .split_whitespace()
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        let (name, directive) = name.split_once(" # ").unwrap_or((name, ""));
        let directive = if name.is_empty() { result } else { directive };
        if HARNESS_CHECKS.contains(&name.trim()) {
            if !ok && !directive.contains("TODO") {
                self.complaints.push(name.trim().to_owned());
            }
            return;
        }
        if directive.contains("TODO") || directive.contains("skip") {
            self.excused += 1;
        } else if ok {
            self.passed += 1;
        } else {
            self.failed.push(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_counted_without_the_harness_and_without_excuses() {
        let text = "1..6\nok 1 - a\nnot ok 2 - b\n#   Failed test 'b'\nok 3 # skip no IPv6\n\
                    not ok 4 - d # TODO not yet\nok 5 - no alerts\nnot ok 6 - no sanitizer errors\n";
        let outcome = Outcome::parse(text);
        assert_eq!(
            (outcome.passed, outcome.failed.as_slice(), outcome.excused),
            (1, &[2][..], 2)
        );
        assert_eq!(outcome.complaints, ["no sanitizer errors"]);
    }

    #[test]
    fn a_skipped_file_tells_why() {
        let outcome = Outcome::parse("1..0 # SKIP no ssi available\n");
        assert_eq!(outcome.skipped.as_deref(), Some("no ssi available"));
    }

    #[test]
    fn what_gave_no_result_is_missing() {
        assert_eq!(Outcome::parse("1..5\nok 1 - a\nnot ok 2 - b\n").missing, 3);
    }

    #[test]
    fn nested_results_do_not_count() {
        assert_eq!(
            Outcome::parse("1..1\n    ok 1 - inner\nok 1 - outer\n").passed,
            1
        );
    }
}
