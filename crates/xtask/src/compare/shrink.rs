//! Takes out of a scenario whatever a difference does not need.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::trial::{Arena, Finding, Scenario, Talk, Verdict};

/// How many smaller scenarios are tried for one difference.
const TRIES: usize = 400;

/// How long: a difference may be that a server does not answer.
const TIME: Duration = Duration::from_secs(60);

/// The smallest scenario that was found to differ in the same way, and what differs there.
pub(crate) fn shrink(
    arena: &Arena,
    scenario: Scenario,
    finding: Finding,
) -> Result<(Scenario, Finding)> {
    let talk = finding.talk;
    let mut shrinker = Shrinker {
        arena,
        smallest: scenario,
        finding,
        tries: TRIES,
        start: Instant::now(),
    };
    shrinker.talks(talk)?;
    loop {
        let before = shrinker.smallest.clone();
        shrinker.directives()?;
        shrinker.requests()?;
        if shrinker.tries == 0
            || (before.tree == shrinker.smallest.tree && before.talks == shrinker.smallest.talks)
        {
            return Ok((shrinker.smallest, shrinker.finding));
        }
    }
}

struct Shrinker<'a> {
    arena: &'a Arena,
    smallest: Scenario,
    finding: Finding,
    tries: usize,
    start: Instant,
}

impl Shrinker<'_> {
    /// Tries a smaller scenario and takes it if it differs in the same way.
    fn offer(&mut self, scenario: Scenario) -> Result<bool> {
        if self.start.elapsed() > TIME {
            self.tries = 0;
        }
        if self.tries == 0 {
            return Ok(false);
        }
        self.tries -= 1;
        let Verdict::Tried(findings) = self.arena.run(&scenario)? else {
            return Ok(false);
        };
        let kind = &self.finding.kind;
        let Some(same) = findings.into_iter().find(|one| one.kind == *kind) else {
            return Ok(false);
        };
        self.smallest = scenario;
        self.finding = same;
        Ok(true)
    }

    fn offer_talks(&mut self, talks: Vec<Talk>) -> Result<bool> {
        let tree = self.smallest.tree.clone();
        self.offer(Scenario { tree, talks })
    }

    /// The talk in which it was seen is mostly enough; else halves of the talks are.
    fn talks(&mut self, talk: Option<usize>) -> Result<()> {
        let seen = talk.and_then(|at| self.smallest.talks.get(at)).cloned();
        if let Some(talk) = seen {
            if let Some(last) = talk.last()
                && self.offer_talks(vec![vec![last.clone()]])?
            {
                return Ok(());
            }
            if self.offer_talks(vec![talk])? {
                return Ok(());
            }
        }
        let mut size = self.smallest.talks.len().div_ceil(2);
        loop {
            let mut at = 0;
            while at < self.smallest.talks.len() && self.smallest.talks.len() > 1 {
                let mut talks = self.smallest.talks.clone();
                talks.drain(at..talks.len().min(at + size));
                if !self.offer_talks(talks)? {
                    at += size;
                }
            }
            if size <= 1 {
                return Ok(());
            }
            size = size.div_ceil(2);
        }
    }

    /// Takes out directives, whole blocks first, and then the blocks around others; but not those without which a
    /// difference that is wanted could take the place of the one that was found.
    fn directives(&mut self) -> Result<()> {
        const KEPT: [&str; 3] = ["fastcgi_cache_key", "proxy_cache_key", "proxy_http_version"];
        for opening in [false, true] {
            let mut at = 0;
            while let Some(place) = self.smallest.tree.places().get(at).cloned() {
                let tree = &self.smallest.tree;
                if KEPT.iter().any(|name| tree.is_named(&place, name)) {
                    at += 1;
                    continue;
                }
                let smaller = if opening {
                    tree.opened(&place)
                } else {
                    tree.without(&place)
                };
                let talks = self.smallest.talks.clone();
                let taken = match smaller {
                    Some(tree) => self.offer(Scenario { tree, talks })?,
                    None => false,
                };
                if !taken {
                    at += 1;
                }
            }
        }
        Ok(())
    }

    /// Takes out requests before the last, and lines of them.
    fn requests(&mut self) -> Result<()> {
        let mut at = 0;
        while at < self.smallest.talks.len() {
            for smaller in smaller_talks(self.smallest.talks.get(at)) {
                let mut talks = self.smallest.talks.clone();
                if let Some(talk) = talks.get_mut(at) {
                    *talk = smaller;
                }
                if self.offer_talks(talks)? {
                    // The rest was made of what it was before.
                    break;
                }
            }
            at += 1;
        }
        Ok(())
    }
}

/// A talk without one of its requests, or without one line of one.
fn smaller_talks(talk: Option<&Talk>) -> Vec<Talk> {
    let talk = talk.cloned().unwrap_or_default();
    let mut smaller = Vec::new();
    for at in 0..talk.len() {
        if talk.len() > 1 {
            let mut fewer = talk.clone();
            fewer.remove(at);
            smaller.push(fewer);
        }
        let lines: Vec<&str> = talk.get(at).map_or("", String::as_str).lines().collect();
        for line in 1..lines.len() {
            // The empty line divides head and body.
            if lines.get(line).is_none_or(|line| line.is_empty()) {
                continue;
            }
            let mut fewer = talk.clone();
            let mut left = lines.clone();
            left.remove(line);
            if let Some(request) = fewer.get_mut(at) {
                *request = left.join("\n");
            }
            smaller.push(fewer);
        }
    }
    smaller
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn talks_lose_requests_and_lines() {
        let talk = vec![
            "GET / HTTP/1.1\nHost: a\n".to_owned(),
            "GET /x HTTP/1.0".to_owned(),
        ];
        let smaller = smaller_talks(Some(&talk));
        assert_eq!(
            smaller,
            [
                vec!["GET /x HTTP/1.0".to_owned()],
                vec!["GET / HTTP/1.1".to_owned(), "GET /x HTTP/1.0".to_owned()],
                vec!["GET / HTTP/1.1\nHost: a\n".to_owned()],
            ]
        );
    }
}
