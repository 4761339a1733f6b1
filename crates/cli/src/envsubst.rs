//! `portunus envsubst`: makes configuration files out of templates, then goes on as usual.

use std::ffi::OsString;
use std::process::ExitCode;

use portunus_app::Templates;

const USAGE: &str = "\
Usage: portunus envsubst [--only] [OPTIONS]

Makes configuration files out of templates, as nginx's image does when a container starts, then goes on as
\"portunus OPTIONS\" does. $NAME and ${NAME} are replaced where the environment has a variable of that name.

      --only            make the files and exit
  -h, --help            this help

Environment:
  NGINX_ENVSUBST_TEMPLATE_DIR     where templates are (default: /etc/nginx/templates); without it there is nothing
                                  to do
  NGINX_ENVSUBST_TEMPLATE_SUFFIX  how their names end (default: .template)
  NGINX_ENVSUBST_OUTPUT_DIR       where the files go (default: /etc/nginx/conf.d)
  NGINX_ENVSUBST_FILTER           a regular expression: only variables whose names match are replaced
";

/// Runs `portunus envsubst` with the words behind it; `go_on` takes those that are not for it.
pub(crate) fn main(
    words: impl IntoIterator<Item = OsString>,
    go_on: impl FnOnce(Vec<OsString>) -> ExitCode,
) -> ExitCode {
    let mut words: Vec<_> = words.into_iter().collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        eprint!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let only = words.iter().position(|word| word == "--only");
    if let Some(at) = only {
        words.remove(at);
    }
    let made =
        Templates::from_environment(std::env::vars_os()).and_then(|templates| templates.render());
    match made {
        Ok(files) => {
            for file in files {
                eprintln!("portunus envsubst: {}", file.display());
            }
        }
        Err(error) => {
            eprintln!("portunus envsubst: {error}");
            return ExitCode::FAILURE;
        }
    }
    match only {
        Some(_) if words.is_empty() => ExitCode::SUCCESS,
        Some(_) => {
            eprintln!("portunus envsubst: --only takes no options");
            ExitCode::FAILURE
        }
        None => go_on(words),
    }
}
