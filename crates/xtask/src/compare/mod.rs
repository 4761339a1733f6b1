//! `cargo xtask compare`: configurations and requests made by chance, nginx as the judge. What differs is made small
//! enough to become a case of the conformance tests.

mod grammar;
mod known;
mod random;
mod shrink;
mod site;
mod talk;
mod tree;
mod trial;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use lexopt::{Arg, Parser, ValueExt as _};

use crate::progress;
use crate::repository::{self, Profile};
use grammar::Grammar;
use random::Random;
use talk::Talk;
use trial::{Arena, Finding, Scenario, Verdict};

const USAGE: &str = "\
usage: cargo xtask compare [OPTIONS]

  --seed N        the seed of the first round (default 1); the next has the next
  --rounds N      rounds of each area (default 20)
  --area NAME     engine, static, fastcgi, variables or protocol
                  (default: each in turn)
  --binary PATH   the server to compare (default: portunus, built now)
  --show          print the configuration and the requests of each round, and try nothing

  A round is a configuration made by chance and some sixty requests. What is
  not answered as nginx does is shown with the smallest configuration and
  request that were found to show it. Needs nginx and PHP-FPM.";

/// Areas by name, with what they add to the common grammar.
const AREAS: [(&str, &str); 5] = [
    ("engine", include_str!("grammar/engine.txt")),
    ("static", include_str!("grammar/static.txt")),
    ("fastcgi", include_str!("grammar/fastcgi.txt")),
    ("variables", include_str!("grammar/variables.txt")),
    ("protocol", include_str!("grammar/protocol.txt")),
];

/// What all areas share.
const COMMON: &str = include_str!("grammar/common.txt");

/// How many talks a round has.
const TALKS: usize = 40;

/// How many lines of a configuration the reference may refuse, one after the other.
const REFUSALS: usize = 60;

struct Options {
    seed: u64,
    rounds: u64,
    area: Option<String>,
    binary: Option<PathBuf>,
    show: bool,
}

/// Runs the command; fails where something differs.
pub(crate) fn main(arguments: Parser) -> Result<ExitCode> {
    let Some(options) = Options::parse(arguments)? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    let areas = options.areas()?;
    if options.show {
        options.show(&areas)?;
        return Ok(ExitCode::SUCCESS);
    }
    let binary = match &options.binary {
        // The servers run in folders of their own.
        Some(path) => path.canonicalize().context("--binary")?,
        None => repository::build_server(Profile::Dev)?,
    };
    let arena = Arena::new(&binary)?;
    let mut differing = 0;
    for (name, rules) in areas {
        let grammar = Grammar::parse(&[COMMON, rules])?;
        for seed in options.seeds() {
            differing += usize::from(round(&arena, name, &grammar, seed)?);
        }
    }
    println!("{differing} rounds differ");
    Ok(if differing == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Options {
    fn parse(mut arguments: Parser) -> Result<Option<Self>> {
        let mut options = Self {
            seed: 1,
            rounds: 20,
            area: None,
            binary: None,
            show: false,
        };
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("seed") => options.seed = arguments.value()?.parse()?,
                Arg::Long("rounds") => options.rounds = arguments.value()?.parse()?,
                Arg::Long("area") => options.area = Some(arguments.value()?.string()?),
                Arg::Long("binary") => options.binary = Some(arguments.value()?.into()),
                Arg::Long("show") => options.show = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                _ => return Err(argument.unexpected().into()),
            }
        }
        Ok(Some(options))
    }

    fn areas(&self) -> Result<Vec<(&'static str, &'static str)>> {
        let wanted = |name: &str| self.area.as_deref().is_none_or(|area| area == name);
        let areas: Vec<_> = AREAS.into_iter().filter(|(name, _)| wanted(name)).collect();
        if areas.is_empty() {
            bail!("{USAGE}");
        }
        Ok(areas)
    }

    fn seeds(&self) -> std::ops::Range<u64> {
        self.seed..self.seed.saturating_add(self.rounds)
    }

    fn show(&self, areas: &[(&str, &str)]) -> Result<()> {
        for (name, rules) in areas {
            let grammar = Grammar::parse(&[COMMON, rules])?;
            for seed in self.seeds() {
                println!("# {name} {seed}");
                print_scenario(&scenario(&grammar, seed));
            }
        }
        Ok(())
    }
}

