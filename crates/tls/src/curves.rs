//! `ssl_ecdh_curve`: the groups of the key exchange.

use rustls::NamedGroup;
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::ring::{ALL_KX_GROUPS, kx_group};

use crate::error::Error;

/// What a list comes to.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) groups: Vec<&'static dyn SupportedKxGroup>,
    /// Groups that OpenSSL has and we have not.
    pub(crate) ignored: Vec<String>,
}

/// Groups that OpenSSL knows and that are not here.
const MISSING: &[&str] = &[
    "x448",
    "p-521",
    "secp521r1",
    "ffdhe2048",
    "ffdhe3072",
    "ffdhe4096",
    "ffdhe6144",
    "ffdhe8192",
    "x25519mlkem768",
    "secp256r1mlkem768",
    "secp384r1mlkem1024",
    "mlkem512",
    "mlkem768",
    "mlkem1024",
    "brainpoolp256r1",
    "brainpoolp384r1",
    "brainpoolp512r1",
    "brainpoolp256r1tls13",
    "brainpoolp384r1tls13",
    "brainpoolp512r1tls13",
    "secp256k1",
    "secp224r1",
    "p-224",
];

/// Reads a list, names joined by `:`; `auto` is all there are.
///
/// # Errors
/// For a name that nobody knows, and where nothing is left.
pub(crate) fn select(list: &str) -> Result<Selection, Error> {
    let mut selection = Selection {
        groups: Vec::new(),
        ignored: Vec::new(),
    };
    if list == "auto" {
        selection.groups = ALL_KX_GROUPS.to_vec();
        return Ok(selection);
    }
    let failed = |name: &str| Error::Curves {
        list: list.to_owned(),
        name: name.to_owned(),
    };
    for name in list.split(':') {
        // Since OpenSSL 3.5 `?` forgives a name that is unknown, and `*` asks for a key share.
        let bare = name.trim_start_matches(['?', '*']).to_ascii_lowercase();
        let group = match bare.as_str() {
            "x25519" => kx_group::X25519,
            "p-256" | "prime256v1" | "secp256r1" => kx_group::SECP256R1,
            "p-384" | "secp384r1" => kx_group::SECP384R1,
            missing if MISSING.contains(&missing) || name.starts_with('?') => {
                selection.ignored.push(name.to_owned());
                continue;
            }
            _ => return Err(failed(name)),
        };
        let known = |ours: &&dyn SupportedKxGroup| ours.name() == group.name();
        if !selection.groups.iter().any(known) {
            selection.groups.push(group);
        }
    }
    if selection.groups.is_empty() {
        return Err(failed(list));
    }
    Ok(selection)
}

/// The name that OpenSSL has for a group, or its number.
pub(crate) fn name(group: NamedGroup) -> String {
    match group {
        NamedGroup::X25519 => "X25519".to_owned(),
        NamedGroup::secp256r1 => "prime256v1".to_owned(),
        NamedGroup::secp384r1 => "secp384r1".to_owned(),
        NamedGroup::secp521r1 => "secp521r1".to_owned(),
        NamedGroup::X448 => "X448".to_owned(),
        NamedGroup::FFDHE2048 => "ffdhe2048".to_owned(),
        NamedGroup::FFDHE3072 => "ffdhe3072".to_owned(),
        NamedGroup::FFDHE4096 => "ffdhe4096".to_owned(),
        NamedGroup::FFDHE6144 => "ffdhe6144".to_owned(),
        NamedGroup::FFDHE8192 => "ffdhe8192".to_owned(),
        other => format!("0x{:04x}", u16::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_keep_their_order() {
        let names = |list: &str| -> Vec<_> {
            let groups = select(list).unwrap().groups;
            groups.iter().map(|group| name(group.name())).collect()
        };
        assert_eq!(names("auto").len(), 3);
        assert_eq!(names("prime256v1:X25519"), ["prime256v1", "X25519"]);
        assert_eq!(names("X25519:P-521:secp384r1"), ["X25519", "secp384r1"]);
        assert_eq!(select("X25519:P-521").unwrap().ignored, ["P-521"]);
        assert!(select("P-521").is_err() && select("nonsense").is_err());
    }
}
