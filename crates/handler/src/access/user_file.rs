//! Password files: read when they change, looked up by user.
//!
//! Source: nginx, `ngx_http_auth_basic_handler`, which reads the file for every request.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use portunus_errno::errno_text;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::password::{is_slow, verify};

/// So many files are remembered; a path may have variables, so clients could name many.
const MOST_FILES: usize = 64;

/// A file that was modified less than this ago may change again without a new time stamp.
const SETTLED: Duration = Duration::from_secs(1);

/// The password files of a site.
pub struct UserFiles {
    files: Mutex<HashMap<Box<[u8]>, Arc<UserFile>>>,
    /// Threads that hash at a time: as many as there are processors.
    turns: Semaphore,
    secret: [u64; 4],
}

/// Why a file could not be read, in nginx's words.
#[derive(Debug, thiserror::Error)]
#[error("{call} \"{}\" failed ({})", .path.escape_ascii(), errno_text(.error))]
pub(crate) struct UserFileError {
    call: &'static str,
    path: Box<[u8]>,
    error: io::Error,
}

/// A password that is to be checked.
#[derive(Debug)]
pub(crate) struct Check {
    entry: Arc<Entry>,
    password: Vec<u8>,
    print: Print,
}

/// SHA-256 of a secret and a password: tells a password that has been proven before.
type Print = [u8; 32];

#[derive(Debug)]
struct UserFile {
    version: Version,
    users: HashMap<Box<[u8]>, Arc<Entry>>,
}

/// When any of these differs, the file does.
#[derive(Debug, PartialEq, Eq)]
struct Version {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

struct Entry {
    hash: Box<[u8]>,
    /// The password that was last found right, so that a slow hash is computed once and not for
    /// every image of a page.
    proven: Mutex<Option<Print>>,
}

impl Default for UserFiles {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            files: Mutex::default(),
            turns: Semaphore::new(processors),
            secret: std::array::from_fn(|number| RandomState::new().hash_one(number)),
        }
    }
}

impl UserFiles {
    /// Finds a user in a file; `None` if the file does not have them.
    pub(crate) fn find(
        &self,
        path: &[u8],
        user: &[u8],
        password: Vec<u8>,
    ) -> Result<Option<Check>, UserFileError> {
        let file = self.file(path)?;
        let Some(entry) = file.users.get(user) else {
            return Ok(None);
        };
        Ok(Some(Check {
            entry: Arc::clone(entry),
            print: self.print(&password),
            password,
        }))
    }

    fn file(&self, path: &[u8]) -> Result<Arc<UserFile>, UserFileError> {
        let os_path = Path::new(OsStr::from_bytes(path));
        let failed = |call| {
            move |error| UserFileError {
                call,
                path: path.into(),
                error,
            }
        };
        let metadata = std::fs::metadata(os_path).map_err(failed("open()"))?;
        let version = Version {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        };
        if let Some(known) = lock(&self.files).get(path)
            && known.version == version
        {
            return Ok(Arc::clone(known));
        }
        let text = std::fs::read(os_path).map_err(|error| match error.kind() {
            io::ErrorKind::IsADirectory => failed("read()")(error),
            _ => failed("open()")(error),
        })?;
        let users = parse(&text);
        let file = Arc::new(UserFile { version, users });
        let settled = metadata.modified().is_ok_and(|time| {
            SystemTime::now()
                .duration_since(time)
                .is_ok_and(|age| age > SETTLED)
        });
        if settled {
            let mut files = lock(&self.files);
            if files.len() >= MOST_FILES {
                files.clear();
            }
            files.insert(path.into(), Arc::clone(&file));
        }
        Ok(file)
    }

    fn print(&self, password: &[u8]) -> Print {
        let mut sha = Sha256::new();
        for part in self.secret {
            sha.update(part.to_ne_bytes());
        }
        sha.update(password);
        sha.finalize().into()
    }
}

impl Check {
    /// The answer, if it can be had without taking long.
    pub(crate) fn at_once(&self) -> Option<bool> {
        if *lock(&self.entry.proven) == Some(self.print) {
            return Some(true);
        }
        (!is_slow(&self.entry.hash)).then(|| verify(&self.password, &self.entry.hash))
    }

