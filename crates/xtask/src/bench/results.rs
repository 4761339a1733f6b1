//! `benches/RESULTS.md`: the machine, how it was measured, and a section per workload. A run of some
//! workloads renews their sections and leaves the others.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::measure::Row;

/// One section of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// The workload's name, also the key.
    pub(crate) name: String,
    /// All lines below the heading.
    pub(crate) text: String,
}

/// The table of a closed-loop workload; ratios are against the first row.
pub(crate) fn render_rows(rows: &[Row]) -> String {
    let mut text = String::from(
        "| server | requests/s | CPU µs/request | p50 ms | p99 ms | RSS MiB | requests/s ratio | CPU ratio | errors |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.1} | {:.2} | {:.2} | {:.1} | {:.2} | {:.2} | {} |",
            row.label,
            row.requests_per_second,
            row.cpu_microseconds,
            row.p50_ms,
            row.p99_ms,
            row.resident_mib,
            row.rate_ratio,
            row.cpu_ratio,
            row.errors,
        );
    }
    text
}

/// Writes the file: a new head, the new sections, and the old sections that were not measured anew,
/// in the given order of names.
pub(crate) fn write(path: &Path, head: &str, new: &[Section], order: &[&str]) -> Result<()> {
    let old = std::fs::read_to_string(path).unwrap_or_default();
    let text = merge(head, &split_sections(&old), new, order);
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn merge(head: &str, old: &[Section], new: &[Section], order: &[&str]) -> String {
    let mut text = format!("{}\n", head.trim_end());
    for name in order {
        let find = |sections: &[Section]| sections.iter().find(|s| s.name == *name).cloned();
        if let Some(section) = find(new).or_else(|| find(old)) {
            let _ = write!(text, "\n## {}\n\n{}\n", section.name, section.text.trim());
        }
    }
    text
}

fn split_sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            sections.push(Section {
                name: name.trim().into(),
                text: String::new(),
            });
        } else if let Some(section) = sections.last_mut() {
            section.text.push_str(line);
            section.text.push('\n');
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(name: &str, text: &str) -> Section {
        Section {
            name: name.into(),
            text: text.into(),
        }
    }

    #[test]
    fn a_section_measured_anew_replaces_the_old_and_the_others_stay() {
        let first = merge(
            "# Results",
            &[],
            &[section("a", "1"), section("b", "2")],
            &["a", "b"],
        );
        let again = merge(
            "# Results",
            &split_sections(&first),
            &[section("b", "3")],
            &["a", "b"],
        );
        assert_eq!(again, "# Results\n\n## a\n\n1\n\n## b\n\n3\n");
    }

    #[test]
    fn a_row_has_its_ratios_behind_its_figures() {
        let row = Row {
            label: "Portunus".into(),
            requests_per_second: 1_000.0,
            cpu_microseconds: 5.0,
            rate_ratio: 1.0,
            cpu_ratio: 0.5,
            p50_ms: 1.0,
            p99_ms: 2.0,
            resident_mib: 3.0,
            errors: 0,
        };
        let text = render_rows(&[row]);
        let last = text.lines().last().expect("there are rows");
        assert_eq!(
            last,
            "| Portunus | 1000 | 5.0 | 1.00 | 2.00 | 3.0 | 1.00 | 0.50 | 0 |"
        );
    }
}
