//! Directives of the HTTP core and of small modules.

use portunus_conf_syntax::{Directive, Severity, Word};

use super::{At, Checker, Outcome};
use crate::d;
use crate::fault::{Fault, show};
use crate::table::Special;
use crate::text::Text;
use crate::typed::{
    DisableSymlinks, ErrorPage, KeepaliveTimeout, LocationMatch, OpenFileCache, Resolver,
    ServerName, TryFiles,
};
use crate::value::{parse_number, parse_offset, parse_sec};

pub(super) fn check<'a>(checker: &mut Checker<'a, '_>, at: At<'a>, special: Special) -> Outcome {
    let directive = at.directive;
    match special {
        Special::ErrorPage => ErrorPage::parse(directive).and_then(|page| variables(page.target)),
        Special::Index => check_index(checker, directive),
        Special::LimitExcept => {
            at.once()?;
            check_methods(&directive.args)
        }
        Special::Obsolete => {
            check_obsolete(checker, directive);
            Ok(())
        }
        Special::Resolver => {
            at.once()?;
            check_resolver(checker, directive)
        }
        Special::Root => check_root(at),
        Special::ServerName => check_server_name(checker, directive),
        Special::SubFilter => check_sub_filter(at),
        Special::TryFiles => {
            at.once()?;
            directive.args.iter().try_for_each(variables)?;
            TryFiles::parse(directive).map(drop)
        }
        Special::Types => {
            check_types(checker, at);
            Ok(())
        }
        Special::GzipDisable => Ok(()),
        _ => {
            at.once()?;
            check_once(directive, special)?;
            let pool = directive
                .args
                .first()
                .and_then(|word| Text::after(word, "threads="));
            if let (Special::Aio, Some(pool)) = (special, pool.filter(|pool| !pool.has_variables()))
            {
                checker.state.used_pools.push((pool.bytes, directive));
            }
            Ok(())
        }
    }
}

/// Those that a level may have only one of.
fn check_once(directive: &Directive, special: Special) -> Outcome {
    let Some(word) = directive.args.first() else {
        return Ok(());
    };
    let text = word.as_bytes();
    let invalid = || Fault::of(directive, "invalid value").at(word);
    match special {
        Special::Aio => match text {
            b"off" | b"on" | b"threads" => Ok(()),
            _ => match Text::after(word, "threads=") {
                Some(name) => name.variables().map(drop),
                None => Err(invalid()),
            },
        },
        Special::Directio if text == b"off" => Ok(()),
        Special::Directio => parse_offset(text).map(drop).map_err(|_| invalid()),
        Special::DisableSymlinks => DisableSymlinks::parse(directive).map(drop),
        Special::KeepaliveTimeout => KeepaliveTimeout::parse(directive).map(drop),
        Special::OpenFileCache => OpenFileCache::parse(directive).map(drop),
        Special::PowerOfTwo => {
            let number =
                parse_number(text).map_err(|error| Fault::value(directive, word, error))?;
            if u64::try_from(number).is_ok_and(u64::is_power_of_two) {
                return Ok(());
            }
            Err(Fault::of(directive, "must be a power of two").at(word))
        }
        Special::UseridExpires if matches!(text, b"max" | b"off") => Ok(()),
        Special::UseridExpires => parse_sec(text).map(drop).map_err(|_| invalid()),
        Special::UseridMark => match text {
            b"off" => Ok(()),
            [mark] if mark.is_ascii_alphanumeric() || *mark == b'=' => Ok(()),
            _ => Err(Fault::of(
                directive,
                "value must be \"off\" or a single letter, digit or \"=\"",
            )
            .at(word)),
        },
        _ => Ok(()),
    }
}

/// The syntax of variables in a word.
pub(super) fn variables(word: &Word) -> Outcome {
    Text::from(word).variables().map(drop)
}

fn check_index(checker: &mut Checker<'_, '_>, directive: &Directive) -> Outcome {
    let last = directive.args.len().saturating_sub(1);
    for (index, word) in directive.args.iter().enumerate() {
        match word.as_bytes().first() {
            Some(b'/') if index != last => checker.warn(
                directive,
                "only the last index in \"index\" directive should be absolute",
            ),
            Some(_) => {}
            None => {
                let message = "index \"\" in \"index\" directive is invalid";
                return Err(Fault::new(message).at(word));
            }
        }
        variables(word)?;
    }
    Ok(())
}

/// nginx: `ngx_methods_names`.
const METHODS: [&str; 16] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "MKCOL",
    "COPY",
    "MOVE",
    "OPTIONS",
    "PROPFIND",
    "PROPPATCH",
    "LOCK",
    "UNLOCK",
    "PATCH",
    "CONNECT",
    "TRACE",
];

fn check_methods(words: &[Word]) -> Outcome {
    let is_method = |word: &Word| {
        METHODS
            .iter()
            .any(|method| method.as_bytes().eq_ignore_ascii_case(word.as_bytes()))
    };
    match words.iter().find(|word| !is_method(word)) {
        Some(word) => Err(Fault::invalid("method", word)),
        None => Ok(()),
    }
}

