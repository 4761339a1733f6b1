//! `types`: media types by file name extension.

use std::collections::HashMap;

use crate::scope::Scope;
use crate::table::d;

/// Media types by extension, in lower case, as they hold at one level.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypeMap<'a> {
    types: HashMap<Vec<u8>, &'a [u8]>,
}

impl<'a> TypeMap<'a> {
    /// The types that hold at a level: those of all `types` blocks of the nearest level that has
    /// any, else nginx's few. An empty block leaves none. nginx: `ngx_http_core_merge_loc_conf`.
    #[must_use]
    pub fn of(scope: Scope<'a>) -> Self {
        let blocks = scope.all(d::TYPES);
        let mut types = HashMap::new();
        if blocks.is_empty() {
            for (extension, media_type) in [
                ("html", "text/html"),
                ("gif", "image/gif"),
                ("jpg", "image/jpeg"),
            ] {
                types.insert(extension.as_bytes().to_vec(), media_type.as_bytes());
            }
        }
        for line in blocks
            .into_iter()
            .flat_map(portunus_conf_syntax::Directive::children)
        {
            for extension in &line.args {
                types.insert(
                    extension.as_bytes().to_ascii_lowercase(),
                    line.name.as_bytes(),
                );
            }
        }
        Self { types }
    }

    /// The type for an extension, in whatever case.
    #[must_use]
    pub fn find(&self, extension: &[u8]) -> Option<&'a [u8]> {
        self.types.get(&extension.to_ascii_lowercase()).copied()
    }

    /// All extensions, in lower case, with their types; in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &'a [u8])> {
        self.types
            .iter()
            .map(|(extension, media_type)| (extension.as_slice(), *media_type))
    }
}
