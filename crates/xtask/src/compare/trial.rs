//! One configuration and its requests, tried on both servers.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use portunus_testkit::{
    Answer, Aspect, Connection, Difference, Error, FastCgiPeer, Launch, PhpFpm, PhpFpmOptions,
    Program, Response, Server, Step, TempTree, comparable_log, differences, normalise, show,
};

use super::known;
use super::site;
use super::talk::{self, Talk};
use super::tree::{Place, Tree};
use crate::process::pause;

/// How long a server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a server may take to see that a connection has been closed, and to log its last request.
const LAST_LINES: Duration = Duration::from_millis(20);

/// Workers of PHP-FPM: both servers keep connections to it.
const WORKERS: usize = 8;

/// Where the generated part of the configuration stands.
const FILE: &str = "generated.conf";

/// Where configurations log to.
const LOG: &str = "access.log";

/// What is tried.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// What stands in the `http` block.
    pub(crate) tree: Tree,
    pub(crate) talks: Vec<Talk>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The reference does not take the configuration; what it said.
    Refused(String),
    /// What the servers did not do alike; empty if they did.
    Tried(Vec<Finding>),
}

/// Something that the servers did not do alike.
#[derive(Debug)]
pub(crate) struct Finding {
    /// What it is, in words that a smaller scenario with the same fault has, too.
    pub(crate) kind: String,
    /// In which talk.
    pub(crate) talk: Option<usize>,
    /// For reading.
    pub(crate) shown: String,
}

/// Both programs, and what their configurations may name.
#[derive(Debug)]
pub(crate) struct Arena {
    ours: Program,
    root: TempTree,
    fpm: PhpFpm,
}

impl Arena {
    /// Prepares everything but the servers.
    ///
    /// # Errors
    /// If there is no PHP-FPM, or no room for the document root.
    pub(crate) fn new(binary: &Path) -> Result<Self> {
        let fpm = PhpFpmOptions::default().children(WORKERS).start()?;
        Ok(Self {
            ours: Program::at(binary),
            root: site::plant()?,
            fpm,
        })
    }

    /// Tries a scenario.
    ///
    /// # Errors
    /// Where it is the machine that fails.
    pub(crate) fn run(&self, scenario: &Scenario) -> Result<Verdict> {
        let text = scenario.tree.render();
        // Whoever starts a server waits for all the ports that are named.
        for port in ["%%PORT_0%%", "%%PORT_1%%"] {
            let listens = text.contains(&format!("listen 127.0.0.1:{port}"));
            if !listens && (port == "%%PORT_0%%" || text.contains(port)) {
                return Ok(Verdict::Refused(format!("nobody listens on {port}")));
            }
        }
        // One for each scenario: it keeps a handle of every connection that it has had.
        let peer = FastCgiPeer::start(vec![Step::as_asked()])?;
        let reference = self.launch(Program::nginx(), &text, "", &peer);
        let mut theirs = match reference.start() {
            Ok(server) => server,
            Err(Error::Ended { output, .. }) => {
                return Ok(Verdict::Refused(output));
            }
            Err(error) => {
                return Err(error).with_context(|| format!("starting the reference with\n{text}"));
            }
        };
        // Sizes of heads and of error pages are those of nginx, then, and PHP-FPM judges what is a script.
        let own = "server_product nginx;\nfastcgi_script_check off;";
        let mut ours = match self.launch(self.ours.clone(), &text, own, &peer).start() {
            Ok(server) => server,
            Err(error) => {
                return Ok(Verdict::Tried(vec![refusal(&error.to_string())]));
            }
        };
        let (mut findings, alike) = compare_talks(&scenario.talks, &theirs, &ours);
        pause(LAST_LINES);
        for server in [&mut theirs, &mut ours] {
            if let Err(error) = server.stop() {
                findings.push(Finding {
                    kind: "a server does not end".to_owned(),
                    talk: None,
                    shown: error.to_string(),
                });
            }
        }
        // A difference that is wanted is seen in the log, too.
        if findings.is_empty() && alike {
            findings.extend(compare_logs(&theirs, &ours)?);
        }
        Ok(Verdict::Tried(findings))
    }

    fn launch(&self, program: Program, text: &str, own: &str, peer: &FastCgiPeer) -> Launch {
        let config = format!("{own}\ninclude %%TMP%%/{FILE};");
        Launch::new(program, config)
            .file(FILE, text)
            .root(self.root.path())
            .with("FPM", self.fpm.pass())
            .with("PEER", peer.address().to_string())
    }
}

fn refusal(message: &str) -> Finding {
    let first = message.lines().find(|line| line.contains("[emerg]"));
    let first = first.unwrap_or(message);
    // Not the place, which changes when something is taken out.
    let kind = first.split(" in /").next().unwrap_or(first);
    let kind = kind.split_once("[emerg]").map_or(kind, |(_, words)| words);
    Finding {
        kind: format!("start {kind}"),
        talk: None,
        shown: format!("the reference starts, ours does not: {message}"),
    }
}

/// The place that an error message speaks of: by the line of the generated file, or by a variable that is not there.
pub(crate) fn place_of(message: &str, tree: &Tree) -> Option<Place> {
    if let Some(line) = line_of(message) {
        return tree.place_of_line(line);
    }
    if message.contains("no \"charset_map\" between") {
        return tree.place_of_words("source_charset");
    }
    let (_, after) = message.split_once("unknown \"")?;
    let (name, _) = after.split_once("\" variable")?;
    tree.place_of_words(&format!("${name}"))
}

