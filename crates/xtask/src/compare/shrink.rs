//! Takes out of a scenario whatever a difference does not need.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::talk::Talk;
use super::trial::{Arena, Finding, Scenario, Verdict};

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
            let alone = Talk {
                requests: talk.requests.last().cloned().into_iter().collect(),
                pipelined: false,
            };
            if self.offer_talks(vec![alone])? {
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
            let talk = self.smallest.talks.get(at).cloned().unwrap_or_default();
            for smaller in talk.smaller() {
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
