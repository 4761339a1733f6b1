//! Groups of servers, and what leads to them.

use portunus_conf_syntax::{Diagnostic, Directive, Severity, Word};

use super::core::variables;
use super::state::{Group, ZoneOwner};
use super::{At, Checker, Outcome};
use crate::address::Address;
use crate::d;
use crate::fault::{Fault, show};
use crate::scope::Scope;
use crate::table::{LIF, LMT, Special};
use crate::text::Text;
use crate::typed::{Bind, LocationMatch, Member, Pass, ProxyRedirect};
use crate::value::{parse_number, parse_size};

/// What to do about a name that the system does not know.
pub(super) const NOT_FOUND: &str = "it is no \"upstream\" block, and must be known when the server starts: is its container up, in the same network?";

pub(super) fn check<'a>(checker: &mut Checker<'a, '_>, at: At<'a>, special: Special) -> Outcome {
    let directive = at.directive;
    match special {
        Special::Upstream => declare(checker, directive),
        Special::UpstreamServer => check_member(checker, at),
        Special::Balancer | Special::Random | Special::Hash => {
            warn_if_balanced(checker, at);
            check_balancer(directive, special)
        }
        Special::Keepalive => check_keepalive(at),
        Special::Zone => check_zone(checker, directive),
        Special::FastcgiPass => {
            at.once()?;
            use_pass(checker, directive, &Pass::parse_fastcgi(directive)?)
        }
        Special::ProxyPass => {
            at.once()?;
            check_proxy_pass(checker, at)
        }
        Special::ProxyRedirect => check_redirect(at),
        Special::Bind => {
            at.once()?;
            Bind::parse(directive).map(drop)
        }
        Special::CookieRule | Special::CookieFlags => match &directive.args[..] {
            [word] if *word != "off" => Err(Fault::parameter(word)),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// nginx: `ngx_http_upstream_add` with `CREATE`.
fn declare<'a>(checker: &mut Checker<'a, '_>, directive: &'a Directive) -> Outcome {
    let Some(name) = directive.args.first() else {
        return Ok(());
    };
    let host = name.as_bytes();
    let same = |group: &&mut Group<'_>| group.host.eq_ignore_ascii_case(host);
    if let Some(group) = checker.state.upstreams.iter_mut().find(same) {
        if group.block {
            let text = name.message_text();
            return Err(Fault::new(format!("duplicate upstream \"{text}\"")).at(name));
        }
        if group.has_port {
            // nginx names the place where the group was used with a port.
            let (text, port) = (name.message_text(), group.port.unwrap_or(0));
            let message = format!("upstream \"{text}\" may not have port {port}");
            let mut diagnostic = Diagnostic::on(group.directive, Severity::Emerg, message);
            diagnostic.order = directive.order;
            checker.diagnostics.push(diagnostic);
            return Ok(());
        }
        (group.block, group.port) = (true, None);
        return Ok(());
    }
    checker.state.upstreams.push(Group {
        host,
        port: None,
        has_port: false,
        block: true,
        numeric: false,
        directive,
    });
    Ok(())
}

fn check_member<'a>(checker: &mut Checker<'a, '_>, at: At<'a>) -> Outcome {
    let directive = at.directive;
    // A method of balancing that stands before the server says which parameters it takes.
    let methods = [d::IP_HASH, d::UPSTREAM_HASH, d::UPSTREAM_RANDOM];
    let earlier = |id| at.scope.own(id).any(|one| one.order < directive.order);
    let no_backup = methods.into_iter().any(earlier);
    for word in directive.args.iter().skip(1) {
        if *word == "backup" && no_backup {
            let message = "balancing method does not support parameter \"backup\"";
            return Err(Fault::new(message).at(word));
        }
    }
    let member = Member::parse(directive)?;
    let named = matches!(member.url.address, Address::Name(..));
    if named && !member.resolve && !checker.state.is_found(member.url.host) {
        let text = show(member.word.as_bytes());
        let fault = Fault::new(format!("host not found in upstream \"{text}\"")).at(member.word);
        return Err(fault.with_help(NOT_FOUND));
    }
    Ok(())
}

/// nginx: `ngx_http_upstream_init_round_robin`, at the end of `http`.
pub(super) fn check_members(checker: &mut Checker<'_, '_>, http: Scope<'_>) {
    for group in http.children(d::UPSTREAM) {
        let mut members = group.own(d::UPSTREAM_SERVER).peekable();
        let spare = |member: &Directive| member.args.iter().skip(1).any(|word| *word == "backup");
        if members.peek().is_none() || !members.all(spare) {
            continue;
        }
        let Some(directive) = group.directive() else {
            continue;
        };
        let name = directive.args.first().map(Word::message_text);
        let message = format!("no servers in upstream \"{}\"", name.unwrap_or_default());
        let mut diagnostic = Diagnostic::on(directive, Severity::Emerg, message);
        diagnostic.order = http.end().1;
        checker.diagnostics.push(diagnostic);
    }
}

fn warn_if_balanced(checker: &mut Checker<'_, '_>, at: At<'_>) {
    let methods = [
        d::IP_HASH,
        d::LEAST_CONN,
        d::UPSTREAM_HASH,
        d::UPSTREAM_RANDOM,
    ];
    let order = at.directive.order;
    let earlier = |id| at.scope.own(id).any(|one| one.order < order);
    if methods.into_iter().any(earlier) {
        checker.warn(at.directive, "load balancing method redefined");
    }
}

fn check_balancer(directive: &Directive, special: Special) -> Outcome {
    match (special, &directive.args[..]) {
        (Special::Hash, [key]) => variables(key),
        (Special::Hash, [key, flag, ..]) => {
            variables(key)?;
            if *flag == "consistent" {
                Ok(())
            } else {
                Err(Fault::parameter(flag))
            }
        }
        (Special::Random, [two, ..]) if *two != "two" => Err(Fault::parameter(two)),
        (Special::Random, [_, method]) if *method != "least_conn" => Err(Fault::parameter(method)),
        _ => Ok(()),
    }
}

fn check_keepalive(at: At<'_>) -> Outcome {
    at.once()?;
    let Some((number, rest)) = at.directive.args.split_first() else {
        return Ok(());
    };
    if parse_number(number.as_bytes()).is_err() {
        let text = number.message_text();
        let message = format!("invalid value \"{text}\" in \"keepalive\" directive");
        return Err(Fault::new(message).at(number));
    }
    match rest.first() {
        Some(word) if *word != "local" => Err(Fault::parameter(word)),
        _ => Ok(()),
    }
}

fn check_zone<'a>(checker: &mut Checker<'a, '_>, directive: &'a Directive) -> Outcome {
    let Some((name, rest)) = directive.args.split_first() else {
        return Ok(());
    };
    if name.as_bytes().is_empty() {
        return Err(Fault::invalid("zone name", name));
    }
    let size = match rest.first() {
        None => 0,
        Some(word) => {
            let size =
                parse_size(word.as_bytes()).map_err(|_| Fault::invalid("zone size", word))?;
            if size < 8 * 4096 {
                let text = name.message_text();
                return Err(Fault::new(format!("zone \"{text}\" is too small")).at(name));
            }
            size
        }
    };
    let zone = checker
        .state
        .add_zone(name.as_bytes(), size, ZoneOwner::Upstream, directive)?;
    zone.declared = true;
    Ok(())
}

