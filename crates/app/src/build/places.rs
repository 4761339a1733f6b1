//! Where things stand in the configuration, for `portunus explain`.

use portunus_conf::{Directive, DirectiveId, Position, Scope, Sources, d};
use portunus_handler::Place;
use portunus_routing::LocationId;

use super::Builder;

/// Directives that hold at a level, inherited or not.
const HOLDING: &[(&str, DirectiveId)] = &[
    ("limit_req", d::LIMIT_REQ),
    ("limit_conn", d::LIMIT_CONN),
    ("allow", d::ALLOW),
    ("deny", d::DENY),
    ("satisfy", d::SATISFY),
    ("auth_basic", d::AUTH_BASIC),
    ("auth_request", d::AUTH_REQUEST),
    ("root", d::ROOT),
    ("alias", d::ALIAS),
    ("index", d::INDEX),
    ("autoindex", d::AUTOINDEX),
    ("try_files", d::TRY_FILES),
    ("fastcgi_pass", d::FASTCGI_PASS),
    ("proxy_pass", d::PROXY_PASS),
    ("stub_status", d::STUB_STATUS),
    ("empty_gif", d::EMPTY_GIF),
    ("error_page", d::ERROR_PAGE),
];

/// Those of the rewrite module, which are not inherited.
const REWRITE: &[(&str, DirectiveId)] = &[
    ("set", d::SET),
    ("if", d::IF),
    ("rewrite", d::REWRITE),
    ("return", d::RETURN),
];

impl Builder<'_> {
    /// Notes where a level stands, if somebody wants to know.
    pub(super) fn note_place(&mut self, id: LocationId, scope: Scope<'_>) {
        let Some(sources) = self.explained else {
            return;
        };
        let place = place(sources, scope);
        let at = usize::try_from(id.0).unwrap_or(0);
        if self.places.len() <= at {
            self.places.resize_with(at + 1, Place::default);
        }
        self.places[at] = place;
    }
}

fn place(sources: &Sources, scope: Scope<'_>) -> Place {
    let block = scope.directive();
    let mut lines = Vec::new();
    for (row, directive, _) in scope.directives() {
        if let Some((name, _)) = REWRITE.iter().find(|(_, id)| *id == row) {
            lines.push((*name, line(sources, directive)));
        }
    }
    for (name, id) in HOLDING {
        // An alias of a level around this one has given way to a root here, and the other way round.
        for directive in scope.all(*id) {
            lines.push((*name, line(sources, directive)));
        }
    }
    Place {
        block: block.map_or_else(String::new, |directive| line(sources, directive)),
        lines,
    }
}

/// `NAME ARGUMENTS at FILE:LINE`.
fn line(sources: &Sources, directive: &Directive) -> String {
    let mut text = directive.name.message_text().to_string();
    for word in &directive.args {
        text.push(' ');
        text.push_str(&word.message_text());
    }
    let at = Position {
        source: directive.span.source,
        offset: directive.span.start,
    };
    format!("{text}  at {}", sources.describe(at))
}
