//! `portunus explain`: its options, its help.

use std::ffi::OsString;
use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt as _};
use portunus_app::{Launch, Question};

const USAGE: &str = "\
Usage: portunus explain [OPTIONS] METHOD TARGET

Says what the server would do for a request: server block, location, rewrites, files that are tried, who answers;
with file and line of each decision. Nothing is sent to PHP or elsewhere, and nothing is logged.

  portunus explain GET '/jobs/1?page=2' -H 'Host: example.com'

Options:
  -H, --header FIELD    a field of the request, such as 'Host: example.com'; may be repeated
      --port PORT       the port that the client comes to (default: the first one that is listened on)
  -c FILE               the configuration file, as for the server itself
  -p DIRECTORY          the prefix path
  -g DIRECTIVES         global directives out of the configuration file
  -h, --help            this help
";

/// Runs `portunus explain` with the words behind it.
pub(crate) fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    match parse(words) {
        Ok(Some((launch, question))) => launch.explain(&question),
        Ok(None) => {
            eprint!("{USAGE}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("portunus explain: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(
    words: impl IntoIterator<Item = OsString>,
) -> Result<Option<(Launch, Question)>, Box<dyn std::error::Error>> {
    let mut parser = Parser::from_args(words);
    let (mut values, mut fields, mut port) = (Vec::new(), Vec::<String>::new(), None);
    let (mut conf, mut prefix, mut globals) = (None, None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Short('H') | Arg::Long("header") => fields.push(parser.value()?.string()?),
            Arg::Long("port") => port = Some(parser.value()?.parse()?),
            Arg::Short('c') => conf = Some(parser.value()?.string()?),
            Arg::Short('p') => prefix = Some(parser.value()?.string()?),
            Arg::Short('g') => globals = Some(parser.value()?.string()?),
            Arg::Value(value) => values.push(value.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let [method, target] = <[String; 2]>::try_from(values)
        .map_err(|_| "give a method and a target, such as GET /; see --help")?;
    let is_field = |field: &String| field.contains(':') && !field.contains(['\r', '\n']);
    if let Some(bad) = fields.iter().find(|field| !is_field(field)) {
        return Err(format!("\"{bad}\" is no field").into());
    }
    let is_host = |field: &String| field.to_ascii_lowercase().starts_with("host:");
    if !fields.iter().any(is_host) {
        fields.insert(0, "Host: localhost".to_owned());
    }
    let launch = Launch::new(prefix.as_deref(), conf.as_deref(), None, globals);
    let question = Question {
        method,
        target,
        fields,
        port,
    };
    Ok(Some((launch, question)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(words: &[&str]) -> Result<Question, String> {
        let parsed = parse(words.iter().map(OsString::from)).map_err(|error| error.to_string())?;
        parsed
            .map(|(_, question)| question)
            .ok_or_else(|| "help".to_owned())
    }

    #[test]
    fn a_request_is_put_together() {
        let asked = question(&["GET", "/a?b", "-H", "Accept: x", "--port", "8080"]).unwrap();
        assert_eq!(
            (&*asked.method, &*asked.target, asked.port),
            ("GET", "/a?b", Some(8080))
        );
        assert_eq!(asked.fields, ["Host: localhost", "Accept: x"]);
        let asked = question(&["HEAD", "/", "-H", "hOST: a"]).unwrap();
        assert_eq!(asked.fields, ["hOST: a"]);
        assert!(question(&["GET"]).unwrap_err().starts_with("give a method"));
        assert!(question(&["GET", "/", "-H", "a: b\r\nc: d"]).is_err());
        assert_eq!(question(&["--help"]).unwrap_err(), "help");
    }
}
