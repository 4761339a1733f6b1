//! Running a program (nginx: the codes of `ngx_http_script.c`).

use portunus_template::{Captures as Escaping, Template};
use portunus_uri_path::{Unescape, unescape};

use super::{
    Action, Condition, NewArgs, Note, Return, Rewrite, RewriteContext, RewriteFailure,
    RewriteOutcome, Step, Test,
};
use crate::{MatchError, Regex};

/// What a run has to remember from step to step.
struct State {
    uri_changed: bool,
    /// How captures enter values. nginx escapes them until the first `rewrite` has been carried
    /// out: its engine starts with `quote` set and clears it there.
    escaping: Escaping,
    scratch: Vec<u8>,
}

/// Whether a program ends.
type Flow = Option<RewriteOutcome>;

pub(super) fn run<V, C: RewriteContext<V> + ?Sized>(
    steps: &[Step<V>],
    context: &mut C,
) -> RewriteOutcome {
    let mut state = State {
        uri_changed: false,
        escaping: Escaping::Escaped,
        scratch: Vec::new(),
    };
    let ended = state.run(steps, context);
    ended.unwrap_or(RewriteOutcome::Continue {
        uri_changed: state.uri_changed,
    })
}

impl State {
    fn run<V, C: RewriteContext<V> + ?Sized>(
        &mut self,
        steps: &[Step<V>],
        context: &mut C,
    ) -> Flow {
        for step in steps {
            let flow = match step {
                Step::Set {
                    variable, value, ..
                } => {
                    let mut bytes = Vec::new();
                    value.expand_with(self.escaping, context, &mut bytes);
                    context.set(variable, bytes);
                    None
                }
                Step::Rewrite(rewrite) => self.rewrite(rewrite, context),
                Step::Return(response) => Some(respond(response, context)),
                Step::Break => Some(RewriteOutcome::Continue { uri_changed: false }),
                Step::If {
                    condition,
                    location,
                    steps,
                } => match self.holds(condition, context) {
                    Ok(true) => {
                        if let Some(location) = location {
                            context.enter(*location);
                        }
                        self.run(steps, context)
                    }
                    Ok(false) => None,
                    Err(error) => Some(RewriteOutcome::Failed(error.into())),
                },
            };
            if flow.is_some() {
                return flow;
            }
        }
        None
    }

    fn rewrite<V, C: RewriteContext<V> + ?Sized>(
        &mut self,
        rewrite: &Rewrite<V>,
        context: &mut C,
    ) -> Flow {
        match match_uri(&rewrite.regex, context) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(RewriteOutcome::Failed(error.into())),
        }
        self.escaping = Escaping::Raw;
        if let Action::Redirect { status } = rewrite.action {
            context.redirect_matched();
            let location = redirect_location(rewrite, context);
            if context.wants_notes() {
                context.note(Note::Redirected {
                    location: &location,
                });
            }
            return Some(RewriteOutcome::Redirect { status, location });
        }
        self.uri_changed = rewrite.action != Action::Break;
        let mut uri = Vec::new();
        rewrite.path.expand(context, &mut uri);
        let args = new_args(rewrite, context);
        if context.wants_notes() {
            let args = match &args {
                NewArgs::Kept => context.args().to_vec(),
                NewArgs::Dropped => Vec::new(),
                NewArgs::Put(args) => args.clone(),
            };
            context.note(Note::Rewritten {
                uri: &uri,
                args: &args,
            });
        }
        if uri.is_empty() {
            return Some(RewriteOutcome::Failed(RewriteFailure::EmptyUri));
        }
        context.rewrite_uri(uri, args);
        match rewrite.action {
            Action::Next => None,
            _ => Some(RewriteOutcome::Continue {
                uri_changed: self.uri_changed,
            }),
        }
    }

    fn holds<V, C: RewriteContext<V> + ?Sized>(
        &mut self,
        condition: &Condition<V>,
        context: &mut C,
    ) -> Result<bool, MatchError> {
        match &condition.test {
            Test::True { variable } => {
                let value = self.value(variable, context);
                Ok(!matches!(value, b"" | b"0"))
            }
            Test::Equals {
                variable,
                value,
                negated,
            } => {
                let escaping = self.escaping;
                let left = self.value(variable, context);
                let equal = match value.as_literal() {
                    Some(right) => left == right,
                    None => left == expanded(value, escaping, context),
                };
                Ok(equal != *negated)
            }
            Test::Matches {
                variable,
                regex,
                negated,
            } => {
                let subject = self.value(variable, context);
                Ok(match_subject(regex, subject, context)? != *negated)
            }
            Test::File {
                test,
                path,
                negated,
            } => {
                let path = expanded(path, self.escaping, context);
                Ok(context.test_file(*test, &path) != *negated)
            }
        }
    }

    /// The value of a variable, in the buffer that every condition uses again.
    fn value<V, C: RewriteContext<V> + ?Sized>(&mut self, variable: &V, context: &mut C) -> &[u8] {
        self.scratch.clear();
        context.append(variable, &mut self.scratch);
        &self.scratch
    }
}

