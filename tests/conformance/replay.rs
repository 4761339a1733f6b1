//! Sends a script to one server and collects what it answers.

use std::collections::BTreeMap;
use std::time::Duration;

use portunus_testkit::{Answer, Connection, Server, normalise};

use crate::script::{Answers, Exchange, find};

/// How long a connection may stay open that is said to be closed.
const CLOSING: Duration = Duration::from_secs(3);

/// What came of one exchange.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) answer: Answer,
    /// Whether the server closed; known only where the script asks.
    pub(crate) closed: Option<bool>,
}

/// Sends all exchanges of a script, one after the other. The outcomes are made comparable: what is
/// peculiar to this server is replaced by the names that stand for it.
pub(crate) fn replay(exchanges: &[Exchange], server: &Server) -> Vec<Outcome> {
    let names = server
        .values()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut player = Player {
        server,
        names: names.collect(),
        connection: None,
    };
    exchanges
        .iter()
        .map(|exchange| player.play(exchange))
        .collect()
}

struct Player<'a> {
    server: &'a Server,
    /// What `%%NAME%%` stands for, the texts taken from answers included.
    names: BTreeMap<String, String>,
    connection: Option<Connection>,
}

impl Player<'_> {
    fn play(&mut self, exchange: &Exchange) -> Outcome {
        let outcome = self.try_play(exchange);
        outcome.unwrap_or_else(|answer| Outcome {
            answer,
            closed: None,
        })
    }

    fn try_play(&mut self, exchange: &Exchange) -> Result<Outcome, Answer> {
        let options = &exchange.options;
        let request = exchange.request(&self.names).map_err(Answer::Failed)?;
        let kept = self.connection.take().filter(|_| options.same_connection);
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::open(self.server.address(options.port)).map_err(Answer::from)?,
        };

        let methods = exchange.methods();
        let sent = connection.while_sending(&request, |connection| {
            if options.half_close {
                connection.finish_sending()?;
            }
            match options.answers {
                Answers::Raw => connection.read_to_end().map(Answer::Raw),
                Answers::Count(count) => (0..count)
                    .map(|index| {
                        let method = methods.get(index).or(methods.last());
                        connection.read_response(method.map_or("", String::as_str))
                    })
                    .collect::<Result<_, _>>()
                    .map(Answer::Responses),
            }
        });
        let mut answer = sent.unwrap_or_else(Answer::from);
        self.take_texts(exchange, &answer)?;
        normalise(&mut answer, &self.names);

        let is_answered = matches!(answer, Answer::Responses(_));
        let closed = if options.then_closed && is_answered {
            Some(connection.is_closed_within(CLOSING).map_err(Answer::from)?)
        } else {
            None
        };
        self.connection = Some(connection).filter(|_| is_answered);
        Ok(Outcome { answer, closed })
    }

    /// Takes out of the answer what later requests need.
    fn take_texts(&mut self, exchange: &Exchange, answer: &Answer) -> Result<(), Answer> {
        for take in &exchange.options.takes {
            let text = printed(answer);
            let taken = between(&text, take.before.as_bytes(), take.after.as_bytes());
            let Some(taken) = taken else {
                let sought = format!("{}*{}", take.before, take.after);
                let text = text.get(..text.len().min(600)).unwrap_or_default();
                let text = String::from_utf8_lossy(text);
                return Err(Answer::Failed(format!(
                    "the answer does not have {sought:?}:\n{text}"
                )));
            };
            self.names.insert(
                take.name.clone(),
                String::from_utf8_lossy(taken).into_owned(),
            );
        }
        Ok(())
    }
}

/// Fields and body of an answer as one text, for taking things out of it.
fn printed(answer: &Answer) -> Vec<u8> {
    let mut text = Vec::new();
    match answer {
        Answer::Raw(bytes) => text.extend_from_slice(bytes),
        Answer::Responses(responses) => {
            for response in responses {
                for (name, value) in response.head.fields.iter().chain(&response.trailers) {
                    text.extend_from_slice(name.as_bytes());
                    text.extend_from_slice(b": ");
                    text.extend_from_slice(value);
                    text.push(b'\n');
                }
                text.push(b'\n');
                text.extend_from_slice(&response.body);
            }
        }
        Answer::Nothing | Answer::Failed(_) => {}
    }
    text
}

fn between<'t>(text: &'t [u8], before: &[u8], after: &[u8]) -> Option<&'t [u8]> {
    let rest = text.get(find(text, before)? + before.len()..)?;
    rest.get(..find(rest, after)?)
}