fn use_pass<'a>(
    checker: &mut Checker<'a, '_>,
    directive: &'a Directive,
    pass: &Pass<'a>,
) -> Outcome {
    match pass {
        Pass::To { url, .. } => checker.state.use_upstream(url, directive),
        Pass::Variable(_) => Ok(()),
    }
}

fn check_proxy_pass<'a>(checker: &mut Checker<'a, '_>, at: At<'a>) -> Outcome {
    let pass = Pass::parse_proxy(at.directive)?;
    use_pass(checker, at.directive, &pass)?;
    let Pass::To { url, word, .. } = pass else {
        return Ok(());
    };
    let context = at.scope.context();
    let no_path = context == LIF
        || context == LMT
        || at
            .scope
            .directive()
            .map(LocationMatch::parse)
            .is_some_and(|location| {
                matches!(
                    location,
                    Ok(LocationMatch::Named(_) | LocationMatch::Regex { .. })
                )
            });
    if no_path && !url.uri.is_empty() {
        let message = "\"proxy_pass\" cannot have URI part in location given by regular expression, \
                       or inside named location, or inside \"if\" statement, \
                       or inside \"limit_except\" block";
        return Err(Fault::new(message).at(word));
    }
    Ok(())
}

fn check_redirect(at: At<'_>) -> Outcome {
    let is =
        |directive: &Directive, text: &str| matches!(&directive.args[..], [word] if *word == *text);
    let directive = at.directive;
    let after_off = at.earlier.is_some_and(|earlier| is(earlier, "off"));
    if after_off || (is(directive, "off") && at.earlier.is_some()) {
        return Err(Fault::duplicate(directive));
    }
    match ProxyRedirect::parse(directive)? {
        ProxyRedirect::Off => Ok(()),
        ProxyRedirect::Default => check_default_redirect(at),
        ProxyRedirect::Text { from, to } => variables(from).and_then(|()| variables(to)),
        ProxyRedirect::Regex { to, .. } => variables(to),
    }
}

fn check_default_redirect(at: At<'_>) -> Outcome {
    let order = at.directive.order;
    let pass = at.scope.own(d::PROXY_PASS).find(|pass| pass.order < order);
    match pass.and_then(|pass| pass.args.first()) {
        Some(word) if Text::from(word).has_variables() => Err(Fault::new(
            "\"proxy_redirect default\" cannot be used with \"proxy_pass\" directive with variables",
        )),
        Some(_) => Ok(()),
        None => Err(Fault::new(
            "\"proxy_redirect default\" should be placed after the \"proxy_pass\" directive",
        )),
    }
}