/// nginx: `ngx_http_v2_obsolete`.
fn check_obsolete(checker: &mut Checker<'_, '_>, directive: &Directive) {
    let name = directive.name.message_text();
    let instead = match &*name {
        "http2_max_requests" => "keepalive_requests",
        "http2_max_field_size" | "http2_max_header_size" => "large_client_header_buffers",
        "http2_recv_timeout" => "client_header_timeout",
        "http2_idle_timeout" => "keepalive_timeout",
        _ => {
            return checker.warn(
                directive,
                format!("the \"{name}\" directive is obsolete, ignored"),
            );
        }
    };
    let message =
        format!("the \"{name}\" directive is obsolete, use the \"{instead}\" directive instead");
    checker.warn(directive, message);
}

fn check_resolver(checker: &mut Checker<'_, '_>, directive: &Directive) -> Outcome {
    let resolver = Resolver::parse(directive)?;
    for server in &resolver.servers {
        if matches!(server.address, crate::address::Address::Name(..))
            && !checker.state.is_found(server.host)
        {
            let host = show(server.host);
            return Err(Fault::new(format!("host not found in resolver \"{host}\"")));
        }
    }
    Ok(())
}

/// `root` and `alias`, which share a place. nginx: `ngx_http_core_root`.
fn check_root(at: At<'_>) -> Outcome {
    let directive = at.directive;
    at.once()?;
    let (other, other_name) = if at.id == d::ALIAS {
        (d::ROOT, "root")
    } else {
        (d::ALIAS, "alias")
    };
    if at
        .scope
        .own(other)
        .any(|earlier| earlier.order < directive.order)
    {
        let name = directive.name.message_text();
        return Err(Fault::new(format!(
            "\"{name}\" directive is duplicate, \"{other_name}\" directive was specified earlier"
        )));
    }
    let named = at.id == d::ALIAS
        && at.scope.directive().is_some_and(|location| {
            matches!(LocationMatch::parse(location), Ok(LocationMatch::Named(_)))
        });
    if named {
        let message = "the \"alias\" directive cannot be used inside the named location";
        return Err(Fault::new(message));
    }
    let Some(word) = directive.args.first() else {
        return Ok(());
    };
    for name in ["document_root", "realpath_root"] {
        let forms = [format!("${name}"), format!("${{{name}}}")];
        if forms
            .iter()
            .any(|form| contains(word.as_bytes(), form.as_bytes()))
        {
            let directive_name = directive.name.message_text();
            return Err(Fault::new(format!(
                "the ${name} variable cannot be used in the \"{directive_name}\" directive"
            ))
            .at(word));
        }
    }
    variables(word)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

fn check_server_name(checker: &mut Checker<'_, '_>, directive: &Directive) -> Outcome {
    for word in &directive.args {
        let name = ServerName::parse(word);
        let empty_regex = *word == "~";
        if name.is_err() && !empty_regex {
            return name.map(drop);
        }
        if word.as_bytes().contains(&b'/') {
            let text = word.message_text();
            checker.warn(
                directive,
                format!("server name \"{text}\" has suspicious symbols"),
            );
        }
        name?;
    }
    Ok(())
}

fn check_sub_filter(at: At<'_>) -> Outcome {
    let [pattern, replacement] = &at.directive.args[..] else {
        return Ok(());
    };
    if pattern.as_bytes().is_empty() {
        return Err(Fault::new("empty search pattern").at(pattern));
    }
    if at.all_earlier().count() >= 255 {
        return Err(Fault::new("number of search patterns exceeds 255"));
    }
    variables(pattern)?;
    variables(replacement)
}

/// The lines of a `types` block. nginx: `ngx_http_core_type`.
fn check_types<'a>(checker: &mut Checker<'a, '_>, at: At<'a>) {
    let mut known: std::collections::HashMap<Vec<u8>, &Word> = std::collections::HashMap::new();
    for line in at.all_earlier().flat_map(Directive::children) {
        for extension in &line.args {
            known.insert(extension.as_bytes().to_ascii_lowercase(), &line.name);
        }
    }
    for line in at.directive.children() {
        if line.block.is_some() {
            checker.report(line, Fault::new("unexpected \"{\""));
            continue;
        }
        for extension in &line.args {
            let lower = extension.as_bytes().to_ascii_lowercase();
            if let Some(old) = known.insert(lower.clone(), &line.name) {
                let (extension, new) = (show(&lower), line.name.message_text());
                let old = old.message_text();
                let message = format!(
                    "duplicate extension \"{extension}\", content type: \"{new}\", \
                     previous content type: \"{old}\""
                );
                let warning = portunus_conf_syntax::Diagnostic::on(line, Severity::Warn, message);
                checker.diagnostics.push(warning);
            }
        }
    }
}
