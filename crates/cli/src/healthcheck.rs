//! `portunus healthcheck`: its options, its help.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt as _};
use portunus_app::Launch;

const USAGE: &str = "\
Usage: portunus healthcheck [OPTIONS] [URL]

Asks the running server whether it is well, prints one line, and exits with 0 or 1; for the HEALTHCHECK of
a container that has no curl. Without a URL it asks for the first location with \"health\" in the
configuration, and where there is none, whether the server answers at all. PHP is asked with --fpm alone.

  HEALTHCHECK CMD [\"portunus\", \"healthcheck\"]

Options:
  -t, --timeout SECONDS  how long the answer may take (default: 3)
  --fpm                  also whether a worker of each PHP-FPM in the configuration answers (ping.path);
                         not for a container that is killed when it is busy
  -c FILE                the configuration file, as for the server itself
  -p DIRECTORY           the prefix path
  -g DIRECTIVES          global directives out of the configuration file
  -h, --help             this help
";

/// How long the answer may take where nothing is said.
const PATIENCE: f64 = 3.0;

/// Runs `portunus healthcheck` with the words behind it.
pub(crate) fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    match parse(words) {
        Ok(Some((launch, url, php, patience))) => launch.healthcheck(url.as_deref(), php, patience),
        Ok(None) => {
            eprint!("{USAGE}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("portunus healthcheck: {error}");
            ExitCode::FAILURE
        }
    }
}

type Parsed = (Launch, Option<String>, bool, Duration);

fn parse(
    words: impl IntoIterator<Item = OsString>,
) -> Result<Option<Parsed>, Box<dyn std::error::Error>> {
    let mut parser = Parser::from_args(words);
    let (mut url, mut php, mut seconds) = (None, false, PATIENCE);
    let (mut conf, mut prefix, mut globals) = (None, None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Short('t') | Arg::Long("timeout") => seconds = parser.value()?.parse()?,
            Arg::Long("fpm") => php = true,
            Arg::Short('c') => conf = Some(parser.value()?.string()?),
            Arg::Short('p') => prefix = Some(parser.value()?.string()?),
            Arg::Short('g') => globals = Some(parser.value()?.string()?),
            Arg::Value(value) if url.is_none() => url = Some(value.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let patience = Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|patience| !patience.is_zero());
    let patience = patience.ok_or_else(|| format!("\"{seconds}\" seconds make no timeout"))?;
    let launch = Launch::new(prefix.as_deref(), conf.as_deref(), None, globals);
    Ok(Some((launch, url, php, patience)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Result<(Option<String>, Duration), String> {
        let parsed = parse(line.split_whitespace().map(OsString::from));
        let parsed = parsed.map_err(|error| error.to_string())?;
        parsed
            .map(|(_, url, _, patience)| (url, patience))
            .ok_or_else(|| "help".to_owned())
    }

    #[test]
    fn a_url_and_a_timeout_may_be_given() {
        assert_eq!(told("").unwrap(), (None, Duration::from_secs(3)));
        let (url, patience) = told("-t 0.5 http://a/").unwrap();
        assert_eq!(
            (url.as_deref(), patience),
            (Some("http://a/"), Duration::from_millis(500))
        );
        assert!(told("-t 0").is_err() && told("-t -1").is_err() && told("a b").is_err());
        assert_eq!(told("--help").unwrap_err(), "help");
    }
}
