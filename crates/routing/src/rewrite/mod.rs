//! The programs that `rewrite`, `if`, `set`, `return` and `break` make
//! (nginx: `ngx_http_rewrite_module`, `ngx_http_script`).
//!
//! A server has one program, run once, and a location has one, run each time the request arrives
//! there. [`Program::run`] changes the request through a [`RewriteContext`] and returns a
//! [`RewriteOutcome`], a plain value. What follows from a changed URI is the caller's:
//!
//! ```text
//! server program ─► find location ─► location program ─┬─ Continue, uri_changed: false ─► access …
//!                        ▲                             │
//!                        └── Continue, uri_changed: true, at most 10 times, then 500
//! ```

use std::fmt;

use portunus_template::{Template, Variables};

use crate::{Captures, LocationId, MatchError, Regex, Slot};

mod condition;
mod replacement;
mod response;
mod run;

pub use condition::{Condition, ConditionError, FileTest, Test};
pub use replacement::{Action, NewArgs, Rewrite, RewriteError};
pub(crate) use response::parse_status;
pub use response::{Return, ReturnError};

/// The rewrite directives of one server or location, in their order.
#[derive(Debug)]
pub struct Program<V> {
    /// What to do, one after the other.
    pub steps: Vec<Step<V>>,
}

/// One directive of the rewrite module.
#[derive(Debug)]
pub enum Step<V> {
    /// `set $name value`
    Set {
        /// The name, for printing.
        name: Box<str>,
        /// The variable.
        variable: V,
        /// What it becomes.
        value: Template<V>,
    },
    /// `rewrite pattern replacement flag`
    Rewrite(Box<Rewrite<V>>),
    /// `return code text`
    Return(Return<V>),
    /// `if (condition) { … }`
    If {
        /// When to take the steps.
        condition: Condition<V>,
        /// The location that the block makes, whose configuration counts from then on; none in a
        /// server.
        location: Option<LocationId>,
        /// What to do.
        steps: Vec<Step<V>>,
    },
    /// `break`
    Break,
}

/// The request that a program reads and changes.
///
/// Values of variables come through [`Variables`]; `append_capture` and `append_capture_escaped`
/// are best answered by [`Captures::append`] and [`Captures::append_escaped`].
pub trait RewriteContext<V>: Variables<V> {
    /// The path as it is now, decoded.
    fn uri(&self) -> &[u8];

    /// The query as it is now.
    fn args(&self) -> &[u8];

    /// What the last regular expression captured.
    fn captures(&mut self) -> &mut Captures;

    /// Replaces the path, and the query as told. From now on the request counts as internal, and its
    /// raw target no longer tells its URI (nginx: `internal`, `valid_unparsed_uri`).
    fn rewrite_uri(&mut self, uri: Vec<u8>, args: NewArgs);

    /// Notes that a `rewrite` matched which redirects: the request counts as internal from now on.
    fn redirect_matched(&mut self) {}

    /// Notes what `return` answers with, before the text is made (nginx: `headers_out.status`).
    fn answers(&mut self, _status: u16) {}

    /// Sets a variable, as `set` does.
    fn set(&mut self, variable: &V, value: Vec<u8>);

    /// Sets the variable of a named group.
    fn bind(&mut self, slot: Slot, value: &[u8]);

    /// Switches to the configuration of the location that an `if` makes.
    fn enter(&mut self, location: LocationId);

    /// Looks at a file, as `-f`, `-d`, `-e` and `-x` do.
    fn test_file(&mut self, test: FileTest, path: &[u8]) -> bool;

    /// Whether [`RewriteContext::note`] is to be called (`rewrite_log`, or somebody wants an
    /// explanation).
    fn wants_notes(&self) -> bool {
        false
    }

