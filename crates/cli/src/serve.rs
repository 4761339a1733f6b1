//! `portunus serve`: its options, its help.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt as _};
use portunus_app::{Launch, Preset};

const USAGE: &str = "\
Usage: portunus serve [OPTIONS] [PUBLIC_DIR]

Serves a Laravel application without a configuration. PUBLIC_DIR is its public directory, by default
\"public\" below the current directory if there is one, else the current directory.

Options:
  -l, --listen ADDRESS  where to listen, as nginx's listen takes it: 8080, 127.0.0.1:8080, [::]:80,
                        unix:/run/web.sock; may be repeated (default: 80)
  -p, --port PORT       the same as --listen PORT
      --fpm ADDRESS     where PHP-FPM listens: HOST:PORT, or the path of a socket
                        (default: 127.0.0.1:9000)
      --trust NETWORK   a proxy, or a network of them, whose X-Forwarded-For, X-Forwarded-Proto and
                        X-Forwarded-Port are believed, such as 10.0.0.0/8; may be repeated; none
                        for nobody (default: the private networks)
      --max-body SIZE   the largest request body (default: 32m)
      --pid FILE        the file that holds the process id (default: portunus.pid in the directory
                        for temporary files)
  -t, --test            check, say so, and exit
      --print           print the configuration that this stands for, and exit
  -h, --help            this help
";

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Help,
    Print(Preset),
    Test(Preset),
    Serve(Preset),
}

/// Runs `portunus serve` with the words behind it.
pub(crate) fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let here = std::env::current_dir().unwrap_or_default();
    match parse(words, &here) {
        Ok(Wish::Help) => {
            eprint!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Wish::Print(preset)) => print(&preset),
        Ok(Wish::Test(preset)) => Launch::preset(preset).check(false, false),
        Ok(Wish::Serve(preset)) => Launch::preset(preset).serve(),
        Err(error) => {
            eprintln!("portunus serve: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print(preset: &Preset) -> ExitCode {
    use std::io::Write as _;
    match preset.text() {
        Ok(text) => {
            // A closed pipe ends a print like any other.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("portunus serve: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(
    words: impl IntoIterator<Item = OsString>,
    here: &std::path::Path,
) -> Result<Wish, Box<dyn std::error::Error>> {
    let mut parser = Parser::from_args(words);
    let mut preset = Preset {
        public: PathBuf::new(),
        listen: Vec::new(),
        fpm: Preset::FPM.to_owned(),
        trusted: Preset::private_networks(),
        max_body: Preset::MAX_BODY.to_owned(),
        pid: std::env::temp_dir().join("portunus.pid"),
    };
    let mut trusted = Vec::new();
    let mut public = None;
    let mut wish: fn(Preset) -> Wish = Wish::Serve;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('l') | Arg::Long("listen") => preset.listen.push(parser.value()?.string()?),
            Arg::Short('p') | Arg::Long("port") => {
                let port: u16 = parser.value()?.parse()?;
                preset.listen.push(port.to_string());
            }
            Arg::Long("fpm") => preset.fpm = fpm_address(parser.value()?.string()?),
            Arg::Long("trust") => trusted.push(parser.value()?.string()?),
            Arg::Long("max-body") => preset.max_body = parser.value()?.string()?,
            Arg::Long("pid") => preset.pid = here.join(parser.value()?),
            Arg::Long("print") => wish = Wish::Print,
            Arg::Short('t') | Arg::Long("test") => wish = Wish::Test,
            Arg::Short('h') | Arg::Long("help") => return Ok(Wish::Help),
            Arg::Value(dir) if public.is_none() => public = Some(dir.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    if !trusted.is_empty() {
        trusted.retain(|network| network != "none");
        preset.trusted = trusted;
    }
    preset.public = Preset::find_public(public.as_deref(), here)?;
    if preset.listen.is_empty() {
        preset.listen.push(Preset::LISTEN.to_owned());
    }
    Ok(wish(preset))
}

/// The path of a socket is a path to the operator, and `unix:PATH` to nginx.
fn fpm_address(text: String) -> String {
    if text.starts_with('/') {
        format!("unix:{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Wish, String> {
        let words = line.split_whitespace().map(OsString::from);
        parse(words, std::path::Path::new("/")).map_err(|error| error.to_string())
    }

    fn served(line: &str) -> Preset {
        match parsed(line) {
            Ok(Wish::Serve(preset)) => preset,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let preset = served("tmp");
        assert_eq!(preset.public, PathBuf::from("/tmp"));
        assert_eq!(preset.listen, ["80"]);
        assert_eq!(preset.fpm, "127.0.0.1:9000");
        assert!(preset.trusted.contains(&"10.0.0.0/8".to_owned()));
        assert!(served("--trust none tmp").trusted.is_empty());
    }

    #[test]
    fn options_may_be_repeated_where_it_makes_sense() {
        let preset = served(
            "-p 8080 --listen [::]:8080 --fpm /run/php.sock --trust 10.0.0.0/8 --trust ::1 /tmp",
        );
        assert_eq!(preset.listen, ["8080", "[::]:8080"]);
        assert_eq!(preset.fpm, "unix:/run/php.sock");
        assert_eq!(preset.trusted, ["10.0.0.0/8", "::1"]);
    }

    #[test]
    fn what_cannot_be_served_is_refused() {
        let told = |line: &str| parsed(line).unwrap_err();
        assert_eq!(told("/no-such-dir"), "/no-such-dir is not a directory");
        assert!(told("--port x /tmp").contains('x'));
        assert!(told("--nonsense").contains("--nonsense"));
        assert!(told("/tmp /tmp").contains("/tmp"));
    }
}
