//! Stored answers, and TLS sessions and certificates, which are stored too.

use portunus_conf_syntax::Directive;

use super::state::ZoneOwner;
use super::{At, Checker, Outcome};
use crate::d;
use crate::fault::{Fault, show};
use crate::table::Special;
use crate::text::Text;
use crate::typed::{CachePath, CacheValid, OpenFileCache, SessionCache, ocsp_cache};

pub(super) fn check<'a>(checker: &mut Checker<'a, '_>, at: At<'a>, special: Special) -> Outcome {
    let directive = at.directive;
    match special {
        Special::Cache => {
            at.once()?;
            excludes(at)?;
            check_cache(checker, at)
        }
        Special::Store => {
            at.once()?;
            if directive.args.iter().any(|word| word.as_bytes().is_empty()) {
                return Err(Fault::new("empty path"));
            }
            excludes(at)?;
            let path = directive.args.first().map(Text::from);
            path.map_or(Ok(()), |path| path.variables().map(drop))
        }
        Special::CacheKey => {
            at.once()?;
            directive.args.iter().try_for_each(super::core::variables)
        }
        Special::CachePath => {
            let path = CachePath::parse(directive)?;
            let levels = path.levels.iter().map(|level| i64::from(*level)).collect();
            checker.add_path(path.path.as_bytes(), levels, true, at)?;
            let zone = path.zone;
            let declared =
                checker
                    .state
                    .add_zone(zone.name, zone.size, owner(directive), directive)?;
            if declared.declared {
                let name = show(zone.name);
                return Err(Fault::new(format!("duplicate zone \"{name}\"")));
            }
            declared.declared = true;
            Ok(())
        }
        Special::CacheValid => CacheValid::parse(directive).map(drop),
        Special::CertificateCache => {
            at.once()?;
            OpenFileCache::parse_certificates(directive).map(drop)
        }
        Special::SslSessionCache => {
            for cache in SessionCache::parse(directive)? {
                if let SessionCache::Shared { name, size } = cache {
                    checker
                        .state
                        .add_zone(name, size, ZoneOwner::Ssl, directive)?
                        .declared = true;
                }
            }
            Ok(())
        }
        Special::SslOcspCache => {
            at.once()?;
            if let Some((name, size)) = ocsp_cache(directive)? {
                checker
                    .state
                    .add_zone(name, size, ZoneOwner::Ssl, directive)?
                    .declared = true;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What is stored is not kept as a file as well. nginx: `ngx_http_fastcgi_store`, `ngx_http_fastcgi_cache`.
fn excludes(at: At<'_>) -> Outcome {
    let is_off = |directive: &Directive| matches!(&directive.args[..], [word] if *word == "off");
    let pairs = [
        (d::FASTCGI_CACHE, d::FASTCGI_STORE),
        (d::PROXY_CACHE, d::PROXY_STORE),
    ];
    let other = pairs.iter().find_map(|(cache, store)| match at.id {
        id if id == *cache => Some(store),
        id if id == *store => Some(cache),
        _ => None,
    });
    let Some(other) = other.filter(|_| !is_off(at.directive)) else {
        return Ok(());
    };
    let before = |one: &&Directive| one.order < at.directive.order && !is_off(one);
    match at.scope.own(*other).find(before) {
        Some(other) => {
            let name = other.name.message_text();
            let message = format!("is incompatible with \"{name}\"");
            Err(Fault::of(at.directive, message))
        }
        None => Ok(()),
    }
}

fn check_cache<'a>(checker: &mut Checker<'a, '_>, at: At<'a>) -> Outcome {
    let Some(word) = at.directive.args.first() else {
        return Ok(());
    };
    let text = Text::from(word);
    if *word == "off" {
        return Ok(());
    }
    if text.has_variables() {
        return text.variables().map(drop);
    }
    checker
        .state
        .add_zone(word.as_bytes(), 0, owner(at.directive), at.directive)
        .map(drop)
}

/// Each module has zones of its own.
fn owner(directive: &Directive) -> ZoneOwner {
    let name = directive.name.as_bytes();
    if name.starts_with(b"fastcgi_") {
        ZoneOwner::FastcgiCache
    } else if name.starts_with(b"proxy_") {
        ZoneOwner::ProxyCache
    } else {
        ZoneOwner::OtherCache
    }
}
