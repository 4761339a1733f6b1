//! The file that tells which process to signal.

use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::process::Pid;

/// A pid file; removed when the server ends.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
    file: File,
}

impl PidFile {
    /// Writes the id of this process. Whoever waits for the file to appear never sees half of it.
    ///
    /// What is there already is written into, as nginx does: an image without root has prepared it for a user who
    /// may not make files beside it, and it may be a link or a device.
    pub(crate) fn write(path: &Path) -> io::Result<Self> {
        let partial = path.with_extension("pid.partial");
        let is_new = !path.exists();
        let mut file = File::create(if is_new { &partial } else { path })?;
        file.write_all(format!("{}\n", std::process::id()).as_bytes())?;
        if is_new {
            std::fs::rename(&partial, path)?;
        }
        let path = path.to_owned();
        Ok(Self { path, file })
    }

    /// Whether it could be written. The file itself stays as it is: it may be that of a server that runs.
    pub(crate) fn probe(path: &Path) -> io::Result<()> {
        if path.exists() {
            return File::options().write(true).open(path).map(drop);
        }
        let probe = path.with_extension("pid.probe");
        std::fs::write(&probe, "")?;
        std::fs::remove_file(&probe)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether `path` leads to this file, by whatever name: `/var/run` is a link to `/run`.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        let number = |known: Metadata| (known.dev(), known.ino());
        path == self.path
            || (std::fs::metadata(path).ok().zip(self.file.metadata().ok()))
                .is_some_and(|(one, other)| number(one) == number(other))
    }
}

impl Drop for PidFile {
    /// Removes the file. A user who may not, as `user` makes one, empties it at least: its number will be that of
    /// another process one day. A device such as `/dev/null` is let alone.
    fn drop(&mut self) {
        let is_regular = self.file.metadata().is_ok_and(|known| known.is_file());
        if is_regular && std::fs::remove_file(&self.path).is_err() {
            // It may have been removed by now.
            let _ = self.file.set_len(0);
        }
    }
}

/// The process that a pid file's text names. A negative number would be a group of processes, or all there are.
pub(crate) fn parse_pid(text: &str) -> Option<Pid> {
    let number: i32 = text.trim().parse().ok()?;
    Pid::from_raw(number.max(0))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_one_process_is_ever_named() {
        assert_eq!(parse_pid("12\n"), Pid::from_raw(12));
        for text in ["-1\n", "-12", "0", "", "x", "99999999999"] {
            assert_eq!(parse_pid(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_file_is_known_by_all_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let (run, var_run) = (folder.path().join("run"), folder.path().join("var_run"));
        std::fs::create_dir(&run).unwrap();
        symlink(&run, &var_run).unwrap();
        let file = PidFile::write(&run.join("a.pid")).unwrap();
        assert!(file.is_at(&run.join("a.pid")) && file.is_at(&var_run.join("a.pid")));
        std::fs::write(run.join("b.pid"), "").unwrap();
        assert!(!file.is_at(&run.join("b.pid")) && !file.is_at(&run.join("c.pid")));
    }

    #[test]
    fn a_file_that_is_there_is_written_into() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("prepared"), folder.path().join("pid"));
        std::fs::write(&path, "left over, and longer than a number").unwrap();
        symlink(&path, &link).unwrap();
        let before = std::fs::metadata(&path).unwrap().ino();
        PidFile::probe(&link).unwrap();
        let file = PidFile::write(&link).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
        assert_eq!(std::fs::metadata(&path).unwrap().ino(), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        drop(file);
        assert!(!link.exists());
    }

    #[test]
    fn a_device_is_neither_replaced_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("pid");
        symlink("/dev/null", &link).unwrap();
        PidFile::probe(&link).unwrap();
        drop(PidFile::write(&link).unwrap());
        assert_eq!(std::fs::read_link(&link).unwrap(), Path::new("/dev/null"));
    }
}
