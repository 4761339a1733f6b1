//! What keeps a server block from speaking TLS, in the words of nginx and OpenSSL.

use std::io;
use std::path::Path;

use portunus_errno::system_text;

use crate::x509::SEQUENCE;

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
    /// A file of authorities that cannot be read.
    #[error("SSL_CTX_load_verify_locations(\"{name}\") failed (SSL: {reason})")]
    Authorities {
        /// The file as configured.
        name: String,
        /// OpenSSL's words.
        reason: String,
    },
    /// A list of revoked certificates that cannot be read.
    #[error("X509_LOOKUP_load_file(\"{name}\") failed (SSL: {reason})")]
    Crl {
        /// The file as configured.
        name: String,
        /// OpenSSL's words.
        reason: String,
    },
    /// Parameters of a key exchange that cannot be read.
    #[error("{call}(\"{name}\") failed (SSL: {reason})")]
    Parameters {
        /// What OpenSSL was asked to do.
        call: &'static str,
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
    #[error(
        "SSL_CTX_set1_curves_list(\"{list}\") failed \
         (SSL: error:0A080106:SSL routines::passed invalid argument:group '{name}' cannot be set)"
    )]
    Curves {
        /// The whole list.
        list: String,
        /// The name that nobody knows.
        name: String,
    },
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

/// No text between the lines that it is looked for, or not the one that is wanted.
pub(crate) fn no_start_line(expected: &str) -> String {
    format!("error:0480006C:PEM routines::no start line:Expecting: {expected}")
}

/// A file with nothing in it that `SSL_CTX_load_verify_locations` could use.
pub(crate) const NOTHING_TO_TRUST: &str =
    "error:05800088:x509 certificate routines::no certificate or crl found";

/// OpenSSL's words for a file that cannot be opened.
pub(crate) fn open_failed(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    let code = error.raw_os_error().unwrap_or_default();
    let text = system_text(error);
    let tail = match error.kind() {
        io::ErrorKind::NotFound => "error:10000080:BIO routines::no such file",
        _ => "error:10080002:BIO routines::system lib",
    };
    format!("error:8000{code:04X}:system library::{text}:calling fopen({path}, r) {tail}")
}

/// OpenSSL's words for DER that is not of a type (X.690 §8.1): as far as they depend on the first
/// header, the usual case of a file that was cut or is something else.
pub(crate) fn not_of_type(der: &[u8], name: &str) -> String {
    const BAD_HEADER: &str = " error:06800066:asn1 encoding routines::bad object header";
    let (what, header) = match Shape::of(der) {
        Shape::Other => ("error:068000A8:asn1 encoding routines::wrong tag ", ""),
        Shape::HeaderCut => (
            "error:0680007B:asn1 encoding routines::header too long",
            BAD_HEADER,
        ),
        Shape::ContentCut => (
            "error:0680009B:asn1 encoding routines::too long",
            BAD_HEADER,
        ),
        Shape::Sequence => ("", ""),
    };
    let gap = if header.is_empty() { "" } else { " " };
    format!(
        "{what}{header}{gap}error:0688010A:asn1 encoding routines::nested asn1 error:Type={name}"
    )
}

/// The same for what was in PEM.
pub(crate) fn not_of_pem_type(der: &[u8], name: &str) -> String {
    format!(
        "{} error:0488000D:PEM routines::ASN1 lib",
        not_of_type(der, name)
    )
}

/// What a text in DER begins with.
enum Shape {
    Sequence,
    Other,
    HeaderCut,
    ContentCut,
}

impl Shape {
    fn of(der: &[u8]) -> Self {
        let (Some(&tag), Some(&first)) = (der.first(), der.get(1)) else {
            return Self::HeaderCut;
        };
        let digits = match first {
            0x81.. => usize::from(first & 0x7f),
            _ => 0,
        };
        let Some(content) = der.get(2 + digits..) else {
            return Self::HeaderCut;
        };
        let told = match der.get(2..2 + digits) {
            Some(digits @ [_, ..]) => digits.iter().fold(0_usize, |sum, digit| {
                sum.saturating_mul(256).saturating_add(usize::from(*digit))
            }),
            _ => usize::from(first),
        };
        match tag {
            _ if told > content.len() => Self::ContentCut,
            SEQUENCE => Self::Sequence,
            _ => Self::Other,
        }
    }
}
