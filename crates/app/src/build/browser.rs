//! `modern_browser` and its kin.

use std::sync::Arc;

use portunus_conf::{Diagnostic, Directive, DirectiveId, Scope, Severity, Word, d};
use portunus_handler::{BrowserFamily, Browsers, ModernBrowser};

use super::Builder;

/// Newer than any; as Opera calls itself MSIE, it is looked for even where nobody lists it.
const NO_OPERA: ModernBrowser = ModernBrowser {
    family: BrowserFamily::Opera,
    version: 4_001_000_000,
};

impl Builder<'_> {
    /// Which browsers are modern here, and which ancient.
    ///
    /// Source: nginx, `ngx_http_browser_merge_conf`.
    pub(super) fn browsers(&mut self, scope: Scope<'_>) -> Option<Arc<Browsers>> {
        let all = [
            d::MODERN_BROWSER,
            d::ANCIENT_BROWSER,
            d::MODERN_BROWSER_VALUE,
            d::ANCIENT_BROWSER_VALUE,
        ];
        if all.into_iter().all(|id| scope.find(id).is_none()) {
            return None;
        }
        for directive in scope.own(d::MODERN_BROWSER) {
            if let [word] = &directive.args[..]
                && *word != "unlisted"
            {
                self.unknown_browser(directive, word);
            }
        }
        let defaults = Browsers::default();
        let value = |id: DirectiveId| Some(scope.find(id)?.args.first()?.as_bytes().into());
        Some(Arc::new(Browsers {
            modern: self.modern(scope),
            unlisted: words(scope, d::MODERN_BROWSER).any(|word| *word == "unlisted"),
            ancient: words(scope, d::ANCIENT_BROWSER)
                .filter(|word| **word != "netscape4")
                .map(|word| word.as_bytes().into())
                .collect(),
            netscape4: words(scope, d::ANCIENT_BROWSER).any(|word| *word == "netscape4"),
            modern_value: value(d::MODERN_BROWSER_VALUE).unwrap_or(defaults.modern_value),
            ancient_value: value(d::ANCIENT_BROWSER_VALUE).unwrap_or(defaults.ancient_value),
        }))
    }

    fn modern(&mut self, scope: Scope<'_>) -> Vec<ModernBrowser> {
        let listed = scope.all(d::MODERN_BROWSER);
        let mut modern: Vec<_> = listed
            .into_iter()
            .filter_map(|directive| self.modern_browser(directive))
            .collect();
        if modern.is_empty() {
            return modern;
        }
        if modern.iter().all(|one| one.family != BrowserFamily::Opera) {
            modern.push(NO_OPERA);
        }
        modern.sort_by_key(|one| one.family);
        modern
    }

    /// Source: nginx, `ngx_http_modern_browser`.
    fn modern_browser(&mut self, directive: &Directive) -> Option<ModernBrowser> {
        let [name, version] = &directive.args[..] else {
            return None;
        };
        let Some(family) = BrowserFamily::parse(name.as_bytes()) else {
            self.unknown_browser(directive, name);
            return None;
        };
        let (number, rest) = ModernBrowser::version_of(version.as_bytes());
        if !rest.is_empty() {
            let message = format!("invalid browser version \"{}\"", version.message_text());
            self.error_once(directive, version, message);
            return None;
        }
        Some(ModernBrowser {
            family,
            version: number,
        })
    }

    fn unknown_browser(&mut self, directive: &Directive, name: &Word) {
        let message = format!("unknown browser name \"{}\"", name.message_text());
        self.error_once(directive, name, message);
    }

    /// Levels that inherit a directive come across it again.
    fn error_once(&mut self, directive: &Directive, word: &Word, message: String) {
        let fault = Diagnostic::on(directive, Severity::Emerg, message).with_span(word.span);
        if !self.diagnostics.iter().any(|known| *known == fault) {
            self.diagnostics.push(fault);
        }
    }
}

fn words<'a>(scope: Scope<'a>, id: DirectiveId) -> impl Iterator<Item = &'a Word> {
    let directives = scope.all(id).into_iter();
    directives.flat_map(|directive| &directive.args)
}
