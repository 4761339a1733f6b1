//! `add_header`, `add_trailer`, `expires`.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use portunus_conf::{Directive, DirectiveId, Scope, d};
use portunus_handler::{AddedHeader, Expires, ExpiresAt, HeaderRules};

use super::Builder;

impl Builder<'_> {
    pub(super) fn header_rules(&mut self, scope: Scope<'_>) -> Arc<HeaderRules> {
        Arc::new(HeaderRules {
            added: self.added(scope, d::ADD_HEADER, d::ADD_HEADER_INHERIT),
            trailers: self.added(scope, d::ADD_TRAILER, d::ADD_TRAILER_INHERIT),
            expires: self.expires(scope),
        })
    }

    /// The fields of a level; `…_inherit merge` puts those of the levels around it behind, `off`
    /// drops them.
    ///
    /// Source: nginx, `ngx_http_headers_merge_conf`.
    fn added(
        &mut self,
        scope: Scope<'_>,
        id: DirectiveId,
        inherit: DirectiveId,
    ) -> Vec<AddedHeader> {
        let mut directives: Vec<_> = Vec::new();
        for level in scope.levels() {
            let own: Vec<_> = level.own(id).collect();
            let found = !own.is_empty();
            directives.extend(own);
            match level.enumeration(inherit) {
                "off" => break,
                "merge" => {}
                _ if found => break,
                _ => {}
            }
        }
        directives
            .into_iter()
            .filter_map(|directive| self.added_one(directive))
            .collect()
    }

    fn added_one(&mut self, directive: &Directive) -> Option<AddedHeader> {
        let [name, value, rest @ ..] = &directive.args[..] else {
            return None;
        };
        let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
            let text = name.message_text();
            self.error_at(directive, name, format!("invalid field name \"{text}\""));
            return None;
        };
        let value = self.template(directive, value);
        let fixed = value.as_literal().filter(|text| !text.is_empty());
        let fixed = fixed.and_then(|text| HeaderValue::from_bytes(text).ok());
        let always = rest.iter().any(|word| word.as_bytes() == b"always");
        Some(AddedHeader {
            name: parsed,
            spelled: name.as_bytes().into(),
            value,
            fixed,
            always,
        })
    }

    fn expires(&mut self, scope: Scope<'_>) -> Option<Expires> {
        let directive = scope.find(d::EXPIRES)?;
        let words: Vec<_> = directive
            .args
            .iter()
            .map(portunus_conf::Word::as_bytes)
            .collect();
        let text = words.join(&b' ');
        if text.contains(&b'$') {
            let word = directive.args.last()?;
            let template = self.template_of(directive, word, &text);
            return Some(Expires::Dynamic(template));
        }
        let at = ExpiresAt::parse(std::str::from_utf8(&text).ok()?);
        if at.is_none() {
            self.error(directive, "invalid value");
        }
        at.filter(|at| *at != ExpiresAt::Off).map(Expires::Fixed)
    }
}