/// The scenario of a seed.
fn scenario(grammar: &Grammar, seed: u64) -> Scenario {
    let random = &mut Random::new(seed);
    let tree = tree::Tree::parse(&grammar.make("config", random));
    let talks = (0..TALKS).map(|_| talk(grammar, random)).collect();
    Scenario { tree, talks }
}

/// One request, or with less chance more on one connection.
fn talk(grammar: &Grammar, random: &mut Random) -> Talk {
    let more = random.below(8).saturating_sub(4);
    let pipelined = more > 0 && random.below(3) == 0;
    let requests = (0..=more).map(|_| without_repetitions(&grammar.make("request", random)));
    Talk {
        requests: requests.collect(),
        pipelined,
    }
}

/// A request whose fields all have different names: since 1.23 nginx joins the values in variables, the reference knows
/// the first alone. A date beside an entity tag counts as a repetition, since it is ignored (`if_modified_since`).
fn without_repetitions(request: &str) -> String {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let (mut names, mut lines) = (Vec::new(), Vec::new());
    for line in head.lines() {
        let name = line.split(':').next().unwrap_or_default();
        let name = match name.to_ascii_lowercase().as_str() {
            "if-modified-since" => "if-none-match".to_owned(),
            "if-unmodified-since" => "if-match".to_owned(),
            name => name.to_owned(),
        };
        if !names.contains(&name) {
            names.push(name);
            lines.push(line);
        }
    }
    format!("{}\n\n{body}", lines.join("\n"))
}

/// One round; whether the servers differ.
fn round(arena: &Arena, area: &str, grammar: &Grammar, seed: u64) -> Result<bool> {
    let start = Instant::now();
    let tried = try_accepted(arena, scenario(grammar, seed));
    let (scenario, findings) = match tried.with_context(|| format!("{area} {seed}"))? {
        Ok(tried) => tried,
        Err(message) => {
            println!("- {area} {seed} is left out: {}", message.trim_end());
            return Ok(false);
        }
    };
    let (directives, requests) = (
        scenario.tree.places().len(),
        scenario
            .talks
            .iter()
            .map(|talk| talk.requests.len())
            .sum::<usize>(),
    );
    let size = format!("{directives} directives, {requests} requests");
    let (mut kinds, mut talks) = (Vec::new(), Vec::new());
    for finding in findings {
        // What else differs in the same answer mostly follows from the first.
        if kinds.contains(&finding.kind) || talks.contains(&finding.talk) {
            continue;
        }
        kinds.push(finding.kind.clone());
        talks.push(finding.talk);
        let (smallest, finding) = shrink::shrink(arena, scenario.clone(), finding)?;
        print_finding(area, seed, &smallest, &finding);
    }
    let mark = progress::coloured(if kinds.is_empty() { '✓' } else { '✗' });
    let time = progress::seconds(start.elapsed());
    println!("{mark} {area} {seed} ({size}, {time})");
    Ok(!kinds.is_empty())
}

/// Takes out what the reference refuses, line by line, and tries the rest; else what it said last.
fn try_accepted(
    arena: &Arena,
    mut scenario: Scenario,
) -> Result<Result<(Scenario, Vec<Finding>), String>> {
    let mut refusals = 0;
    loop {
        let message = match arena.run(&scenario)? {
            Verdict::Tried(findings) => return Ok(Ok((scenario, findings))),
            Verdict::Refused(message) => message,
        };
        refusals += 1;
        let place = trial::place_of(&message, &scenario.tree);
        match place.and_then(|place| scenario.tree.without(&place)) {
            Some(smaller) if refusals < REFUSALS => scenario.tree = smaller,
            _ => return Ok(Err(message)),
        }
    }
}

fn print_finding(area: &str, seed: u64, scenario: &Scenario, finding: &Finding) {
    println!("---- {area} {seed}: {}", finding.shown);
    print_scenario(scenario);
}

/// In the form of a case of the conformance tests.
fn print_scenario(scenario: &Scenario) {
    print!("{}", scenario.tree.render());
    for (at, talk) in scenario.talks.iter().enumerate() {
        print!("{}", talk.script(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_area_has_a_grammar_that_is_whole() {
        for (name, rules) in AREAS {
            let grammar = Grammar::parse(&[COMMON, rules]).expect(name);
            let scenario = scenario(&grammar, 1);
            assert!(scenario.tree.render().contains("server {"), "{name}");
            for request in scenario.talks.iter().flat_map(|talk| &talk.requests) {
                assert!(request.contains(" HTTP/1."), "{name}: {request}");
            }
        }
    }
}