fn expanded<V, C: RewriteContext<V> + ?Sized>(
    template: &Template<V>,
    escaping: Escaping,
    context: &mut C,
) -> Vec<u8> {
    let mut out = Vec::new();
    template.expand_with(escaping, context, &mut out);
    out
}

/// Matches the URI, which the context lends while it also holds the captures.
fn match_uri<V, C: RewriteContext<V> + ?Sized>(
    regex: &Regex,
    context: &mut C,
) -> Result<bool, MatchError> {
    let mut captures = std::mem::take(context.captures());
    let result = regex.captures(context.uri(), &mut captures);
    if let Ok(matched) = result
        && context.wants_notes()
    {
        let subject = context.uri().to_vec();
        context.note(Note::Tried {
            regex,
            subject: &subject,
            matched,
        });
    }
    settle(result, captures, context)
}

fn match_subject<V, C: RewriteContext<V> + ?Sized>(
    regex: &Regex,
    subject: &[u8],
    context: &mut C,
) -> Result<bool, MatchError> {
    let mut captures = std::mem::take(context.captures());
    let result = regex.captures(subject, &mut captures);
    if let Ok(matched) = result
        && context.wants_notes()
    {
        context.note(Note::Tried {
            regex,
            subject,
            matched,
        });
    }
    settle(result, captures, context)
}

/// Gives the captures back; a failed match empties them (nginx: `r->ncaptures = 0`).
fn settle<V, C: RewriteContext<V> + ?Sized>(
    result: Result<bool, MatchError>,
    mut captures: crate::Captures,
    context: &mut C,
) -> Result<bool, MatchError> {
    match result {
        Ok(true) => captures.take_named(|slot, value| context.bind(slot, value)),
        Ok(false) => captures.clear(),
        Err(_) => {}
    }
    *context.captures() = captures;
    result
}

/// What a `rewrite` makes of the query.
fn new_args<V, C: RewriteContext<V> + ?Sized>(rewrite: &Rewrite<V>, context: &mut C) -> NewArgs {
    let Some(template) = &rewrite.args else {
        return match rewrite.keeps_args {
            true => NewArgs::Kept,
            false => NewArgs::Dropped,
        };
    };
    let mut args = Vec::new();
    template.expand_with(Escaping::Escaped, context, &mut args);
    if rewrite.keeps_args && !context.args().is_empty() {
        args.push(b'&');
        args.extend_from_slice(context.args());
    }
    NewArgs::Put(args)
}

fn redirect_location<V, C: RewriteContext<V> + ?Sized>(
    rewrite: &Rewrite<V>,
    context: &mut C,
) -> Vec<u8> {
    let text = expanded(&rewrite.path, Escaping::Escaped, context);
    let mut location = Vec::with_capacity(text.len());
    let taken = unescape(Unescape::Redirect, &text, &mut location);
    location.extend_from_slice(&text[taken..]);
    if rewrite.keeps_args && !context.args().is_empty() {
        location.push(if rewrite.has_query() { b'&' } else { b'?' });
        location.extend_from_slice(context.args());
    }
    location
}

fn respond<V, C: RewriteContext<V> + ?Sized>(
    response: &Return<V>,
    context: &mut C,
) -> RewriteOutcome {
    let status = response.status;
    let is_text = !response.text.is_empty();
    if status >= 400 && !is_text {
        return RewriteOutcome::Status(status);
    }
    context.answers(status);
    let body = expanded(&response.text, Escaping::Raw, context);
    match status {
        301 | 302 | 303 | 307 | 308 => RewriteOutcome::Redirect {
            status,
            location: body,
        },
        _ => RewriteOutcome::Respond { status, body },
    }
}
