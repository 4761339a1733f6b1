//! Files that only root may read, and a process that is not root any more.
//!
//! Differs: nginx's master stays root and reads keys anew at each reload. Here the whole process gives
//! its privileges up, so what it may not read again is taken as it was when it might: a change of the
//! configuration gets in, a new key needs a restart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

/// What has been read so far. It is about the rights of the process, hence one for all of it; there are
/// no more entries than files that configurations have named.
static READ: Mutex<BTreeMap<PathBuf, Vec<u8>>> = Mutex::new(BTreeMap::new());

/// The content of a file, as it is, or, where permission is denied by now, as it was; that is warned of.
///
/// # Errors
/// As [`fs::read`].
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut known = READ.lock().unwrap_or_else(PoisonError::into_inner);
    match fs::read(path) {
        Ok(content) => {
            known.insert(path.to_owned(), content.clone());
            Ok(content)
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let content = known.get(path).cloned().ok_or(error)?;
            let path = path.display();
            tracing::warn!(
                "\"{path}\" cannot be read any more (13: Permission denied), \
                 what was read before is used until a restart"
            );
            Ok(content)
        }
        Err(error) => Err(error),
    }
}