fn line_of(output: &str) -> Option<usize> {
    let after = output.split(&format!("{FILE}:")).nth(1)?;
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    after.get(..digits)?.parse().ok()
}

/// Sends all talks to both and compares their answers; whether they are alike even where they need not be.
fn compare_talks(talks: &[Talk], theirs: &Server, ours: &Server) -> (Vec<Finding>, bool) {
    let (one, other) = thread::scope(|scope| {
        let theirs = scope.spawn(|| replay_all(talks, theirs));
        let ours = replay_all(talks, ours);
        (theirs.join().unwrap_or_default(), ours)
    });
    let (mut findings, mut alike) = (Vec::new(), true);
    let answers = one.iter().zip(&other);
    for (at, (talk, (one, other))) in talks.iter().zip(answers).enumerate() {
        for (theirs, ours) in one.iter().zip(other) {
            let found = differences(theirs, ours, &|_| false);
            alike &= found.is_empty() && known::is_logged_alike(talk, theirs);
            let found = found
                .into_iter()
                .filter(|difference| !known::is_wanted(theirs, ours, difference));
            findings.extend(found.map(|difference| finding(at, &difference, theirs, ours)));
        }
    }
    (findings, alike)
}

fn finding(talk: usize, difference: &Difference, theirs: &Answer, ours: &Answer) -> Finding {
    let Difference {
        aspect,
        theirs: one,
        ours: other,
    } = difference;
    let kind = match aspect {
        Aspect::Status => format!("status {one} {other}"),
        Aspect::Answer => format!(
            "answer {}",
            other.split([';', ':']).next().unwrap_or_default()
        ),
        // That a field is there on one side only is another fault than a value.
        Aspect::Field(name) => format!("field {name} {} {}", one == "none", other == "none"),
        aspect => format!("{aspect:?}"),
    };
    let shown = format!(
        "{aspect:?} differs\n  reference: {one}\n  ours:      {other}\n  reference: {}\n  ours:      {}",
        show(theirs),
        show(ours)
    );
    Finding {
        kind,
        talk: Some(talk),
        shown,
    }
}

fn replay_all(talks: &[Talk], server: &Server) -> Vec<Vec<Answer>> {
    let names = server
        .values()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    talks
        .iter()
        .map(|talk| replay(talk, server, &names))
        .collect()
}

/// The answers of a talk, made comparable; after a connection that ends early there are no more.
fn replay(talk: &Talk, server: &Server, names: &BTreeMap<String, String>) -> Vec<Answer> {
    let mut connection = match Connection::open(server.address(0)) {
        Ok(connection) => connection.with_patience(PATIENCE),
        Err(error) => return vec![error.into()],
    };
    let requests = talk.requests.iter();
    let bytes = requests.map(|request| talk::bytes(&server.replace_names(request)));
    let mut requests = talk.requests.iter().map(|request| talk::method(request));
    if talk.pipelined {
        let read = |connection: &mut Connection| {
            let answers = requests.map(|method| connection.read_response(method));
            Ok(taken(answers, names))
        };
        let all = bytes.collect::<Vec<_>>().concat();
        let answers = connection.while_sending(&all, read);
        return answers.unwrap_or_else(|error: Error| vec![error.into()]);
    }
    let answers =
        bytes.map(|bytes| connection.exchange(&bytes, requests.next().unwrap_or_default()));
    taken(answers, names)
}

/// Answers, as far as there may be a further one.
fn taken(
    answers: impl Iterator<Item = Result<Response, Error>>,
    names: &BTreeMap<String, String>,
) -> Vec<Answer> {
    let mut taken = Vec::new();
    for answer in answers {
        let mut answer = match answer {
            Ok(response) => Answer::Responses(vec![response]),
            Err(error) => error.into(),
        };
        normalise(&mut answer, names);
        known::open_up(&mut answer);
        let goes_on = known::goes_on(&answer);
        taken.push(answer);
        if !goes_on {
            break;
        }
    }
    taken
}

/// The first line that only one of the logs has.
fn compare_logs(theirs: &Server, ours: &Server) -> Result<Option<Finding>> {
    let read = |server: &Server| -> Result<String> {
        let file = server.folder().join(LOG);
        if !file.exists() {
            return Ok(String::new());
        }
        let log = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        Ok(comparable_log(
            &String::from_utf8_lossy(&log),
            server.values(),
        ))
    };
    let (theirs, ours) = (read(theirs)?, read(ours)?);
    if theirs == ours {
        return Ok(None);
    }
    let lines = theirs.lines().count().max(ours.lines().count());
    let mut pairs = (0..lines).map(|at| (theirs.lines().nth(at), ours.lines().nth(at)));
    let differing = pairs.find(|(one, other)| one != other);
    let (one, other) = differing.unwrap_or_default();
    let (one, other) = (one.unwrap_or("none"), other.unwrap_or("none"));
    Ok(Some(Finding {
        kind: "log".to_owned(),
        talk: None,
        shown: format!(
            "{LOG} differs ({} and {} lines)\n  reference: {one}\n  ours:      {other}",
            theirs.lines().count(),
            ours.lines().count()
        ),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_tell_lines() {
        assert_eq!(
            line_of("nginx: [emerg] x in /tmp/generated.conf:12\n"),
            Some(12)
        );
        assert_eq!(line_of("nginx: [emerg] x"), None);
    }
}
