//! What became of the requests.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::histogram::Histogram;

/// What became of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// A whole answer, as expected.
    Good,
    /// A whole answer with another status.
    WrongStatus,
    /// A whole answer with another body.
    WrongBody,
    /// Bytes that are no HTTP answer.
    Malformed,
    /// The connection ended within the answer.
    Truncated,
    /// The connection ended before the first byte of the answer.
    Reset,
    /// There was no connection to be had.
    Refused,
    /// The client lost its patience and closed.
    Abandoned,
    /// The load ended first.
    Unfinished,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::WrongStatus => "wrong_status",
            Self::WrongBody => "wrong_body",
            Self::Malformed => "malformed",
            Self::Truncated => "truncated",
            Self::Reset => "reset",
            Self::Refused => "refused",
            Self::Abandoned => "abandoned",
            Self::Unfinished => "unfinished",
        }
    }
}

/// What became of all requests of a load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How long requests began.
    pub duration: Duration,
    /// How often each outcome was seen.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// How often each status was seen in whole answers.
    pub statuses: BTreeMap<u16, u64>,
    /// Times of good answers, from when the request was due to the last byte.
    pub latency: Histogram,
    /// Bytes of bodies.
    pub body_bytes: u64,
}

impl Report {
    /// How often an outcome was seen.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or(0)
    }

    /// All requests that were begun.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// Requests that were neither answered well nor cut off by the load's own end.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.begun() - self.count(Outcome::Good) - self.count(Outcome::Unfinished)
    }

    /// Good answers per second.
    #[must_use]
    pub fn good_per_second(&self) -> f64 {
        self.count(Outcome::Good) as f64 / self.duration.as_secs_f64()
    }

    /// The report as one line of JSON; times in milliseconds.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = format!(
            "{{\"seconds\":{:.3},\"begun\":{},\"failed\":{},\"good_per_second\":{:.2},\"body_bytes\":{}",
            self.duration.as_secs_f64(),
            self.begun(),
            self.failed(),
            self.good_per_second(),
            self.body_bytes
        );
        let outcomes = self
            .outcomes
            .iter()
            .map(|(outcome, count)| (outcome.name(), count));
        let _ = write!(text, ",\"outcomes\":{}", json_object(outcomes));
        let _ = write!(text, ",\"statuses\":{}", json_object(self.statuses.iter()));
        let milliseconds = |time: Duration| format!("{:.3}", time.as_secs_f64() * 1e3);
        let percentiles = [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p999", 99.9)];
        let times = percentiles.map(|(name, at)| (name, milliseconds(self.latency.percentile(at))));
        let longest = ("max", milliseconds(self.latency.longest()));
        let times = times.into_iter().chain([longest]);
        let _ = write!(text, ",\"latency_ms\":{}}}", json_object(times));
        text
    }
}

fn json_object<K: std::fmt::Display, V: std::fmt::Display>(
    pairs: impl Iterator<Item = (K, V)>,
) -> String {
    let members: Vec<String> = pairs
        .map(|(key, value)| format!("\"{key}\":{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_told_in_json() {
        let mut report = Report {
            duration: Duration::from_secs(2),
            ..Report::default()
        };
        report.outcomes.insert(Outcome::Good, 9);
        report.outcomes.insert(Outcome::Reset, 1);
        report.statuses.insert(200, 9);
        assert_eq!((report.begun(), report.failed()), (10, 1));
        assert_eq!(
            report.to_json(),
            "{\"seconds\":2.000,\"begun\":10,\"failed\":1,\"good_per_second\":4.50,\"body_bytes\":0,\
             \"outcomes\":{\"good\":9,\"reset\":1},\"statuses\":{\"200\":9},\
             \"latency_ms\":{\"p50\":0.000,\"p90\":0.000,\"p99\":0.000,\"p999\":0.000,\"max\":0.000}}"
        );
    }
}
