//! How field names are spelled in HTTP/1 answers.
//!
//! hyper writes names in lower case, the fastest thing it can do. The IO layer rewrites them in
//! place on their way out: Title-Case, but for the names that an operator (or a backend) spelled
//! otherwise. A spelling has the length of the name, so nothing moves.

use std::sync::Arc;

/// A set of names whose spelling is not Title-Case.
#[derive(Clone, Debug, Default)]
pub struct Spelling {
    names: Names,
}

/// Names in the spelling they are to have.
#[derive(Clone, Debug, Default)]
pub struct Names {
    set: Option<Arc<Vec<Box<[u8]>>>>,
}

impl Spelling {
    /// The names of the HTTP standards that are not Title-Case, and those of `names`.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n [u8]>) -> Self {
        Self {
            names: Names::new(names),
        }
    }
}

impl Names {
    /// A set of these names.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n [u8]>) -> Self {
        let set: Vec<Box<[u8]>> = names.into_iter().map(Box::from).collect();
        Self {
            set: (!set.is_empty()).then(|| Arc::new(set)),
        }
    }
}
