//! Errors of the system in nginx's words, `2: No such file or directory`, where Rust has
//! `No such file or directory (os error 2)`.

use std::io;

/// An error with its number. One that knows only its kind gets the number that this stands for, and one with words of
/// its own keeps them.
#[must_use]
pub fn errno_text(error: &io::Error) -> String {
    match error.raw_os_error().or_else(|| number_of_kind(error)) {
        Some(number) => format!("{number}: {}", strerror(number)),
        None => error.to_string(),
    }
}

/// The text of an error without its number.
#[must_use]
pub fn system_text(error: &io::Error) -> String {
    let number = error.raw_os_error();
    number.map_or_else(|| error.to_string(), strerror)
}

/// What the C library calls an error number (`strerror`, POSIX).
#[must_use]
pub fn strerror(number: i32) -> String {
    let mut text = io::Error::from_raw_os_error(number).to_string();
    if let Some(end) = text.find(" (os error ") {
        text.truncate(end);
    }
    text
}

/// `ENOENT`, `EACCES` or `EISDIR` for an error that says nothing but that.
fn number_of_kind(error: &io::Error) -> Option<i32> {
    match error.kind() {
        _ if error.get_ref().is_some() => None,
        io::ErrorKind::NotFound => Some(2),
        io::ErrorKind::PermissionDenied => Some(13),
        io::ErrorKind::IsADirectory => Some(21),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_as_nginx_tells_them() {
        for (error, expected) in [
            (io::Error::from_raw_os_error(24), "24: Too many open files"),
            (
                io::ErrorKind::NotFound.into(),
                "2: No such file or directory",
            ),
            (
                io::ErrorKind::UnexpectedEof.into(),
                "unexpected end of file",
            ),
            (
                io::Error::new(io::ErrorKind::NotFound, "no such host"),
                "no such host",
            ),
        ] {
            assert_eq!(errno_text(&error), expected);
        }
        assert_eq!(
            system_text(&io::Error::from_raw_os_error(13)),
            "Permission denied"
        );
        assert_eq!(system_text(&io::Error::other("odd")), "odd");
    }
}
