//! Logs: which formats there are, and which files are shared.

use super::{At, Checker, Outcome};
use crate::address::{Address, Url};
use crate::fault::{Fault, show};
use crate::table::Special;
use crate::text::Text;
use crate::typed::{AccessLog, ErrorLog, LogFormat, LogTarget, OpenFileCache};

pub(super) fn check<'a>(checker: &mut Checker<'a, '_>, at: At<'a>, special: Special) -> Outcome {
    let directive = at.directive;
    match special {
        Special::AccessLog => check_access_log(checker, at),
        Special::LogFormat => {
            let Some(name) = directive.args.first() else {
                return Ok(());
            };
            if *name == "combined" || checker.state.formats.contains(&name.as_bytes()) {
                let text = name.message_text();
                let message = format!("duplicate \"log_format\" name \"{text}\"");
                return Err(Fault::new(message).at(name));
            }
            let format = LogFormat::parse(directive)?;
            checker.state.formats.push(format.name.as_bytes());
            Ok(())
        }
        Special::ErrorLog => match ErrorLog::parse(directive)?.target {
            LogTarget::Syslog(syslog) => check_server(checker, &syslog.server),
            _ => Ok(()),
        },
        Special::OpenLogFileCache => {
            at.once()?;
            OpenFileCache::parse_log(directive).map(drop)
        }
        _ => Ok(()),
    }
}

fn check_access_log<'a>(checker: &mut Checker<'a, '_>, at: At<'a>) -> Outcome {
    // An unknown format is found before what follows it is read.
    if let [path, format, ..] = &at.directive.args[..]
        && *path != "off"
        && !is_known(checker, format.as_bytes())
    {
        if Text::after(path, "syslog:").is_none() && Text::from(path).has_variables() {
            Text::from(path).variables()?;
        }
        let text = format.message_text();
        return Err(Fault::new(format!("unknown log format \"{text}\"")).at(format));
    }
    let AccessLog::To { target, buffer, .. } = AccessLog::parse(at.directive)? else {
        return Ok(());
    };
    let path = match target {
        LogTarget::Syslog(syslog) => return check_server(checker, &syslog.server),
        LogTarget::File(path) => path,
        LogTarget::Stderr | LogTarget::Memory(_) => return Ok(()),
    };
    if Text::from(path).has_variables() {
        return Text::from(path).variables().map(drop);
    }
    let Some(buffer) = buffer else { return Ok(()) };
    let old = *checker
        .state
        .log_buffers
        .entry(path.as_bytes())
        .or_insert(buffer);
    if old != buffer {
        let text = path.message_text();
        return Err(Fault::new(format!(
            "access_log \"{text}\" already defined with conflicting parameters"
        ))
        .at(path));
    }
    Ok(())
}

/// Formats are found whatever the case of their names.
fn is_known(checker: &Checker<'_, '_>, name: &[u8]) -> bool {
    let same = |known: &&[u8]| known.eq_ignore_ascii_case(name);
    name.eq_ignore_ascii_case(b"combined") || checker.state.formats.iter().any(same)
}

fn check_server(checker: &mut Checker<'_, '_>, server: &Url<'_>) -> Outcome {
    if matches!(server.address, Address::Name(..)) && !checker.state.is_found(server.host) {
        let host = show(server.host);
        return Err(Fault::new(format!(
            "host not found in syslog server \"{host}\""
        )));
    }
    Ok(())
}
