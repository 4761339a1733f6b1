//! Statements → the tree, with includes expanded in place.
//!
//! Works with explicit stacks of texts and of open blocks, never by recursion, so that no input
//! can exhaust the stack. nginx: `ngx_conf_parse`.

mod include;

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::error::SyntaxError;
use crate::lexer::{Dialect, Ending, Fault, Lexer};
use crate::loader::Loader;
use crate::source::{Position, Sources, Span};
use crate::tree::{Block, Directive, Terminator, Tree};
use crate::word::Word;

/// How deep blocks may be nested. Real configurations stay below ten.
const MAX_DEPTH: usize = 256;

/// How many files one configuration may consist of, repeated ones counted each time.
const MAX_FILES: usize = 65_536;

/// How many faults are reported; whoever mends as many finds the rest then.
const MAX_FAULTS: usize = 500;

/// Reads the main file of a configuration and all that it includes. A relative `include` is
/// relative to the main file's directory (nginx: `conf_prefix`).
#[must_use]
pub fn parse(path: &[u8], loader: &dyn Loader, diagnostics: &mut Diagnostics) -> Tree {
    let mut parser = Parser::new(path, loader, diagnostics);
    parser.main_file();
    parser.finish()
}

/// Reads the text of `-g` alone. Where a main file follows, use one [`Parser`] for both.
#[must_use]
pub fn parse_globals(text: &[u8], loader: &dyn Loader, diagnostics: &mut Diagnostics) -> Tree {
    let mut parser = Parser::new(b"", loader, diagnostics);
    parser.globals(text);
    parser.finish()
}

/// Reads one configuration: first the text of `-g`, if there is any, then the main file.
pub struct Parser<'a> {
    main_path: &'a [u8],
    loader: &'a dyn Loader,
    diagnostics: &'a mut Diagnostics,
    sources: Sources,
    /// Texts by path, so that a snippet that a hundred servers include is read once.
    texts: HashMap<Vec<u8>, Arc<[u8]>>,
    /// What is still to be read, next one last.
    tasks: Vec<Task>,
    /// The open blocks of all texts being read, innermost last.
    open: Vec<OpenBlock>,
    directives: Vec<Directive>,
    order: u32,
    faults: usize,
    /// Set once there are too many files or faults: nothing more is reported or included.
    exhausted: bool,
}

/// Something still to be read.
enum Task {
    /// A file not yet opened; the `include` that wants it, unless it is the main file.
    Open {
        path: Vec<u8>,
        include: Option<Include>,
    },
    /// A text, from where the lexer stands.
    Read { lexer: Lexer, depth: usize },
}

/// An `include` directive as far as error messages need it.
#[derive(Clone, Copy)]
struct Include {
    directive: Span,
    argument: Span,
    report_at: Position,
}

/// A block whose `}` has not been seen.
struct OpenBlock {
    /// `None` for a block that has no name, or may not be here; it is read and dropped.
    directive: Option<Directive>,
    directives: Vec<Directive>,
    open: Span,
}

