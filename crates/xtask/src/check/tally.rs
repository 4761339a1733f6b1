//! Counts of tests, read from what the test runners print.

use std::ops::AddAssign;

/// How many passed and how many failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl Tally {
    /// A step that counts as one test and passed.
    pub(crate) fn one_passed() -> Self {
        Self {
            passed: 1,
            failed: 0,
        }
    }

    /// A step that counts as one test and failed.
    pub(crate) fn one_failed() -> Self {
        Self {
            passed: 0,
            failed: 1,
        }
    }

    /// Whether nothing failed.
    pub(crate) fn is_clean(self) -> bool {
        self.failed == 0
    }

    /// What one line of a test runner adds: nextest's `Summary`, libtest's `test result:`, or TAP's `ok`.
    pub(crate) fn count_line(&mut self, line: &str) {
        if line.contains("test result:") || line.trim_start().starts_with("Summary [") {
            self.passed += number_before(line, "passed");
            // nextest tells tests that ran out of time apart.
            self.failed += number_before(line, "failed") + number_before(line, "timed out");
        } else if line.starts_with("not ok ") {
            self.failed += 1;
        } else if line.starts_with("ok ") {
            self.passed += 1;
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The number that stands before a word: `3 passed`; none counts as 0.
fn number_before(line: &str, word: &str) -> usize {
    let Some(end) = line.find(word) else { return 0 };
    let before = line[..end].trim_end();
    let start = before
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + 1);
    before[start..].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.count_line(line));
        tally
    }

    #[test]
    fn every_runner_is_understood() {
        let nextest = "     Summary [   0.512s] 12 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 3 skipped";
        assert_eq!(
            counted(&[nextest]),
            Tally {
                passed: 9,
                failed: 3
            }
        );
        let libtest =
            "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(
            counted(&[libtest, libtest]),
            Tally {
                passed: 6,
                failed: 2
            }
        );
        assert_eq!(
            counted(&["ok 1 - home", "not ok 2 - login", "# ok"]),
            Tally {
                passed: 1,
                failed: 1
            }
        );
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(
            counted(&["test a ... ok", "okay", "5 passed"]),
            Tally::default()
        );
    }
}
