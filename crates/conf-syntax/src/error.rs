//! What can be wrong with how a configuration is written, in nginx's words.
//!
//! All of it is the operator's to mend. The texts are nginx's, byte for byte, except for those
//! marked `Differs:`, for which nginx has none.

use portunus_errno::errno_text;

/// nginx: `NGX_MAX_CONF_ERRSTR`.
pub(crate) const MESSAGE_LIMIT: usize = 1024;

/// nginx: `ngx_log_errno`.
const ERRNO_ROOM: usize = 50;

/// A fault of spelling, or of an `include`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SyntaxError {
    #[error("unexpected \"{}\"", printable(*.0))]
    Unexpected(u8),
    #[error("unexpected end of file, expecting \";\" or \"}}\"")]
    EndOfFileInDirective,
    #[error("unexpected end of file, expecting \"}}\"")]
    EndOfFileInBlock,
    #[error("unexpected end of parameter, expecting \";\"")]
    EndOfParameter,
    #[error("too long parameter \"{}...\" started", String::from_utf8_lossy(.0))]
    TooLong(Vec<u8>),
    #[error("too long parameter, probably missing terminating \"{}\" character", printable(*.0))]
    QuoteNotClosed(u8),
    #[error("block directives are not supported in -g option")]
    BlockInParameter,
    #[error("invalid number of arguments in \"include\" directive")]
    IncludeArguments,
    #[error("directive \"include\" is not terminated by \";\"")]
    IncludeNotTerminated,
    #[error("{}", failed_call("open", .path, .error))]
    Open {
        path: Vec<u8>,
        error: std::io::Error,
    },
    #[error("{}", failed_call("pread", .path, .error))]
    Read {
        path: Vec<u8>,
        error: std::io::Error,
    },
    #[error("{}", failed_call("glob", .pattern, .error))]
    Glob {
        pattern: Vec<u8>,
        error: std::io::Error,
    },
    /// Differs: nginx recurses until it runs out of descriptors or of stack.
    #[error("\"{}\" includes itself", String::from_utf8_lossy(.0))]
    IncludeCycle(Vec<u8>),
    /// Differs: nginx reads on for as long as there is memory.
    #[error("more than {0} files are included")]
    TooManyFiles(usize),
    /// Differs: nginx recurses until it runs out of stack.
    #[error("blocks are nested more than {0} deep")]
    TooDeep(usize),
    /// Differs: nginx would read it; spans here have 32 bits.
    #[error("\"{}\" is larger than 4 GiB", String::from_utf8_lossy(.0))]
    TooLarge(Vec<u8>),
}

/// A byte as a character of a message; one that is not ASCII stands for no character alone.
fn printable(byte: u8) -> char {
    if byte.is_ascii() {
        char::from(byte)
    } else {
        char::REPLACEMENT_CHARACTER
    }
}

/// A failed system call on a path. nginx: `ngx_conf_log_error`, `ngx_log_errno`: a text that leaves
/// less than [`ERRNO_ROOM`] bytes of the buffer is cut to make room for the system's words.
fn failed_call(call: &str, path: &[u8], error: &std::io::Error) -> String {
    let mut text = format!("{call}() \"{}\" failed", String::from_utf8_lossy(path));
    let room = MESSAGE_LIMIT - ERRNO_ROOM;
    if text.len() > room {
        text.truncate(text.floor_char_boundary(room));
        text.push_str("...");
    }
    format!("{text} ({})", errno_text(error))
}