    /// Computes the hash on a thread that may take its time.
    pub(crate) async fn run(self, files: &UserFiles) -> bool {
        // The semaphore is never closed.
        let _turn = files.turns.acquire().await;
        let hashing = tokio::task::spawn_blocking(move || {
            let right = verify(&self.password, &self.entry.hash);
            if right {
                *lock(&self.entry.proven) = Some(self.print);
            }
            right
        });
        hashing.await.unwrap_or(false)
    }
}

impl UserFileError {
    /// There is no such file.
    pub(crate) fn is_missing(&self) -> bool {
        self.error.kind() == io::ErrorKind::NotFound
    }
}

/// `user:hash` with anything behind another colon; the first line of a user counts.
fn parse(text: &[u8]) -> HashMap<Box<[u8]>, Arc<Entry>> {
    let mut users = HashMap::new();
    for line in text.split(|byte| *byte == b'\n') {
        if matches!(line.first(), None | Some(b'#' | b'\r')) {
            continue;
        }
        let Some(colon) = memchr::memchr(b':', line) else {
            continue;
        };
        let rest = &line[colon + 1..];
        let end = memchr::memchr2(b':', b'\r', rest).unwrap_or(rest.len());
        users.entry(line[..colon].into()).or_insert_with(|| {
            let hash = rest[..end].into();
            let proven = Mutex::new(None);
            Arc::new(Entry { hash, proven })
        });
    }
    users
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for UserFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserFiles({})", lock(&self.files).len())
    }
}

/// Shows no hash.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entry")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &UserFiles, path: &[u8], user: &str, password: &str) -> Option<Check> {
        files.find(path, user.as_bytes(), password.into()).unwrap()
    }

    #[test]
    fn lines_are_read_as_nginx_reads_them() {
        let text = b"# nobody:{PLAIN}x\r\n\r\na:{PLAIN}1\r\nb:{PLAIN}2:comment\na:{PLAIN}3\nc\n:e\nd:{PLAIN}4";
        let users = parse(text);
        let hash = |user: &str| users.get(user.as_bytes()).map(|entry| &entry.hash[..]);
        assert_eq!(hash("a"), Some(&b"{PLAIN}1"[..]));
        assert_eq!(hash("b"), Some(&b"{PLAIN}2"[..]));
        assert_eq!(hash("d"), Some(&b"{PLAIN}4"[..]));
        assert_eq!(hash("c"), None);
        assert_eq!(hash("# nobody"), None);
    }

    #[tokio::test]
    async fn a_proven_password_is_not_hashed_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users");
        std::fs::write(&path, "u:$apr1$salt$Xxd1irWT9ycqoYxGFn4cb.\n").unwrap();
        let old = SystemTime::now() - Duration::from_secs(60);
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(old).unwrap();
        let files = UserFiles::default();
        let path = path.as_os_str().as_bytes();
        let first = check(&files, path, "u", "password").unwrap();
        assert_eq!(first.at_once(), None);
        assert!(first.run(&files).await);
        assert_eq!(
            check(&files, path, "u", "password").unwrap().at_once(),
            Some(true)
        );
        let wrong = check(&files, path, "u", "wrong").unwrap();
        assert_eq!(wrong.at_once(), None);
        assert!(!wrong.run(&files).await);
        assert!(check(&files, path, "other", "password").is_none());
    }

    #[test]
    fn a_changed_file_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users");
        let files = UserFiles::default();
        let bytes = path.as_os_str().as_bytes();
        let error = files.find(bytes, b"u", Vec::new()).unwrap_err();
        assert!(error.is_missing());
        assert!(
            error
                .to_string()
                .ends_with("failed (2: No such file or directory)")
        );
        std::fs::write(&path, "u:{PLAIN}one").unwrap();
        assert_eq!(
            check(&files, bytes, "u", "one").unwrap().at_once(),
            Some(true)
        );
        std::fs::write(&path, "u:{PLAIN}two").unwrap();
        assert_eq!(
            check(&files, bytes, "u", "one").unwrap().at_once(),
            Some(false)
        );
        assert_eq!(
            check(&files, bytes, "u", "two").unwrap().at_once(),
            Some(true)
        );
    }
}
