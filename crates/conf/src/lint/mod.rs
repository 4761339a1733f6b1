//! Advice on configurations that load but are probably not what was meant. nginx says nothing of the
//! kind; `-t` shows it.

use portunus_conf_syntax::{Diagnostic, Directive, Severity, Sources, Word};

use crate::config::Config;
use crate::d;
use crate::scope::Scope;
use crate::table::{DirectiveId, rows_named};
use crate::text::Text;
use crate::typed::{AddHeader, Fallback, LocationMatch, Return, Rewrite, RewriteFlag, TryFiles};

impl Config {
    /// Advice on this configuration, in the order of its directives.
    #[must_use]
    pub fn lints(&self, sources: &Sources) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        look_through(self.main(), sources, &mut found);
        found.sort_by_key(|lint| lint.order);
        found
    }
}

fn look_through(scope: Scope<'_>, sources: &Sources, found: &mut Vec<Diagnostic>) {
    found.extend(lost_headers(scope));
    for (id, directive, inner) in scope.directives() {
        found.extend(swallowed_directive(directive, sources));
        found.extend(match id {
            d::ADD_HEADER => {
                sometimes_missing_header(directive).or_else(|| header_of_the_connection(directive))
            }
            d::LOCATION => location_never_found(scope, directive),
            d::FASTCGI_PASS => script_without_name(scope, directive),
            d::ALIAS => alias_beyond_its_directory(scope, directive),
            d::TRY_FILES => fallback_without_arguments(directive),
            d::RETURN | d::REWRITE => redirect_to_decoded_path(id, directive),
            _ => None,
        });
        if let Some(inner) = inner {
            look_through(inner, sources, found);
        }
    }
}

fn warn(directive: &Directive, word: &Word, message: String, help: &str) -> Diagnostic {
    Diagnostic::on(directive, Severity::Warn, message)
        .with_span(word.span)
        .with_help(help)
}

/// `index index.php` without `;`, so that the next line's directive becomes an argument.
fn swallowed_directive(directive: &Directive, sources: &Sources) -> Option<Diagnostic> {
    let word = directive.first_word_on_a_later_line(sources)?;
    if word.quoted || rows_named(word.as_bytes()).is_empty() {
        return None;
    }
    let (name, swallowed) = (directive.name.message_text(), word.message_text());
    let message = format!("\"{swallowed}\" is an argument of the \"{name}\" directive");
    Some(warn(
        directive,
        word,
        message,
        "is a \";\" missing on the line before?",
    ))
}

/// Fields that an outer level adds and that this one, with fields of its own, does not.
fn lost_headers(scope: Scope<'_>) -> Option<Diagnostic> {
    let own = scope.own(d::ADD_HEADER).next()?;
    if scope.enumeration(d::ADD_HEADER_INHERIT) == "merge" {
        return None;
    }
    let outer = scope.parent()?.all(d::ADD_HEADER);
    let is_here = |name: &Word| {
        let mut here = scope
            .own(d::ADD_HEADER)
            .filter_map(|directive| directive.args.first());
        here.any(|other| other.as_bytes().eq_ignore_ascii_case(name.as_bytes()))
    };
    let lost = outer
        .iter()
        .filter_map(|directive| directive.args.first())
        .find(|name| !is_here(name))?;
    let message = format!(
        "\"{}\" of an outer level is not added here",
        lost.message_text()
    );
    let help = "a level with fields of its own takes none from outside; \
                repeat them, or say \"add_header_inherit merge;\"";
    Some(warn(own, &own.name, message, help))
}

const SECURITY_HEADERS: [&str; 6] = [
    "Content-Security-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
];

/// A security header that error pages go without.
fn sometimes_missing_header(directive: &Directive) -> Option<Diagnostic> {
    let header = AddHeader::parse(directive)
        .ok()
        .filter(|header| !header.always)?;
    let name = header.name.message_text();
    SECURITY_HEADERS
        .iter()
        .find(|known| known.eq_ignore_ascii_case(&name))?;
    let message = format!("\"{name}\" is not added to answers with status 4xx and 5xx");
    Some(warn(
        directive,
        header.name,
        message,
        "say \"always\" after its value",
    ))
}

/// `add_header Connection …`: nginx would tell it twice.
fn header_of_the_connection(directive: &Directive) -> Option<Diagnostic> {
    const NAMES: [&str; 3] = ["Connection", "Keep-Alive", "Transfer-Encoding"];
    let header = AddHeader::parse(directive).ok()?;
    let name = header.name.message_text();
    NAMES
        .iter()
        .find(|known| known.eq_ignore_ascii_case(&name))?;
    let message = format!("\"{name}\" is not added: it says what becomes of the connection");
    let help = "\"keepalive_timeout 0\" closes connections";
    Some(warn(directive, header.name, message, help))
}

