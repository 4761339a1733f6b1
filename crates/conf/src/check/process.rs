//! Process-wide settings: `user`, `worker_*`, `load_module`, `use`.

use std::fs;
use std::os::unix::fs::MetadataExt;

use portunus_conf_syntax::Word;

use super::{At, Checker, Outcome};
use crate::address::Network;
use crate::d;
use crate::fault::{Fault, show};
use crate::table::Special;
use crate::text::Text;
use crate::value::parse_number;

pub(super) fn check<'a>(checker: &mut Checker<'a, '_>, at: At<'a>, special: Special) -> Outcome {
    let directive = at.directive;
    let Some(word) = directive.args.first() else {
        return Ok(());
    };
    match special {
        Special::CpuAffinity => {
            at.once()?;
            check_affinity(&directive.args)
        }
        Special::DebugConnection => check_debug_connection(checker, at, word),
        Special::LoadModule => {
            let block = |id| at.scope.own(id).any(|block| block.order < directive.order);
            if block(d::EVENTS) || block(d::HTTP) {
                return Err(Fault::of(directive, "is specified too late"));
            }
            check_module(checker, word)
        }
        Special::ThreadPool => check_thread_pool(checker, at, word),
        Special::Use => {
            at.once()?;
            if *word == "epoll" {
                Ok(())
            } else {
                Err(Fault::invalid("event type", word))
            }
        }
        Special::User => {
            at.once()?;
            check_user(checker, at, word)
        }
        Special::WorkerConnections => {
            at.once()?;
            parse_number(word.as_bytes())
                .map(drop)
                .map_err(|_| Fault::invalid("number", word))
        }
        Special::WorkerPriority => {
            at.once()?;
            let digits = match word.as_bytes() {
                [b'-' | b'+', digits @ ..] => digits,
                digits => digits,
            };
            parse_number(digits)
                .map(drop)
                .map_err(|error| Fault::value(directive, word, error))
        }
        Special::WorkerProcesses => {
            at.once()?;
            if *word == "auto" || parse_number(word.as_bytes()).is_ok() {
                return Ok(());
            }
            Err(Fault::of(directive, "invalid value").at(word))
        }
        _ => Ok(()),
    }
}

fn check_affinity(words: &[Word]) -> Outcome {
    let (auto, masks) = match words {
        [first, rest @ ..] if *first == "auto" => (true, rest),
        all => (false, all),
    };
    if auto && masks.len() > 1 {
        let message = "invalid number of arguments in \"worker_cpu_affinity\" directive";
        return Err(Fault::new(message));
    }
    for mask in masks {
        if mask.as_bytes().len() > 1024 {
            let message = "\"worker_cpu_affinity\" supports up to 1024 CPUs only";
            return Err(Fault::new(message).at(mask));
        }
        let odd = mask
            .as_bytes()
            .iter()
            .rev()
            .find(|byte| !matches!(byte, b' ' | b'0' | b'1'));
        if let Some(byte) = odd {
            let byte = show(std::slice::from_ref(byte));
            let message = format!("invalid character \"{byte}\" in \"worker_cpu_affinity\"");
            return Err(Fault::new(message).at(mask));
        }
    }
    Ok(())
}

/// What goes by the name of one of nginx's modules is taken for that; anything else would have to be
/// loaded, and is not even there.
fn check_module(checker: &Checker<'_, '_>, word: &Word) -> Outcome {
    let path = checker.config.full_path(word.as_bytes());
    let stem = path.file_stem().map(std::ffi::OsStr::as_encoded_bytes);
    let is_module =
        stem.is_some_and(|stem| stem.starts_with(b"ngx_") && stem.ends_with(b"_module"));
    if is_module || path.exists() {
        return Ok(());
    }
    let path = path.display();
    let message = format!(
        "dlopen() \"{path}\" failed ({path}: cannot open shared object file: No such file or directory)"
    );
    Err(Fault::new(message).at(word))
}

fn check_debug_connection(checker: &mut Checker<'_, '_>, at: At<'_>, word: &Word) -> Outcome {
    let text = word.as_bytes();
    match Network::parse(text) {
        Some(network) if network.low_bits => {
            let text = word.message_text();
            let message = format!("low address bits of {text} are meaningless");
            checker.warn(at.directive, message);
            Ok(())
        }
        Some(_) => Ok(()),
        None if text == b"unix:" || checker.state.is_found(text) => Ok(()),
        None => {
            let text = word.message_text();
            let message = format!("host not found in debug_connection \"{text}\"");
            Err(Fault::new(message).at(word))
        }
    }
}

fn check_thread_pool<'a>(checker: &mut Checker<'a, '_>, at: At<'a>, name: &'a Word) -> Outcome {
    if checker.state.thread_pools.contains(&name.as_bytes()) {
        let name_text = name.message_text();
        return Err(Fault::new(format!("duplicate thread pool \"{name_text}\"")).at(name));
    }
    let mut threads = false;
    for word in at.directive.args.iter().skip(1) {
        if let Some(text) = Text::after(word, "threads=") {
            if !parse_number(text.bytes).is_ok_and(|number| number > 0) {
                return Err(Fault::invalid("threads value", word));
            }
            threads = true;
        } else if let Some(text) = Text::after(word, "max_queue=")
            && parse_number(text.bytes).is_err()
        {
            return Err(Fault::invalid("max_queue value", word));
        }
    }
    if !threads {
        return Err(Fault::new(
            "\"thread_pool\" must have \"threads\" parameter",
        ));
    }
    checker.state.thread_pools.push(name.as_bytes());
    Ok(())
}

/// Whether the process runs with super-user privileges.
pub(super) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|itself| itself.uid() == 0)
}

/// nginx: `ngx_set_user`. The account files are read directly; accounts from elsewhere (LDAP and
/// the like) are unknown here.
fn check_user(checker: &mut Checker<'_, '_>, at: At<'_>, user: &Word) -> Outcome {
    if !is_root() {
        checker.warn(
            at.directive,
            "the \"user\" directive makes sense only if the master process runs \
             with super-user privileges, ignored",
        );
        return Ok(());
    }
    if !has_account("/etc/passwd", user) {
        let text = user.message_text();
        return Err(Fault::new(format!("getpwnam(\"{text}\") failed")).at(user));
    }
    let group = at.directive.args.get(1).unwrap_or(user);
    if !has_account("/etc/group", group) {
        let text = group.message_text();
        return Err(Fault::new(format!("getgrnam(\"{text}\") failed")).at(group));
    }
    Ok(())
}

fn has_account(file: &str, name: &Word) -> bool {
    let Ok(text) = fs::read(file) else {
        return true;
    };
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.any(|line| line.split(|byte| *byte == b':').next() == Some(name.as_bytes()))
}
