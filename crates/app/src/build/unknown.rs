//! Variables that nothing defines, where no request would ever come by: `fastcgi_param` in a level
//! without `fastcgi_pass`, and the like. nginx refuses those, too.
//!
//! Source: nginx, `ngx_http_variables_init_vars`.

use portunus_conf::table::{Kind, Special};
use portunus_conf::{Directive, DirectiveId, Scope, Text, Word};

use super::{Builder, UnknownVariable};

impl Builder<'_> {
    pub(super) fn look_for_unknown_variables(&mut self, scope: Scope<'_>) {
        for (id, directive, inner) in scope.directives() {
            for word in words(id, directive) {
                let names = Text::from(word).variables();
                for name in names.iter().flatten() {
                    if self.names.resolve(name).is_none() {
                        let error = UnknownVariable((*name).into());
                        self.refuse_value(directive, word, &error.to_string());
                    }
                }
            }
            if let Some(inner) = inner {
                self.look_for_unknown_variables(inner);
            }
        }
    }
}

/// The words of a directive that may have variables in them.
fn words(id: DirectiveId, directive: &Directive) -> &[Word] {
    let args = &directive.args[..];
    match id.kind {
        Kind::Complex | Kind::ComplexSize | Kind::Predicates => args,
        Kind::KeyValue => args.get(1..).unwrap_or_default(),
        Kind::Special(special) => match special {
            Special::Cache | Special::CacheKey | Special::Aio => args,
            Special::Param | Special::AuthRequestSet => args.get(1..2).unwrap_or_default(),
            _ => &[],
        },
        _ => &[],
    }
}
