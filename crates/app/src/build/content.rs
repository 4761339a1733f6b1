//! What answers in a location.

use std::sync::Arc;

use portunus_conf::table::LMT;
use portunus_conf::{Directive, DirectiveId, Scope, Word, d};
use portunus_handler::{
    Alias, AnswerStatus, AutoIndex, Candidate, Content, ErrorPage, Fallback, IndexFile, Root,
    Template, TryFiles,
};
use portunus_routing::LocationMatch;
use portunus_static_files::listing::ListingFormat;

use super::Builder;

/// Those that say who is asked, in the order of nginx's modules.
const UPSTREAMS: [DirectiveId; 2] = [d::PROXY_PASS, d::FASTCGI_PASS];

/// Directives that say what answers.
const HANDLERS: [DirectiveId; 5] = [
    d::PROXY_PASS,
    d::FASTCGI_PASS,
    d::STUB_STATUS,
    d::HEALTH,
    d::EMPTY_GIF,
];

impl Builder<'_> {
    /// The handler of a level: what a location sets itself, the last of several, or what an `if` or a `limit_except`
    /// has from around it. To a `limit_except` nginx's modules leave their upstreams one after the other, so that there
    /// the first of several counts.
    pub(super) fn content(&mut self, scope: Scope<'_>) -> Content {
        let last = |level: Scope<'_>| {
            let mut rows = level.directives().rev().map(|(row, ..)| row);
            rows.find(|row| HANDLERS.contains(row))
        };
        let handler = match last(scope) {
            None if scope.context() == LMT => {
                UPSTREAMS.into_iter().find(|row| scope.find(*row).is_some())
            }
            own => own.or_else(|| scope.levels().find_map(last)),
        };
        match handler.filter(|row| scope.find(*row).is_some()) {
            Some(d::PROXY_PASS) => self.proxy(scope),
            Some(d::FASTCGI_PASS) => self.fastcgi(scope),
            Some(d::STUB_STATUS) => Content::StubStatus,
            Some(d::HEALTH) => Content::Health,
            Some(d::EMPTY_GIF) => Content::EmptyGif,
            _ => Content::Files,
        }
    }

    pub(super) fn root(&mut self, scope: Scope<'_>) -> Root {
        for level in scope.levels() {
            if let Some(directive) = level.own(d::ALIAS).next()
                && let Some(word) = directive.args.first()
            {
                return Root {
                    alias: Some(alias_of(level)),
                    ..self.directory(directive, word, |path| path)
                };
            }
            if let Some(directive) = level.own(d::ROOT).next()
                && let Some(word) = directive.args.first()
            {
                return self.directory(directive, word, trim_slash);
            }
        }
        let full = self.config.full_path(b"html");
        let path = Arc::new(Template::literal(full.as_os_str().as_encoded_bytes()));
        Root {
            path,
            below: None,
            alias: None,
        }
    }

    /// A directory: below the prefix if it is relative, which one that begins with a variable tells only when it is
    /// expanded.
    fn directory(&mut self, directive: &Directive, word: &Word, trim: fn(&[u8]) -> &[u8]) -> Root {
        let path_of = |text: &[u8]| {
            self.config
                .full_path(text)
                .into_os_string()
                .into_encoded_bytes()
        };
        let (full, below) = match word.as_bytes() {
            text @ [b'$', ..] => (text.to_vec(), Some(path_of(b"").into())),
            text => (path_of(text), None),
        };
        let text = trim(&full);
        Root {
            path: Arc::new(self.template_of(directive, word, text)),
            below,
            alias: None,
        }
    }

    pub(super) fn index(&mut self, scope: Scope<'_>) -> Arc<[IndexFile]> {
        let Some(origin) = scope.origin(d::INDEX) else {
            return Arc::new([IndexFile {
                name: Template::literal(&b"index.html"[..]),
            }]);
        };
        let mut files = Vec::new();
        for directive in origin.own(d::INDEX) {
            for word in &directive.args {
                files.push(IndexFile {
                    name: self.template(directive, word),
                });
            }
        }
        files.into()
    }

    pub(super) fn try_files(&mut self, scope: Scope<'_>) -> Option<TryFiles> {
        let directive = scope.own(d::TRY_FILES).next()?;
        let (last, candidates) = directive.args.split_last()?;
        let mut names: Vec<Candidate> = Vec::new();
        for word in candidates {
            let text = word.as_bytes();
            let directory = text.last() == Some(&b'/') && !text.is_empty();
            let name = if directory {
                &text[..text.len() - 1]
            } else {
                text
            };
            let before = names.last().map(|candidate| candidate.name.source());
            let repeats = before == Some(name);
            names.push(Candidate {
                name: self.template_of(directive, word, name),
                directory,
                repeats,
            });
        }
        let fallback = match last.as_str().and_then(|text| text.strip_prefix('=')) {
            Some(code) => match code.parse() {
                Ok(status) => Fallback::Status(status),
                Err(_) => {
                    self.error_at(
                        directive,
                        last,
                        format!("invalid code \"{}\"", last.message_text()),
                    );
                    return None;
                }
            },
            None => Fallback::Target(self.template(directive, last)),
        };
        Some(TryFiles {
            candidates: names,
            fallback,
        })
    }

    pub(super) fn autoindex(&mut self, scope: Scope<'_>) -> Option<AutoIndex> {
        scope.flag(d::AUTOINDEX).then(|| AutoIndex {
            format: match scope.enumeration(d::AUTOINDEX_FORMAT) {
                "json" => ListingFormat::Json,
                "jsonp" => ListingFormat::Jsonp,
                "xml" => ListingFormat::Xml,
                _ => ListingFormat::Html,
            },
            exact_size: scope.flag(d::AUTOINDEX_EXACT_SIZE),
            local_time: scope.flag(d::AUTOINDEX_LOCALTIME),
        })
    }

    /// nginx: `ngx_http_core_error_page`.
    pub(super) fn error_pages(&mut self, scope: Scope<'_>) -> Arc<[ErrorPage]> {
        let Some(origin) = scope.origin(d::ERROR_PAGE) else {
            return Arc::default();
        };
        let mut pages = Vec::new();
        for directive in origin.own(d::ERROR_PAGE) {
            let Some((target, codes)) = directive.args.split_last() else {
                continue;
            };
            let answer = codes.last().map_or(AnswerStatus::Original, answer_status);
            let target = self.template(directive, target);
            pages.extend(statuses(codes).map(|status| ErrorPage {
                status,
                target: target.clone(),
                answer,
            }));
        }
        pages.into()
    }
}