    /// Takes a note of what the program does.
    fn note(&mut self, _note: Note<'_>) {}
}

/// What a program does, for `rewrite_log`; prints as nginx's log line at `notice`.
#[derive(Clone, Copy, Debug)]
pub enum Note<'a> {
    /// A regular expression was tried.
    Tried {
        /// The expression.
        regex: &'a Regex,
        /// What it was tried on.
        subject: &'a [u8],
        /// Whether it matched.
        matched: bool,
    },
    /// The URI was replaced.
    Rewritten {
        /// The new path.
        uri: &'a [u8],
        /// The new query.
        args: &'a [u8],
    },
    /// A redirect was made.
    Redirected {
        /// Where to.
        location: &'a [u8],
    },
}

/// What becomes of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RewriteOutcome {
    /// It goes on.
    Continue {
        /// Whether its location is to be searched for again. Without meaning in a server program,
        /// behind which the search comes anyway.
        uri_changed: bool,
    },
    /// It is redirected. `error_page` still applies; the location may be empty and is not checked.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// Value of `Location`.
        location: Vec<u8>,
    },
    /// It is answered with this body, or none, past `error_page`.
    Respond {
        /// Any status up to 999.
        status: u16,
        /// The body.
        body: Vec<u8>,
    },
    /// It is answered as if the status had occurred: through `error_page` or with nginx's own
    /// page; 444 closes the connection.
    Status(u16),
    /// It fails with 500.
    Failed(RewriteFailure),
}

/// Why a program fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewriteFailure {
    /// A replacement expanded to nothing.
    #[error("the rewritten URI has a zero length")]
    EmptyUri,
    /// A regular expression took too many steps.
    #[error(transparent)]
    Match(#[from] MatchError),
}

impl<V> Default for Program<V> {
    fn default() -> Program<V> {
        Program { steps: Vec::new() }
    }
}

impl<V> Program<V> {
    /// Whether there is nothing to run.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Visits every regular expression, to say where their named groups are kept.
    pub fn each_regex(&mut self, visit: &mut impl FnMut(&mut Regex)) {
        each_regex(&mut self.steps, visit);
    }

    /// Runs the program on a request.
    ///
    /// It ends at `return`, `break`, a `rewrite` that matched and has a flag or redirects, or at
    /// its end.
    pub fn run<C: RewriteContext<V> + ?Sized>(&self, context: &mut C) -> RewriteOutcome {
        run::run(&self.steps, context)
    }
}

fn each_regex<V>(steps: &mut [Step<V>], visit: &mut impl FnMut(&mut Regex)) {
    for step in steps {
        match step {
            Step::Rewrite(rewrite) => visit(&mut rewrite.regex),
            Step::If {
                condition, steps, ..
            } => {
                if let Test::Matches { regex, .. } = &mut condition.test {
                    visit(regex);
                }
                each_regex(steps, visit);
            }
            Step::Set { .. } | Step::Return(_) | Step::Break => {}
        }
    }
}

impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy;
        match self {
            Note::Tried {
                regex,
                subject,
                matched: true,
            } => {
                write!(f, "\"{regex}\" matches \"{}\"", text(subject))
            }
            Note::Tried {
                regex,
                subject,
                matched: false,
            } => {
                write!(f, "\"{regex}\" does not match \"{}\"", text(subject))
            }
            Note::Rewritten { uri, args } => {
                write!(
                    f,
                    "rewritten data: \"{}\", args: \"{}\"",
                    text(uri),
                    text(args)
                )
            }
            Note::Redirected { location } => {
                write!(f, "rewritten redirect: \"{}\"", text(location))
            }
        }
    }
}

/// Prints the directives one below the other.
impl<V> fmt::Display for Program<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_steps(&self.steps, 0, f)
    }
}

fn print_steps<V>(steps: &[Step<V>], depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for step in steps {
        write!(f, "{:indent$}", "", indent = depth * 4)?;
        match step {
            Step::Set { name, value, .. } => writeln!(f, "set ${name} \"{value}\";")?,
            Step::Rewrite(rewrite) => writeln!(f, "{rewrite};")?,
            Step::Return(response) => writeln!(f, "{response};")?,
            Step::Break => writeln!(f, "break;")?,
            Step::If {
                condition, steps, ..
            } => {
                writeln!(f, "if {condition} {{")?;
                print_steps(steps, depth + 1, f)?;
                writeln!(f, "{:indent$}}}", "", indent = depth * 4)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
