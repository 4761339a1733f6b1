//! Where log lines leave the process: a file, a terminal, a pipe.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use portunus_errno::errno_text;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{Compression, Severity, emit};

/// How often a log that cannot be written is complained of. Source: nginx, `ngx_http_log_write`.
const PAUSE: Duration = Duration::from_secs(60);

/// What a pipe takes at once when it says that it is ready: `PIPE_BUF`.
const PIECE: usize = 4096;

/// An open file, and what it has not taken.
#[derive(Debug)]
pub(crate) struct Outlet {
    file: File,
    /// Writing to it may wait for a reader: it is no regular file.
    may_wait: bool,
    lost: u64,
    told: Option<Instant>,
    /// The file ends within a line.
    torn: bool,
}

impl Outlet {
    pub(crate) fn new(file: File) -> Self {
        let kind = file.metadata().map(|facts| facts.file_type());
        let waits =
            |kind: std::fs::FileType| kind.is_fifo() || kind.is_socket() || kind.is_char_device();
        Self {
            may_wait: kind.is_ok_and(waits),
            file,
            lost: 0,
            told: None,
            torn: false,
        }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Writes lines, compressed if asked for, and gives back how many bytes are done with. Those
    /// behind are for later: the reader of a pipe has no room for them. What fails is lost, as in
    /// nginx, and is told in the error log.
    pub(crate) fn write(
        &mut self,
        path: &Path,
        lines: &[u8],
        compression: Option<Compression>,
    ) -> usize {
        let (written, result) = match compression.map(|how| compressed(lines, how)) {
            None => self.write_plain(lines),
            Some(Err(error)) => (0, Err(error)),
            Some(Ok(lot)) => match self.file.write_all(&lot) {
                Ok(()) => return lines.len(),
                failed => (0, failed),
            },
        };
        let Err(error) = result else {
            return written;
        };
        self.complain(path, &error, &lines[written..]);
        lines.len()
    }

    fn complain(&mut self, path: &Path, error: &io::Error, lost: &[u8]) {
        self.lost += memchr::memchr_iter(b'\n', lost).count() as u64;
        if self.told.is_some_and(|told| told.elapsed() < PAUSE) {
            return;
        }
        self.told = Some(Instant::now());
        let (path, error, lost) = (path.display(), errno_text(error), self.lost);
        self.lost = 0;
        emit(
            Severity::Alert,
            format_args!("write() to \"{path}\" failed ({error}), {lost} lines are lost"),
        );
    }

    /// A line that was cut when the disk was full is ended before the next one begins.
    fn write_plain(&mut self, lines: &[u8]) -> (usize, io::Result<()>) {
        if self.torn {
            match self.write_all(b"\n") {
                (1, Ok(())) => self.torn = false,
                (_, result) => return (0, result),
            }
        }
        let (written, result) = self.write_all(lines);
        self.torn = result.is_err() && written > 0 && lines.get(written - 1) != Some(&b'\n');
        (written, result)
    }

    /// Writes as much as there is room for; whoever reads a pipe is not waited for.
    fn write_all(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let mut written = 0;
        while written < bytes.len() {
            let mut piece = &bytes[written..];
            if self.may_wait {
                if !self.has_room(Duration::ZERO) {
                    break;
                }
                piece = &piece[..piece.len().min(PIECE)];
            }
            match self.file.write(piece) {
                Ok(length) => written += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return (written, Err(error)),
            }
        }
        (written, Ok(()))
    }

    /// Whether something can be written before that time is over; errors count as room, for a write
    /// says what is wrong.
    pub(crate) fn has_room(&self, wait: Duration) -> bool {
        let mut ready = [PollFd::new(&self.file, PollFlags::OUT)];
        let wait = Timespec::try_from(wait).ok();
        poll(&mut ready, wait.as_ref()) != Ok(0)
    }
}

fn compressed(lines: &[u8], how: Compression) -> io::Result<Vec<u8>> {
    let level = flate2::Compression::new(how.level.into());
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
    encoder.write_all(lines)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_line_that_was_cut_is_ended_first() {
        let mut file = tempfile::tempfile().unwrap();
        let mut outlet = Outlet::new(file.try_clone().unwrap());
        outlet.torn = true;
        outlet.write(Path::new("a"), b"whole\n", None);
        outlet.write(Path::new("a"), b"next\n", None);
        let mut text = String::new();
        io::Seek::rewind(&mut file).unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "\nwhole\nnext\n");
    }

    #[test]
    fn a_pipe_takes_what_it_has_room_for() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut outlet = Outlet::new(File::from(std::os::fd::OwnedFd::from(writer)));
        let lines = b"0123456\n".repeat(20_000);
        let taken = outlet.write(Path::new("pipe"), &lines, None);
        assert!(taken > 0 && taken < lines.len(), "{taken}");
        assert!(!outlet.has_room(Duration::ZERO));
        let mut read = vec![0; taken];
        reader.read_exact(&mut read).unwrap();
        assert!(outlet.has_room(Duration::ZERO));
        outlet.write(Path::new("pipe"), &lines[taken..taken + 8], None);
        read.resize(taken + 8, 0);
        reader.read_exact(&mut read[taken..]).unwrap();
        assert_eq!(read, lines[..taken + 8]);
    }
}
