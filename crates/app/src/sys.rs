//! What the standard library has no safe call for: going to the background, giving up privileges.
#![allow(
    unsafe_code,
    reason = "fork, setsid, initgroups and setuid have no safe counterparts"
)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};

use portunus_errno::errno_text;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_keep_capabilities,
};

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
    #[error(
        "{call}({id}) failed ({})\n  help: without CAP_SETUID and CAP_SETGID start as that user, without \"user\"",
        errno_text(source)
    )]
    Call {
        call: &'static str,
        id: u32,
        source: io::Error,
    },
}

/// A user to become.
#[derive(Debug)]
pub(crate) struct Account {
    name: CString,
    /// The number of the user.
    pub(crate) user: u32,
    group: u32,
}

impl Account {
    /// Looks a user up; the group is its own where none is named.
    pub(crate) fn find(user: &str, group: Option<&str>) -> Result<Self, UserError> {
        let no_user = || UserError::NoUser(user.to_owned());
        let name = CString::new(user).map_err(|_| no_user())?;
        // SAFETY: `name` is a valid C string; the result is read at once, before any other call
        // could overwrite the static buffer, and start-up is the only caller.
        let found = unsafe {
            libc::getpwnam(name.as_ptr())
                .as_ref()
                .map(|pw| (pw.pw_uid, pw.pw_gid))
        };
        let (user, own) = found.ok_or_else(no_user)?;
        let group = match group {
            Some(group) => group_id(group)?,
            None => own,
        };
        Ok(Self { name, user, group })
    }

    /// Becomes that user, for all threads (glibc's wrappers see to that) and for good. This thread,
    /// and those that it will start, go on being allowed to bind ports below 1024: a reload may
    /// name another one. The super-user loses nothing: files that are others' alone stay open to it.
    pub(crate) fn put_on(&self) -> Result<(), UserError> {
        let check = |call, id, result: libc::c_int| match result {
            0 => Ok(()),
            _ => Err(UserError::Call {
                call,
                id,
                source: io::Error::last_os_error(),
            }),
        };
        let Self { name, user, group } = self;
        let kept = set_keep_capabilities(true).is_ok() && may_bind_low_ports();
        // SAFETY: plain system calls on integers and a valid C string.
        unsafe {
            check("setgid", *group, libc::setgid(*group))?;
            check(
                "initgroups",
                *group,
                libc::initgroups(name.as_ptr(), *group),
            )?;
            check("setuid", *user, libc::setuid(*user))?;
        }
        if *user == SUPER_USER {
            return Ok(());
        }
        let only = if kept {
            CapabilitySet::NET_BIND_SERVICE
        } else {
            CapabilitySet::empty()
        };
        let sets = CapabilitySets {
            effective: only,
            permitted: only,
            inheritable: CapabilitySet::empty(),
        };
        set_capabilities(None, sets).map_err(|error| UserError::Call {
            call: "capset",
            id: *user,
            source: error.into(),
        })
    }
}

/// Lets the calling thread, and those that it will start, wake without interrupting who runs (`SCHED_BATCH`, sched(7)).
/// What somebody chose for the process in place of the usual policy stays.
///
/// # Errors
/// What the kernel, or a filter of system calls, says.
pub(crate) fn schedule_as_batch() -> io::Result<()> {
    // SAFETY: plain system calls; 0 is the calling thread, the parameters live through the call, and the kernel
    // only reads them. Both policies know one priority, 0.
    let result = unsafe {
        if libc::sched_getscheduler(0) != libc::SCHED_OTHER {
            return Ok(());
        }
        let parameters = libc::sched_param { sched_priority: 0 };
        libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const parameters)
    };
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

const SUPER_USER: u32 = 0;

fn may_bind_low_ports() -> bool {
    let sets = capabilities(None);
    sets.is_ok_and(|sets| sets.permitted.contains(CapabilitySet::NET_BIND_SERVICE))
}

fn group_id(group: &str) -> Result<u32, UserError> {
    let no_group = || UserError::NoGroup(group.to_owned());
    let name = CString::new(group).map_err(|_| no_group())?;
    // SAFETY: as in `Account::find`.
    let found = unsafe { libc::getgrnam(name.as_ptr()).as_ref().map(|gr| gr.gr_gid) };
    found.ok_or_else(no_group)
}