impl<'a> Parser<'a> {
    /// A parser for the configuration whose main file is at `main_path` (nginx: `-c`, made full).
    pub fn new(
        main_path: &'a [u8],
        loader: &'a dyn Loader,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        Self {
            main_path,
            loader,
            diagnostics,
            sources: Sources::default(),
            texts: HashMap::new(),
            tasks: Vec::new(),
            open: Vec::new(),
            directives: Vec::new(),
            order: 0,
            faults: 0,
            exhausted: false,
        }
    }

    /// Reads the text of `-g`.
    pub fn globals(&mut self, text: &[u8]) {
        let text: Arc<[u8]> = text.into();
        let source = self.sources.add(None, Arc::clone(&text), None);
        let lexer = Lexer::new(text, source, Dialect::Parameter);
        self.tasks.push(Task::Read {
            lexer,
            depth: self.open.len(),
        });
        self.run();
    }

    /// Reads the main file.
    pub fn main_file(&mut self) {
        self.tasks.push(Task::Open {
            path: self.main_path.to_vec(),
            include: None,
        });
        self.run();
    }

    /// The tree of all that was read.
    #[must_use]
    pub fn finish(self) -> Tree {
        Tree {
            sources: self.sources,
            directives: self.directives,
        }
    }

    fn run(&mut self) {
        while let Some(task) = self.tasks.pop() {
            match task {
                Task::Open { path, include } => self.open_file(path, include),
                Task::Read { lexer, depth } => self.read(lexer, depth),
            }
        }
    }

    /// Reads a text up to its end or its next `include`. `depth` is the number of blocks that were
    /// open when it began; those it may not close.
    fn read(&mut self, mut lexer: Lexer, depth: usize) {
        let (mut words, mut faults) = (Vec::new(), Vec::new());
        loop {
            let (ending, terminator) = lexer.read_statement(&mut words, &mut faults);
            for fault in faults.drain(..) {
                self.report(fault);
            }
            match ending {
                Ending::EndOfText => return self.end_text(&lexer, depth),
                Ending::BlockEnd if self.open.len() == depth => self.report(Fault {
                    error: SyntaxError::Unexpected(b'}'),
                    span: terminator,
                    report_at: terminator.start(),
                    help: Some("no block is open here".to_owned()),
                }),
                Ending::BlockEnd => self.close_block(terminator),
                Ending::Semicolon if self.is_include(&words) => {
                    let included = self.include(&words, terminator);
                    if !included.is_empty() {
                        self.tasks.push(Task::Read { lexer, depth });
                        self.tasks.extend(included.into_iter().rev());
                        return;
                    }
                }
                Ending::Semicolon | Ending::Missing => {
                    if let Some(directive) = self.directive(&mut words, ending, terminator) {
                        self.add(directive);
                    }
                }
                Ending::BlockStart => self.open_block(&lexer, &mut words, terminator),
            }
        }
    }

    /// Makes a directive of a statement's words; none of none.
    fn directive(
        &mut self,
        words: &mut Vec<Word>,
        ending: Ending,
        terminator: Span,
    ) -> Option<Directive> {
        let mut words = words.drain(..);
        let name = words.next()?;
        let at = terminator.start();
        Some(Directive {
            args: words.collect(),
            block: None,
            terminator: match ending {
                Ending::Semicolon => Terminator::Semicolon(at),
                Ending::BlockStart => Terminator::Block(at),
                Ending::Missing | Ending::BlockEnd | Ending::EndOfText => Terminator::Missing(at),
            },
            span: name.span.to(terminator),
            order: self.next_order(),
            name,
        })
    }

    /// Adds a finished directive to the innermost open block.
    fn add(&mut self, directive: Directive) {
        match self.open.last_mut() {
            Some(block) => block.directives.push(directive),
            None => self.directives.push(directive),
        }
    }

    fn open_block(&mut self, lexer: &Lexer, words: &mut Vec<Word>, brace: Span) {
        let error = if lexer.dialect() == Dialect::Parameter {
            Some(SyntaxError::BlockInParameter)
        } else if self.open.len() >= MAX_DEPTH {
            // Said once, not again for every further level.
            (self.open.len() == MAX_DEPTH).then_some(SyntaxError::TooDeep(MAX_DEPTH))
        } else if self.is_include_block(words) {
            Some(SyntaxError::IncludeNotTerminated)
        } else {
            None
        };
        let keep = error.is_none() && self.open.len() < MAX_DEPTH;
        if let Some(error) = error {
            let span = words.first().map_or(brace, |name| name.span);
            self.report(Fault {
                error,
                span,
                report_at: brace.start(),
                help: None,
            });
        }

        let directive = self
            .directive(words, Ending::BlockStart, brace)
            .filter(|_| keep);
        self.open.push(OpenBlock {
            directive,
            directives: Vec::new(),
            open: brace,
        });
    }

    /// Closes the innermost block.
    fn close_block(&mut self, brace: Span) {
        let close_order = self.next_order();
        let Some(OpenBlock {
            directive,
            directives,
            open,
        }) = self.open.pop()
        else {
            return;
        };
        if let Some(directive) = directive {
            let block = Some(Block {
                directives,
                open,
                close: brace,
                close_order,
            });
            self.add(Directive { block, ..directive });
        }
    }

    /// Closes what a text has left open, which is one fault however many blocks it is.
    fn end_text(&mut self, lexer: &Lexer, depth: usize) {
        let end = lexer.end_of_text();
        let innermost = self.open.get(depth..).and_then(<[_]>::last);
        // In a parameter the opening was a fault already.
        if let Some(innermost) = innermost.filter(|_| lexer.dialect() == Dialect::File) {
            let name = innermost
                .directive
                .as_ref()
                .map(|directive| directive.name.message_text());
            let help = match name {
                Some(name) => format!("the block of this \"{name}\" is not closed"),
                None => "this block is not closed".to_owned(),
            };
            let span = innermost
                .directive
                .as_ref()
                .map_or(innermost.open, |one| one.name.span);
            self.report(Fault {
                error: SyntaxError::EndOfFileInBlock,
                span,
                report_at: end.start(),
                help: Some(help),
            });
        }
        while self.open.len() > depth {
            self.close_block(end);
        }
    }

    /// The next number of nginx's processing order.
    fn next_order(&mut self) -> u32 {
        let order = self.order;
        self.order = order.saturating_add(1);
        order
    }

    fn report(&mut self, fault: Fault) {
        let diagnostic = Diagnostic::new(Severity::Emerg, fault.error.to_string(), 0)
            .with_span(fault.span)
            .reported_at(fault.report_at);
        self.push(Diagnostic {
            help: fault.help,
            ..diagnostic
        });
    }

    /// Adds a diagnostic as the next thing that happens, unless there are too many already.
    fn push(&mut self, diagnostic: Diagnostic) {
        let order = self.next_order();
        if !self.exhausted {
            self.diagnostics.push(Diagnostic {
                order,
                ..diagnostic
            });
        }
        self.faults += 1;
        self.exhausted |= self.faults >= MAX_FAULTS;
    }
}
