//! The way of a request as the handler goes it, with files that exist only by name.

use std::collections::HashMap;

use portunus_template::Variables;
use portunus_uri_path::Target;

use super::config::{Block, Config};
use crate::rewrite::{FileTest, NewArgs, RewriteContext, RewriteOutcome};
use crate::try_files::TryOutcome;
use crate::{Captures, LocationId, Slot};

/// How often a request may change its location (nginx: `NGX_HTTP_MAX_URI_CHANGES`).
const MAX_URI_CHANGES: u32 = 10;

struct Request<'a> {
    config: &'a Config,
    files: &'a [&'a str],
    uri: Vec<u8>,
    args: Vec<u8>,
    has_escapes: bool,
    captures: Captures,
    variables: HashMap<String, Vec<u8>>,
    location: Option<LocationId>,
    changes_left: u32,
}

/// An answer in the notation of the cases.
pub(super) fn answer(config: &Config, files: &[&str], target: &str) -> String {
    let Ok(target) = Target::parse(target.as_bytes(), true) else {
        return "400".to_owned();
    };
    let mut request = Request {
        config,
        files,
        uri: target.path.to_vec(),
        args: target.args.to_vec(),
        has_escapes: target.has_escapes,
        captures: Captures::new(),
        variables: HashMap::new(),
        location: None,
        changes_left: MAX_URI_CHANGES,
    };
    let Answer { status, to, body } = request.serve();
    if status == 444 {
        return "closed".to_owned();
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut line = status.to_string();
    if let Some(place) = request.block().and_then(|block| block.place.as_ref()) {
        line += &format!(" where={place}");
    }
    if let Some(to) = to {
        line += &format!(" to={}", text(&to));
    }
    if !body.is_empty() {
        let body = text(&body).replace('\t', "\\t");
        line += &format!(" body={body}");
    }
    line
}

struct Answer {
    status: u16,
    to: Option<Vec<u8>>,
    body: Vec<u8>,
}

fn status(status: u16) -> Answer {
    Answer {
        status,
        to: None,
        body: Vec::new(),
    }
}

/// What to do next.
enum Next {
    /// The server's program.
    Server,
    /// The search for a location.
    Find,
    /// The program of the location that is set.
    Location,
    Done(Answer),
}

impl<'a> Request<'a> {
    fn serve(&mut self) -> Answer {
        let mut next = Next::Server;
        loop {
            next = match next {
                Next::Server => {
                    self.location = None;
                    match self.config.server.program.run(self) {
                        RewriteOutcome::Continue { .. } => Next::Find,
                        outcome => Next::Done(finished(outcome)),
                    }
                }
                Next::Find => self.find(),
                Next::Location => self.run_location(),
                Next::Done(answer) => return answer,
            };
        }
    }

    fn find(&mut self) -> Next {
        let found = self
            .config
            .locations
            .find(&self.uri, &mut self.captures)
            .unwrap();
        let (slots, variables) = (&self.config.slots, &mut self.variables);
        self.captures.take_named(|slot, value| {
            variables.insert(slots[slot.0 as usize].clone(), value.to_vec());
        });
        self.location = found.location;
        match found.location {
            Some(location) if found.redirect_to_slash => {
                let path = self.config.locations.redirect_path(location);
                let to = self.with_args(path.unwrap().to_vec());
                Next::Done(Answer {
                    to: Some(to),
                    ..status(301)
                })
            }
            Some(_) => Next::Location,
            None => Next::Done(self.content()),
        }
    }

    fn run_location(&mut self) -> Next {
        let config = self.config;
        let program = self
            .location
            .map(|LocationId(id)| &config.blocks[id as usize].program);
        match program.unwrap().run(self) {
            RewriteOutcome::Continue { uri_changed: true } => self.redirected(Next::Find),
            RewriteOutcome::Continue { uri_changed: false } => self.try_files(),
            outcome => Next::Done(finished(outcome)),
        }
    }

    fn try_files(&mut self) -> Next {
        let Some(plan) = self.block().and_then(|block| block.try_files.as_ref()) else {
            return Next::Done(self.content());
        };
        match plan.decide(self, |request, path, is_directory| {
            if is_directory {
                request.is_directory(path)
            } else {
                request.is_file(path)
            }
        }) {
            TryOutcome::Found { path, .. } => {
                self.uri = path;
                Next::Done(self.content())
            }
            TryOutcome::Status(code) => Next::Done(status(code)),
            TryOutcome::Redirect { uri, args } => {
                (self.uri, self.args) = (uri, args);
                self.redirected(Next::Server)
            }
            TryOutcome::Named(name) => match self.config.locations.named(&name) {
                Some(location) => {
                    self.location = Some(location);
                    self.redirected(Next::Location)
                }
                None => Next::Done(status(500)),
            },
        }
    }

    fn redirected(&mut self, next: Next) -> Next {
        match self.changes_left.checked_sub(1) {
            Some(left) => {
                self.changes_left = left;
                next
            }
            None => Next::Done(status(500)),
        }
    }

    fn content(&self) -> Answer {
        if self.block().is_some_and(|block| block.passes_on) {
            status(502)
        } else if self.is_file(&self.uri) {
            Answer {
                body: [b"file ", &self.uri[..]].concat(),
                ..status(200)
            }
        } else if self.uri.ends_with(b"/") && self.is_directory(&self.uri) {
            status(403)
        } else if self.is_directory(&self.uri) {
            Answer {
                to: Some(self.with_args([&self.uri[..], b"/"].concat())),
                ..status(301)
            }
        } else {
            status(404)
        }
    }

    fn with_args(&self, mut path: Vec<u8>) -> Vec<u8> {
        if !self.args.is_empty() {
            path.push(b'?');
            path.extend_from_slice(&self.args);
        }
        path
    }

    fn block(&self) -> Option<&'a Block> {
        match self.location {
            Some(LocationId(id)) => Some(&self.config.blocks[id as usize]),
            None => Some(&self.config.server),
        }
    }

    fn is_file(&self, path: &[u8]) -> bool {
        self.files.iter().any(|file| file.as_bytes() == path)
    }

    fn is_directory(&self, path: &[u8]) -> bool {
        let path = [path.strip_suffix(b"/").unwrap_or(path), b"/"].concat();
        let mut files = self.files.iter().map(|file| file.as_bytes());
        path == b"/" || files.any(|file| file.starts_with(&path))
    }
}

