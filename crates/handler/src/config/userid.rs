//! `userid`: cookies that tell clients apart.

use http::HeaderValue;

use crate::variable::Variable;

/// `userid` and its kin.
#[derive(Debug)]
pub struct UserId {
    /// Which form of identifier is set.
    pub form: IdForm,
    /// `userid_service`.
    pub service: Option<u32>,
    /// `userid_name`.
    pub name: Box<[u8]>,
    /// What stands behind the value and the date: domain, path and flags, ready to be sent.
    pub attributes: Box<[u8]>,
    /// `userid_expires`.
    pub expires: CookieExpires,
    /// `userid_mark`.
    pub mark: Option<u8>,
    /// `userid_p3p`.
    pub p3p: Option<HeaderValue>,
    /// What `$uid_reset` means in this configuration.
    pub reset: Variable,
}

/// The first argument of `userid`, but for `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdForm {
    /// `log`: cookies are read, none are set.
    Log,
    /// `v1`: numbers in the byte order of the machine.
    First,
    /// `on`: numbers in the byte order of the network, the server's address in front.
    Second,
}

/// `userid_expires`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieExpires {
    /// The browser keeps it as long as it runs.
    Never,
    /// So many seconds from now.
    In(u64),
    /// As long as there are 32-bit clocks.
    Max,
}
