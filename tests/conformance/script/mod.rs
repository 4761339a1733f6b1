//! `.http` files: what is sent, and what is known about the answers.

mod bytes;
mod options;

use std::collections::BTreeMap;

pub(crate) use options::{Answers, Expected, Note, Options};

/// One step of a script: bytes to send, answers to read.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// What stands after `###`.
    pub(crate) title: String,
    pub(crate) options: Options,
    head: String,
    body: String,
}

impl Exchange {
    /// The bytes to send, names replaced by what they stand for.
    ///
    /// # Errors
    /// A name that stands for nothing, or an escape that is none.
    pub(crate) fn request(&self, names: &BTreeMap<String, String>) -> Result<Vec<u8>, String> {
        let body = bytes::unescape(&replace(&self.body, names)?)?;
        let head = self.head.replace("%%LENGTH%%", &body.len().to_string());
        let mut request = bytes::unescape(&replace(&head, names)?)?;
        request.extend_from_slice(&body);
        Ok(request)
    }

    /// The methods of the requests, as far as they decide how an answer is read.
    pub(crate) fn methods(&self) -> Vec<String> {
        let first = self
            .head
            .split([' ', '\\'])
            .next()
            .unwrap_or_default()
            .to_owned();
        let mut methods = self.options.methods.clone();
        if methods.is_empty() {
            methods.push(first);
        }
        methods
    }
}

/// Reads a script.
///
/// # Errors
/// A sentence with the title of the part that is not as it should be.
pub(crate) fn parse(text: &str) -> Result<Vec<Exchange>, String> {
    let mut exchanges = Vec::new();
    let text = format!("\n{text}");
    let mut parts = text.split("\n### ");
    if parts
        .next()
        .is_some_and(|before| before.lines().any(|line| !line.is_empty()))
    {
        return Err("something stands before the first ###".to_owned());
    }
    for part in parts {
        let (title, rest) = part.split_once('\n').unwrap_or((part, ""));
        let exchange = parse_part(title, rest).map_err(|error| format!("{title}: {error}"))?;
        exchanges.push(exchange);
    }
    if exchanges.is_empty() {
        return Err("nothing is asked".to_owned());
    }
    Ok(exchanges)
}

fn parse_part(title: &str, text: &str) -> Result<Exchange, String> {
    let mut lines = text.lines().peekable();
    let mut options = Options::default();
    while let Some(option) = lines.next_if(|line| line.starts_with("# ")) {
        options.add(option.trim_start_matches("# "))?;
    }
    let (mut head, mut body) = (String::new(), String::new());
    if options.raw {
        body.extend(lines);
        return Ok(Exchange {
            title: title.to_owned(),
            options,
            head,
            body,
        });
    }
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        match line.strip_suffix('\\').filter(|rest| !rest.ends_with('\\')) {
            Some(unended) => head.push_str(unended),
            None => {
                head.push_str(line);
                head.push_str("\\r\\n");
            }
        }
    }
    head.push_str("\\r\\n");
    body.extend(lines);
    Ok(Exchange {
        title: title.to_owned(),
        options,
        head,
        body,
    })
}

/// Replaces the names; where `%%` is meant, `%\x25` is written.
fn replace(text: &str, names: &BTreeMap<String, String>) -> Result<String, String> {
    let text = names.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("%%{name}%%"), &bytes::escape(value))
    });
    match text.split_once("%%") {
        Some((_, rest)) => Err(format!(
            "nothing stands for %%{}",
            rest.chars().take(20).collect::<String>()
        )),
        None => Ok(text),
    }
}

/// Where a text is in another.
pub(crate) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len().max(1))
        .position(|window| window == wanted)
}
