//! The hashes that spread keys over servers.
//!
//! They are nginx's, so that a client goes to the same server whichever of the two asks.

/// `ip_hash`: of the first three bytes of an IPv4 address, of all of an IPv6 one.
///
/// Source: nginx, `ngx_http_upstream_get_ip_hash_peer`.
pub(crate) fn of_address(seed: u32, address: &[u8]) -> u32 {
    let address = match address.len() {
        4 => &address[..3],
        _ => address,
    };
    address
        .iter()
        .fold(seed, |hash, byte| (hash * 113 + u32::from(*byte)) % 6271)
}

/// What `ip_hash` begins with.
pub(crate) const ADDRESS_SEED: u32 = 89;

/// CRC-32 as in IEEE 802.3 (nginx: `ngx_crc32_long`), over several parts in turn.
pub(crate) fn crc32(parts: &[&[u8]]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.iter());
    !bytes.fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32_is_the_usual_one() {
        assert_eq!(crc32(&[b"123456789"]), 0xCBF4_3926);
        assert_eq!(crc32(&[b"12345", b"6789"]), 0xCBF4_3926);
    }

    #[test]
    fn neighbours_share_a_server() {
        let hash = |address: [u8; 4]| of_address(ADDRESS_SEED, &address);
        assert_eq!(hash([192, 0, 2, 1]), hash([192, 0, 2, 99]));
        assert_ne!(hash([192, 0, 2, 1]), hash([192, 0, 3, 1]));
    }
}
