//! Just enough of the configuration language to write cases in.

use std::convert::Infallible;

use crate::rewrite::{Condition, Program, Return, Rewrite, Step};
use crate::try_files::TryFiles;
use crate::{Location, LocationId, LocationMatch, Locations, Slot};

/// A server block.
pub(super) struct Config {
    pub(super) server: Block,
    /// By [`LocationId`].
    pub(super) blocks: Vec<Block>,
    pub(super) locations: Locations,
    /// Names of the variables that named groups set, by [`Slot`].
    pub(super) slots: Vec<String>,
}

/// What the case language can say of a server, a location, or an `if`.
#[derive(Default)]
pub(super) struct Block {
    pub(super) place: Option<String>,
    pub(super) program: Program<String>,
    pub(super) try_files: Option<TryFiles<String>>,
    pub(super) passes_on: bool,
}

impl Config {
    pub(super) fn read(source: &str) -> Config {
        let mut reader = Reader {
            words: words(source),
            at: 0,
            blocks: Vec::new(),
            slots: Vec::new(),
        };
        let (mut server, locations) = reader.block(None, false);
        let Reader {
            mut blocks,
            mut slots,
            ..
        } = reader;
        for block in blocks.iter_mut().chain([&mut server]) {
            block
                .program
                .each_regex(&mut |regex| regex.bind(|name| slot(&mut slots, name)));
        }
        Config {
            server,
            blocks,
            locations: Locations::new(locations).unwrap(),
            slots,
        }
    }
}

fn slot(slots: &mut Vec<String>, name: &str) -> Slot {
    let at = slots
        .iter()
        .position(|known| known == name)
        .unwrap_or_else(|| {
            slots.push(name.to_owned());
            slots.len() - 1
        });
    Slot(u32::try_from(at).unwrap())
}

fn any_name(name: &[u8]) -> Result<String, Infallible> {
    Ok(String::from_utf8(name.to_vec()).unwrap())
}

/// Words, and `;`, `{` and `}` as words of their own.
fn words(source: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = source.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            ';' | '{' | '}' => 1,
            '"' => 2 + rest[1..].find('"').unwrap(),
            // A brace behind a dollar belongs to the word.
            _ => rest
                .char_indices()
                .find(|&(at, c)| {
                    c.is_whitespace() || c == ';' || (c == '{' && !rest[..at].ends_with('$'))
                })
                .map_or(rest.len(), |(at, _)| at),
        };
        words.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    words
}

struct Reader {
    words: Vec<String>,
    at: usize,
    blocks: Vec<Block>,
    slots: Vec<String>,
}

impl Reader {
    /// Reads directives up to the closing brace; `outer` is the place around the block.
    fn block(&mut self, outer: Option<&str>, in_location: bool) -> (Block, Vec<Location>) {
        let mut block = Block {
            place: outer.map(str::to_owned),
            ..Block::default()
        };
        let mut locations = Vec::new();
        // The place counts for blocks inside wherever it stands.
        if let Some(place) = self.place_ahead() {
            block.place = Some(place);
        }
        let steps = self.steps(&mut block, &mut locations, in_location);
        block.program.steps = steps;
        (block, locations)
    }

    fn steps(
        &mut self,
        block: &mut Block,
        locations: &mut Vec<Location>,
        in_location: bool,
    ) -> Vec<Step<String>> {
        let mut steps = Vec::new();
        while let Some(directive) = self.directive() {
            let arguments: Vec<&[u8]> = directive[1..].iter().map(|word| unquoted(word)).collect();
            match (directive[0].as_str(), &arguments[..]) {
                ("where", _) => {}
                ("proxy_pass", _) => block.passes_on = true,
                ("try_files", arguments) => {
                    block.try_files = Some(TryFiles::compile(arguments, any_name).unwrap());
                }
                ("break", []) => steps.push(Step::Break),
                ("set", [name, value]) => {
                    let name = std::str::from_utf8(&name[1..]).unwrap();
                    let value = portunus_template::Template::compile(value, any_name).unwrap();
                    steps.push(Step::Set {
                        name: name.into(),
                        variable: name.into(),
                        value,
                    });
                }
                ("return", [code]) => {
                    steps.push(Step::Return(Return::compile(code, None, any_name).unwrap()));
                }
                ("return", [code, text]) => {
                    steps.push(Step::Return(
                        Return::compile(code, Some(text), any_name).unwrap(),
                    ));
                }
                ("rewrite", [pattern, replacement, flag @ ..]) => {
                    let flag = flag.first().copied();
                    let rewrite = Rewrite::compile(pattern, replacement, flag, any_name).unwrap();
                    steps.push(Step::Rewrite(Box::new(rewrite)));
                }
                ("if", arguments) => {
                    let condition = Condition::compile(arguments, any_name).unwrap();
                    steps.push(self.condition(condition, block, in_location));
                }
                ("location", arguments) => {
                    let location = self.location(arguments, block.place.as_deref());
                    locations.push(location);
                }
                other => panic!("no such directive here: {other:?}"),
            }
        }
        steps
    }

    fn condition(
        &mut self,
        condition: Condition<String>,
        outer: &Block,
        in_location: bool,
    ) -> Step<String> {
        let place = self.place_ahead().or_else(|| outer.place.clone());
        let mut inner = Block {
            place,
            passes_on: outer.passes_on,
            ..Block::default()
        };
        let steps = self.steps(&mut inner, &mut Vec::new(), in_location);
        let location = in_location.then(|| self.add(inner));
        Step::If {
            condition,
            location,
            steps,
        }
    }

    fn location(&mut self, arguments: &[&[u8]], place: Option<&str>) -> Location {
        let (modifier, name) = match arguments {
            [name] => (None, *name),
            [modifier, name] => (Some(*modifier), *name),
            other => panic!("not a location: {other:?}"),
        };
        let mut matcher = LocationMatch::parse(modifier, name).unwrap();
        if let LocationMatch::Regex(regex) = &mut matcher {
            regex.bind(|name| slot(&mut self.slots, name));
        }
        let (block, inner) = self.block(place, true);
        let redirects_to_slash = block.passes_on;
        Location {
            id: self.add(block),
            matcher,
            redirects_to_slash,
            inner,
        }
    }

    fn add(&mut self, block: Block) -> LocationId {
        self.blocks.push(block);
        LocationId(u32::try_from(self.blocks.len() - 1).unwrap())
    }

    /// The words of the next directive, or none at the end of the block.
    fn directive(&mut self) -> Option<Vec<String>> {
        let mut directive = Vec::new();
        while let Some(word) = self.words.get(self.at) {
            self.at += 1;
            match word.as_str() {
                "}" => return None,
                ";" | "{" => return Some(directive),
                _ => directive.push(word.clone()),
            }
        }
        None
    }

    /// The argument of `where` in the block that begins here.
    fn place_ahead(&self) -> Option<String> {
        let mut depth = 0;
        for (at, word) in self.words.iter().enumerate().skip(self.at) {
            match word.as_str() {
                "{" => depth += 1,
                "}" if depth == 0 => return None,
                "}" => depth -= 1,
                "where" if depth == 0 => return self.words.get(at + 1).cloned(),
                _ => {}
            }
        }
        None
    }
}

fn unquoted(word: &str) -> &[u8] {
    word.strip_prefix('"')
        .and_then(|word| word.strip_suffix('"'))
        .unwrap_or(word)
        .as_bytes()
}
