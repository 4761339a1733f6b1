//! What keeps a server block from speaking TLS, in the words of nginx and OpenSSL.

use std::io;
use std::path::Path;

/// A configuration that cannot be used. The operator is at fault, always.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A certificate, or a file of authorities, that cannot be read.
    #[error("cannot load certificate \"{name}\": {reason}")]
    Certificate {
        /// The file as configured.
        name: String,
        /// OpenSSL's words.
        reason: String,
    },
    /// A private key that cannot be read.
    #[error("cannot load certificate key \"{name}\": {reason}")]
    Key {
        /// The file as configured.
        name: String,
        /// OpenSSL's words.
        reason: String,
    },
    /// A key that belongs to another certificate.
    #[error(
        "SSL_CTX_use_PrivateKey(\"{name}\") failed \
         (SSL: error:05800074:x509 certificate routines::key values mismatch)"
    )]
    Mismatch {
        /// The file of the key.
        name: String,
    },
    /// A list of revoked certificates that cannot be read.
    #[error("cannot load CRL \"{name}\": {reason}")]
    Crl {
        /// The file as configured.
        name: String,
        /// OpenSSL's words.
        reason: String,
    },
    /// No cipher of `ssl_ciphers` is known to anybody.
    #[error(
        "SSL_CTX_set_cipher_list(\"{0}\") failed (SSL: error:0A0000B9:SSL routines::no cipher match)"
    )]
    Ciphers(String),
    /// `ssl_ecdh_curve` names nothing that there is.
    #[error("SSL_CTX_set1_curves_list(\"{0}\") failed")]
    Curves(String),
    /// Nothing is left that could be spoken.
    #[error("no TLS version and cipher of this server can be used here: TLSv1.2 needs one of {0}")]
    NothingLeft(String),
    /// A ticket key of the wrong length.
    #[error("\"{0}\" must be 48 or 80 bytes")]
    TicketKey(String),
    /// A file that cannot be opened.
    #[error("open() \"{name}\" failed ({reason})")]
    Open {
        /// The file as configured.
        name: String,
        /// The system's words.
        reason: String,
    },
    /// What rustls says to settings that should have been fine.
    #[error("cannot set TLS up: {0}")]
    Library(#[from] rustls::Error),
}

/// OpenSSL's words for a file that cannot be opened.
pub(crate) fn open_failed(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    let code = error.raw_os_error().unwrap_or_default();
    let text = system_text(error);
    let tail = match error.kind() {
        io::ErrorKind::NotFound => "error:10000080:BIO routines::no such file",
        _ => "error:10080002:BIO routines::system lib",
    };
    format!(
        "BIO_new_file() failed (SSL: error:8000{code:04X}:system library::{text}:\
         calling fopen({path}, r) {tail})"
    )
}

/// The system's text without Rust's ` (os error N)`.
pub(crate) fn system_text(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}
