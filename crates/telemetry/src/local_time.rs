//! Local time from the C library: the one place of this crate that needs `unsafe`.
#![allow(
    unsafe_code,
    reason = "localtime_r has no safe counterpart in the standard library"
)]

/// Calendar fields of a moment in the time zone of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LocalTime {
    pub(crate) year: i32,
    /// 1 to 12.
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    /// Minutes east of UTC.
    pub(crate) offset: i32,
}

impl LocalTime {
    /// Splits seconds since the epoch.
    pub(crate) fn at(epoch_seconds: i64) -> Self {
        let seconds: libc::time_t = epoch_seconds;
        let mut fields = std::mem::MaybeUninit::<libc::tm>::zeroed();
        // SAFETY: both pointers are valid for the call; an all-zero `tm` is a valid value (integers
        // and a null zone pointer), so it may be read even if the call fails and leaves it alone.
        let fields = unsafe {
            libc::localtime_r(&raw const seconds, fields.as_mut_ptr());
            fields.assume_init()
        };
        let small = |value: libc::c_int| u8::try_from(value).unwrap_or(0);
        Self {
            year: fields.tm_year + 1900,
            month: small(fields.tm_mon + 1),
            day: small(fields.tm_mday),
            hour: small(fields.tm_hour),
            minute: small(fields.tm_min),
            second: small(fields.tm_sec),
            offset: i32::try_from(fields.tm_gmtoff / 60).unwrap_or(0),
        }
    }
}