fn finished(outcome: RewriteOutcome) -> Answer {
    match outcome {
        RewriteOutcome::Redirect {
            status: code,
            location,
        } => Answer {
            to: Some(location),
            ..status(code)
        },
        RewriteOutcome::Respond { status: code, body } => Answer {
            body,
            ..status(code)
        },
        RewriteOutcome::Status(code) => status(code),
        RewriteOutcome::Failed(_) | RewriteOutcome::Continue { .. } => status(500),
    }
}

impl Variables<String> for Request<'_> {
    fn append(&mut self, variable: &String, out: &mut Vec<u8>) {
        match variable.as_str() {
            "uri" => out.extend_from_slice(&self.uri),
            "args" | "query_string" => out.extend_from_slice(&self.args),
            "is_args" if !self.args.is_empty() => out.push(b'?'),
            "scheme" => out.extend_from_slice(b"http"),
            "is_args" | "document_root" => {}
            name => {
                if let Some(argument) = name.strip_prefix("arg_") {
                    let wanted = format!("{argument}=").into_bytes();
                    let mut arguments = self.args.split(|&byte| byte == b'&');
                    let found = arguments.find_map(|known| known.strip_prefix(&wanted[..]));
                    out.extend_from_slice(found.unwrap_or_default());
                } else if let Some(value) = self.variables.get(name) {
                    out.extend_from_slice(value);
                }
            }
        }
    }

    fn append_capture(&mut self, number: u8, out: &mut Vec<u8>) {
        self.captures.append(number, out);
    }

    fn append_capture_escaped(&mut self, number: u8, out: &mut Vec<u8>) {
        self.captures.append_escaped(number, self.has_escapes, out);
    }
}

impl RewriteContext<String> for Request<'_> {
    fn uri(&self) -> &[u8] {
        &self.uri
    }

    fn args(&self) -> &[u8] {
        &self.args
    }

    fn captures(&mut self) -> &mut Captures {
        &mut self.captures
    }

    fn rewrite_uri(&mut self, uri: Vec<u8>, args: NewArgs) {
        self.uri = uri;
        match args {
            NewArgs::Kept => {}
            NewArgs::Dropped => self.args.clear(),
            NewArgs::Put(args) => self.args = args,
        }
    }

    fn set(&mut self, variable: &String, value: Vec<u8>) {
        self.variables.insert(variable.clone(), value);
    }

    fn bind(&mut self, slot: Slot, value: &[u8]) {
        self.variables
            .insert(self.config.slots[slot.0 as usize].clone(), value.to_vec());
    }

    fn enter(&mut self, location: LocationId) {
        self.location = Some(location);
    }

    fn test_file(&mut self, test: FileTest, path: &[u8]) -> bool {
        match test {
            FileTest::File => self.is_file(path),
            FileTest::Directory => self.is_directory(path),
            FileTest::Exists => self.is_file(path) || self.is_directory(path),
            FileTest::Executable => false,
        }
    }
}