/// `location ~ /x { location /x/y { … } }`: nginx looks for regular expressions alone there.
fn location_never_found(scope: Scope<'_>, directive: &Directive) -> Option<Diagnostic> {
    let is_regex = |directive| {
        matches!(
            LocationMatch::parse(directive),
            Ok(LocationMatch::Regex { .. })
        )
    };
    if !is_regex(scope.directive()?) || is_regex(directive) {
        return None;
    }
    let name = directive.args.last()?;
    let message = format!("location \"{}\" is never found", name.message_text());
    let help = "inside a regular expression only other ones are looked for";
    Some(warn(directive, name, message, help))
}

/// `location /x` with `alias /y/`: `/x../z` leads out of the directory.
fn alias_beyond_its_directory(scope: Scope<'_>, directive: &Directive) -> Option<Diagnostic> {
    let location = LocationMatch::parse(scope.directive()?).ok()?;
    let (LocationMatch::Prefix(name) | LocationMatch::PrefixStop(name)) = location else {
        return None;
    };
    let path = directive.args.first()?;
    if name.bytes.ends_with(b"/") || !path.as_bytes().ends_with(b"/") {
        return None;
    }
    let message =
        "paths such as \"..\" after the location's name lead out of the aliased directory";
    let help = "let the location end in a slash, as the alias does";
    Some(warn(directive, path, message.to_owned(), help))
}

/// `fastcgi_pass` for PHP without `fastcgi_param SCRIPT_FILENAME`: PHP-FPM answers with status 200 and nothing else.
fn script_without_name(scope: Scope<'_>, directive: &Directive) -> Option<Diagnostic> {
    let target = directive.args.first()?;
    let mentions_php = |word: &Word| word.as_bytes().windows(3).any(|part| part == b"php");
    // Others than PHP may well go without.
    if !mentions_php(target) && !scope.args().iter().any(mentions_php) {
        return None;
    }
    let is_name = |param: &&Directive| {
        let name = param.args.first();
        name.is_some_and(|name| *name == "SCRIPT_FILENAME")
    };
    if scope.all(d::FASTCGI_PARAM).iter().any(is_name) {
        return None;
    }
    let message = "PHP is not told which script to run, and will answer with an empty page";
    let help = "say \"fastcgi_param SCRIPT_FILENAME $realpath_root$fastcgi_script_name;\"; \
                a level with params of its own takes none from outside";
    Some(warn(directive, target, message.to_owned(), help))
}

/// `try_files $uri /index.php`, and `= 404` for `=404`.
fn fallback_without_arguments(directive: &Directive) -> Option<Diagnostic> {
    if let Some(equals) = directive.args.iter().find(|word| **word == "=") {
        let message = "a file called \"=\" is looked for".to_owned();
        return Some(warn(
            directive,
            equals,
            message,
            "a status is written \"=404\", in one word",
        ));
    }
    let Fallback::Target(target) = TryFiles::parse(directive).ok()?.last else {
        return None;
    };
    let script = target.as_bytes().ends_with(b".php") && target.as_bytes().starts_with(b"/");
    let script = script && !Text::from(target).has_variables();
    let message = "the request's arguments do not reach the script".to_owned();
    script.then(|| {
        let help = format!("say \"{}?$query_string\"", target.message_text());
        warn(directive, target, message, &help)
    })
}

/// A redirect to `$uri`, whose escapes are undone: a client can put line ends into it.
fn redirect_to_decoded_path(id: DirectiveId, directive: &Directive) -> Option<Diagnostic> {
    let target = if id == d::RETURN {
        let answer = Return::parse(directive).ok()?;
        answer
            .text
            .filter(|_| (301..=308).contains(&answer.status))?
    } else {
        let rewrite = Rewrite::parse(directive).ok()?;
        let redirects = matches!(rewrite.flag, RewriteFlag::Redirect | RewriteFlag::Permanent);
        Some(rewrite.replacement).filter(|_| redirects)?
    };
    let decoded = |name: &&[u8]| matches!(*name, b"uri" | b"document_uri");
    target.variables().ok()?.iter().find(|name| decoded(name))?;
    let message = "the redirect is built from a decoded path".to_owned();
    Some(warn(
        directive,
        target.word,
        message,
        "use $request_uri, which is as the client wrote it",
    ))
}
