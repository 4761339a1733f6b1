//! `charset`, `sub_filter`, rates: what is done to an answer on its way out.

use std::sync::Arc;

use portunus_conf::typed::CharsetMap as Block;
use portunus_conf::{Directive, Scope, Word, d};
use portunus_filters::CharsetMap;
use portunus_handler::{Addition, Charset, Charsets, Mirror, Rate, Ssi, SubFilter, Template};

use super::Builder;
use super::encoding::types;

impl Builder<'_> {
    /// `charset` with what belongs to it; `None` for `off`.
    pub(super) fn charset(&mut self, scope: Scope<'_>) -> Option<Charset> {
        let directive = scope.find(d::CHARSET)?;
        let word = directive.args.first()?;
        if word.as_bytes() == b"off" {
            return None;
        }
        let name = self.charset_name(directive, word);
        let source = scope.find(d::SOURCE_CHARSET).and_then(|directive| {
            let word = directive.args.first()?;
            (word.as_bytes() != b"off").then(|| self.charset_name(directive, word))
        });
        let ready = name.as_literal().is_some() && source.is_none();
        Some(Charset {
            name,
            source,
            types: types(scope, d::CHARSET_TYPES),
            override_upstream: scope.flag(d::OVERRIDE_CHARSET),
            ready,
        })
    }

    /// A charset, or the variable that names one; a `$` further on is a letter like others.
    ///
    /// Source: nginx, `ngx_http_set_charset_slot`.
    fn charset_name(&mut self, directive: &Directive, word: &Word) -> Template {
        match word.as_bytes() {
            [b'$', ..] => self.template(directive, word),
            name => {
                // nginx: one charset is spelled in one way, the first.
                let mut known = self.charset_names.iter().map(AsRef::as_ref);
                let first = known.find(|known: &&[u8]| known.eq_ignore_ascii_case(name));
                Template::literal(first.unwrap_or(name))
            }
        }
    }

    /// All charsets of the configuration.
    pub(super) fn charsets(&mut self, http: Scope<'_>) -> Charsets {
        let mut charsets = Charsets {
            names: self.charset_names.clone(),
            ..Charsets::default()
        };
        for directive in http.own(d::CHARSET_MAP) {
            match Block::parse(directive) {
                Ok(block) => {
                    let (from, to) = (block.from.as_bytes(), block.to.as_bytes());
                    let map = CharsetMap::new(from, to, &block.entries);
                    charsets.maps.push(map);
                }
                // `conf` has checked it and said so.
                Err(_) => self.error(directive, "invalid \"charset_map\""),
            }
        }
        charsets
    }

    /// `sub_filter` and its kin; all of the nearest level that has any.
    pub(super) fn sub_filter(&mut self, scope: Scope<'_>) -> Option<Arc<SubFilter>> {
        let pairs: Vec<_> = scope
            .all(d::SUB_FILTER)
            .into_iter()
            .filter_map(|directive| {
                let [pattern, replacement] = &directive.args[..] else {
                    return None;
                };
                let pattern = self.template(directive, pattern);
                Some((pattern, self.template(directive, replacement)))
            })
            .collect();
        (!pairs.is_empty()).then(|| {
            Arc::new(SubFilter {
                pairs,
                once: scope.flag(d::SUB_FILTER_ONCE),
                types: types(scope, d::SUB_FILTER_TYPES),
                last_modified: scope.flag(d::SUB_FILTER_LAST_MODIFIED),
            })
        })
    }

    /// Rates that depend on the request.
    pub(super) fn rate(&mut self, scope: Scope<'_>) -> Option<Box<Rate>> {
        let mut varying = |id| -> Option<Template> {
            let template = self.template_here(scope, id)?;
            template.as_literal().is_none().then_some(template)
        };
        let (rate, after) = (varying(d::LIMIT_RATE), varying(d::LIMIT_RATE_AFTER));
        (rate.is_some() || after.is_some()).then(|| Box::new(Rate { rate, after }))
    }
}

/// `ssi` with its kin; `None` where it is off.
pub(super) fn ssi(scope: Scope<'_>) -> Option<Ssi> {
    scope.flag(d::SSI).then(|| Ssi {
        types: types(scope, d::SSI_TYPES),
        silent_errors: scope.flag(d::SSI_SILENT_ERRORS),
        last_modified: scope.flag(d::SSI_LAST_MODIFIED),
        value_length: usize::try_from(scope.size(d::SSI_VALUE_LENGTH)).unwrap_or(usize::MAX),
    })
}

/// `add_before_body`, `add_after_body`; an empty URI is none.
pub(super) fn addition(scope: Scope<'_>) -> Option<Addition> {
    let uri = |id| {
        let text = scope.text(id).filter(|text| !text.is_empty());
        text.map(Into::into)
    };
    let (before, after) = (uri(d::ADD_BEFORE_BODY), uri(d::ADD_AFTER_BODY));
    (before.is_some() || after.is_some()).then(|| Addition {
        before,
        after,
        types: types(scope, d::ADDITION_TYPES),
    })
}

/// `mirror`; all of the nearest level that has any.
pub(super) fn mirror(scope: Scope<'_>) -> Option<Mirror> {
    let directives = scope.all(d::MIRROR).into_iter();
    let words = directives.filter_map(|directive| directive.args.first());
    let uris: Vec<Box<[u8]>> = words
        .map(Word::as_bytes)
        .filter(|uri| *uri != b"off")
        .map(Into::into)
        .collect();
    let body = scope.flag(d::MIRROR_REQUEST_BODY);
    (!uris.is_empty()).then_some(Mirror { uris, body })
}

/// The charsets that a level and those within it name, each as it is spelled first.
pub(super) fn name_charsets(scope: Scope<'_>, names: &mut Vec<Box<[u8]>>) {
    for (row, directive, block) in scope.directives() {
        let named = match row {
            row if row == d::CHARSET || row == d::SOURCE_CHARSET => 1,
            row if row == d::CHARSET_MAP => 2,
            _ => 0,
        };
        for name in directive.args.iter().take(named).map(Word::as_bytes) {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push(name.into());
            }
        }
        if let Some(block) = block {
            name_charsets(block, names);
        }
    }
}
