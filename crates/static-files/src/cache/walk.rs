//! Opening a path, link by link where `disable_symlinks` wants it (nginx: `ngx_open_file_wrapper`).

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, fstat, open, openat, statat};
use rustix::io::Errno;

use super::options::{DisableSymlinks, OpenOptions};
use crate::error::{Call, OpenError};

const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
/// nginx's `NGX_FILE_SEARCH`: enough to go on from, asking for no read permission.
const SEARCH: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// Opens `path` for reading. Never waits for the other end of a FIFO.
pub(crate) fn open_for_reading(path: &CStr, options: &OpenOptions) -> Result<OwnedFd, OpenError> {
    match options.symlinks {
        DisableSymlinks::Off => {
            open(path, READ, Mode::empty()).map_err(|errno| OpenError::new(Call::Open, errno))
        }
        mode => walk(path.to_bytes(), mode, options.from),
    }
}

fn walk(path: &[u8], mode: DisableSymlinks, from: usize) -> Result<OwnedFd, OpenError> {
    let at_failed = |errno| OpenError::new(Call::OpenAt, errno);
    let (mut directory, rest) = start(path, from)?;
    let mut components = rest
        .split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty())
        .peekable();
    while let Some(part) = components.next() {
        let parent = directory.as_ref().map_or(CWD, OwnedFd::as_fd);
        let last = components.peek().is_none();
        let flags = if last && !rest.ends_with(b"/") {
            READ
        } else {
            SEARCH
        };
        let opened = match mode {
            DisableSymlinks::IfNotOwner => open_same_owner(parent, part, flags),
            _ => openat(parent, part, flags | OFlags::NOFOLLOW, Mode::empty()),
        };
        let opened = opened.map_err(at_failed)?;
        if last && !rest.ends_with(b"/") {
            return Ok(opened);
        }
        directory = Some(opened);
    }
    // The path ends in a slash: reopen the directory for reading.
    let parent = directory.as_ref().map_or(CWD, OwnedFd::as_fd);
    openat(parent, c".", READ, Mode::empty()).map_err(at_failed)
}

/// The directory to start from (none: the working directory) and the part of the path that is to be checked.
fn start(path: &[u8], from: usize) -> Result<(Option<OwnedFd>, &[u8]), OpenError> {
    if let Some((exempt, rest)) = path.split_at_checked(from).filter(|_| from > 0) {
        let fd = open(exempt, SEARCH, Mode::empty());
        return Ok((
            Some(fd.map_err(|errno| OpenError::new(Call::Open, errno))?),
            rest,
        ));
    }
    if path.starts_with(b"/") {
        let fd = open(c"/", SEARCH, Mode::empty());
        return Ok((
            Some(fd.map_err(|errno| OpenError::new(Call::OpenAt, errno))?),
            path,
        ));
    }
    Ok((None, path))
}

/// Opens following links, then compares owners: what was opened against what the name itself is.
///
/// Between the two calls the name may change, so owners are compared even if the name is no link.
fn open_same_owner(parent: BorrowedFd<'_>, name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let opened = openat(parent, name, flags, Mode::empty())?;
    let named = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if fstat(&opened)?.st_uid != named.st_uid {
        return Err(Errno::LOOP);
    }
    Ok(opened)
}