/// The statuses that `error_page` has pages for at this level.
pub(super) fn statuses_with_pages(scope: Scope<'_>) -> impl Iterator<Item = u16> {
    let directives = scope.all(d::ERROR_PAGE).into_iter();
    let codes = directives.filter_map(|directive| directive.args.split_last());
    codes.flat_map(|(_target, codes)| statuses(codes))
}

/// The statuses among the words before the target of an `error_page`; the other one is `=`.
fn statuses(codes: &[Word]) -> impl Iterator<Item = u16> {
    codes.iter().filter_map(|code| code.as_str()?.parse().ok())
}

/// `=` or `=STATUS`, the last word before the target.
fn answer_status(word: &Word) -> AnswerStatus {
    match word.as_str().and_then(|text| text.strip_prefix('=')) {
        None => AnswerStatus::Original,
        Some(status) => status
            .parse()
            .map_or(AnswerStatus::OfPage, AnswerStatus::Fixed),
    }
}

/// What an `alias` stands for: the prefix of the location that has it, or the whole URI where that
/// is a regular expression.
fn alias_of(level: Scope<'_>) -> Alias {
    let matcher = match level.args() {
        [name] => LocationMatch::parse(None, name.as_bytes()),
        [modifier, name, ..] => LocationMatch::parse(Some(modifier.as_bytes()), name.as_bytes()),
        [] => return Alias::Whole,
    };
    match matcher {
        Ok(LocationMatch::Regex { .. }) | Err(_) => Alias::Whole,
        Ok(found) => Alias::Prefix(found.name().len()),
    }
}

fn trim_slash(path: &[u8]) -> &[u8] {
    path.strip_suffix(b"/").unwrap_or(path)
}
