//! What the standard library has no safe call for: going to the background, giving up privileges.
#![allow(
    unsafe_code,
    reason = "fork, setsid, initgroups and setuid have no safe counterparts"
)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};

/// Which side of a fork this is.
#[derive(Debug)]
pub(crate) enum Forked {
    /// The process that the user started; it hears from the server through this pipe.
    Launcher(OwnedFd),
    /// The server; it reports through this pipe.
    Server(OwnedFd),
}

/// Splits the process. Must be called while there is one thread.
pub(crate) fn fork_to_background() -> io::Result<Forked> {
    let (read, write) = rustix::pipe::pipe()?;
    // SAFETY: only one thread exists (the caller's promise, kept by calling this before any log is
    // opened or runtime is built), so the child inherits no lock held by a thread it lacks.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            rustix::process::setsid()?;
            Ok(Forked::Server(write))
        }
        _ => Ok(Forked::Launcher(read)),
    }
}

/// Points standard input and output, and error where a log took over, at `/dev/null`.
pub(crate) fn detach_standard_streams() -> io::Result<()> {
    let null = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    for descriptor in [0, 1, 2] {
        // SAFETY: dup2 onto the standard descriptors of this process replaces what they name; both
        // numbers are valid and nobody here owns 0, 1 or 2 as an `OwnedFd`.
        if unsafe { libc::dup2(null.as_raw_fd(), descriptor) } == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Why privileges were not given up, in nginx's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    #[error("getpwnam(\"{0}\") failed")]
    NoUser(String),
    #[error("getgrnam(\"{0}\") failed")]
    NoGroup(String),
    #[error("{call}({id}) failed ({source})")]
    Call {
        call: &'static str,
        id: u32,
        source: io::Error,
    },
}

/// Becomes another user, for all threads (glibc's wrappers see to that).
pub(crate) fn become_user(user: &str, group: Option<&str>) -> Result<(), UserError> {
    let (name, uid, own_gid) = find_user(user)?;
    let gid = match group {
        Some(group) => group_id(group)?,
        None => own_gid,
    };
    let check = |call, id, result: libc::c_int| match result {
        0 => Ok(()),
        _ => Err(UserError::Call {
            call,
            id,
            source: io::Error::last_os_error(),
        }),
    };
    // SAFETY: plain system calls on integers and a valid C string.
    unsafe {
        check("setgid", gid, libc::setgid(gid))?;
        check("initgroups", gid, libc::initgroups(name.as_ptr(), gid))?;
        check("setuid", uid, libc::setuid(uid))
    }
}

/// The number of a user.
pub(crate) fn user_id(user: &str) -> Result<u32, UserError> {
    find_user(user).map(|(_, uid, _)| uid)
}

/// A user's name for system calls, number, and group.
fn find_user(user: &str) -> Result<(CString, u32, u32), UserError> {
    let no_user = || UserError::NoUser(user.to_owned());
    let name = CString::new(user).map_err(|_| no_user())?;
    // SAFETY: `name` is a valid C string; the result is read at once, before any other call could
    // overwrite the static buffer, and start-up is the only caller.
    let found = unsafe {
        libc::getpwnam(name.as_ptr())
            .as_ref()
            .map(|pw| (pw.pw_uid, pw.pw_gid))
    };
    let (uid, gid) = found.ok_or_else(no_user)?;
    Ok((name, uid, gid))
}

fn group_id(group: &str) -> Result<u32, UserError> {
    let no_group = || UserError::NoGroup(group.to_owned());
    let name = CString::new(group).map_err(|_| no_group())?;
    // SAFETY: as in `become_user`.
    let found = unsafe { libc::getgrnam(name.as_ptr()).as_ref().map(|gr| gr.gr_gid) };
    found.ok_or_else(no_group)
}
