//! Local time from the C library: the one place of this crate that needs `unsafe`.
#![allow(
    unsafe_code,
    reason = "localtime_r and strftime have no safe counterpart in the standard library"
)]

/// Longest date that a format may ask for (nginx: `NGX_HTTP_SSI_DATE_LEN`).
const LONGEST: usize = 2048;

/// Formats seconds since the epoch as `strftime` does, in UTC or in the time zone of the process; empty where the
/// format asks for nothing, or for too much.
pub(crate) fn format(format: &[u8], epoch_seconds: i64, utc: bool) -> Vec<u8> {
    let seconds: libc::time_t = epoch_seconds;
    let end = format.iter().position(|byte| *byte == 0);
    let Ok(format) = std::ffi::CString::new(&format[..end.unwrap_or(format.len())]) else {
        return Vec::new();
    };
    let mut fields = std::mem::MaybeUninit::<libc::tm>::zeroed();
    let mut text = vec![0_u8; LONGEST];
    // SAFETY: all pointers are valid for the calls, the format ends with a NUL, and `text` has the length that is
    // said; an all-zero `tm` is a valid value, so it may be read even if the first call leaves it alone.
    let length = unsafe {
        if utc {
            libc::gmtime_r(&raw const seconds, fields.as_mut_ptr());
        } else {
            libc::localtime_r(&raw const seconds, fields.as_mut_ptr());
        }
        let out = text.as_mut_ptr().cast::<libc::c_char>();
        libc::strftime(out, LONGEST, format.as_ptr(), fields.as_ptr())
    };
    text.truncate(length);
    text
}

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
