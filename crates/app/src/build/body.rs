//! Where the bodies of requests go that are taken in.

use std::path::PathBuf;
use std::sync::Arc;

use portunus_conf::{Scope, d, value};
use portunus_spool::Naming;

use super::Builder;

impl Builder<'_> {
    /// `client_body_temp_path` as this level sees it.
    pub(super) fn body_directory(&mut self, scope: Scope<'_>) -> Arc<PathBuf> {
        let is_set = scope.find(d::CLIENT_BODY_TEMP_PATH).is_some();
        match scope.path(d::CLIENT_BODY_TEMP_PATH) {
            Some(path) if path != *self.temp_dir && is_set => {
                self.temp_dir(scope, d::CLIENT_BODY_TEMP_PATH)
            }
            _ => Arc::clone(&self.temp_dir),
        }
    }
}

/// `client_body_in_file_only`, with the levels of `client_body_temp_path`.
pub(super) fn body_naming(scope: Scope<'_>) -> Option<Naming> {
    let clean = match scope.enumeration(d::CLIENT_BODY_IN_FILE_ONLY) {
        "on" => false,
        "clean" => true,
        _ => return None,
    };
    let mut levels = [0; 3];
    let directive = scope.find(d::CLIENT_BODY_TEMP_PATH);
    let words = directive.map(|directive| &directive.args[..]);
    let words = words.and_then(|words| words.get(1..)).unwrap_or_default();
    for (level, word) in levels.iter_mut().zip(words) {
        *level = value::parse_number(word.as_bytes())
            .map_or(0, |number| usize::try_from(number).unwrap_or(0));
    }
    Some(Naming { levels, clean })
}
