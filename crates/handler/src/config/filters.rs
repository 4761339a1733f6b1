//! What is done to the text of answers: `charset`, `sub_filter`.

use std::collections::HashMap;
use std::sync::Arc;

use portunus_filters::{CharsetMap, Recoder};
use portunus_static_files::encoding::TypeSet;

use super::Template;
use crate::variable::Variable;

/// `charset` and its kin.
#[derive(Debug)]
pub struct Charset {
    /// `charset`.
    pub name: Template,
    /// `source_charset`; what answers come in.
    pub source: Option<Template>,
    /// `charset_types`.
    pub types: Arc<TypeSet>,
    /// `override_charset`.
    pub override_upstream: bool,
    /// The types of static files name it already.
    pub ready: bool,
}

/// All charsets that the configuration names, and the ways between them.
#[derive(Debug, Default)]
pub struct Charsets {
    /// Names.
    pub names: Vec<Box<[u8]>>,
    /// `charset_map` blocks.
    pub maps: Vec<CharsetMap>,
}

impl Charsets {
    /// Whether the configuration names it.
    #[must_use]
    pub fn knows(&self, name: &[u8]) -> bool {
        self.names
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    }

    /// The way from one to another.
    #[must_use]
    pub fn recoder(&self, from: &[u8], to: &[u8]) -> Option<Recoder> {
        self.maps.iter().find_map(|map| map.recoder(from, to))
    }
}

/// `sub_filter` and its kin.
#[derive(Debug)]
pub struct SubFilter {
    /// What to look for, and what to put there.
    pub pairs: Vec<(Template, Template)>,
    /// `sub_filter_once`.
    pub once: bool,
    /// `sub_filter_types`.
    pub types: Arc<TypeSet>,
    /// `sub_filter_last_modified`.
    pub last_modified: bool,
}

/// `ssi` and its kin.
#[derive(Debug)]
pub struct Ssi {
    /// `ssi_types`.
    pub types: Arc<TypeSet>,
    /// `ssi_silent_errors`.
    pub silent_errors: bool,
    /// `ssi_last_modified`.
    pub last_modified: bool,
    /// `ssi_value_length`: bytes that the value of a parameter may have.
    pub value_length: usize,
}

/// What names mean that become known only when a request is answered.
#[derive(Debug, Default)]
pub struct VariableNames(HashMap<Box<[u8]>, Variable>);

impl VariableNames {
    /// Those that the configuration defines, in lower case.
    #[must_use]
    pub fn new(defined: impl IntoIterator<Item = (Box<[u8]>, Variable)>) -> Self {
        Self(defined.into_iter().collect())
    }

    /// What a name in lower case means.
    #[must_use]
    pub fn resolve(&self, name: &[u8]) -> Option<Variable> {
        let defined = self.0.get(name).cloned();
        defined.or_else(|| Variable::builtin(name))
    }
}

/// `add_before_body`, `add_after_body`.
#[derive(Debug)]
pub struct Addition {
    /// URI of what comes before the body.
    pub before: Option<Box<[u8]>>,
    /// URI of what comes behind it.
    pub after: Option<Box<[u8]>>,
    /// `addition_types`.
    pub types: Arc<TypeSet>,
}

/// `mirror`.
#[derive(Debug)]
pub struct Mirror {
    /// Where copies of the request go.
    pub uris: Vec<Box<[u8]>>,
    /// `mirror_request_body`.
    pub body: bool,
}

/// `limit_rate` and `limit_rate_after` where variables are in them.
#[derive(Debug)]
pub struct Rate {
    /// Bytes a second.
    pub rate: Option<Template>,
    /// Bytes that go unlimited first.
    pub after: Option<Template>,
}
