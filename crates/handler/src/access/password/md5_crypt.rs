//! MD5-crypt, as FreeBSD (`$1$`) and Apache (`$apr1$`) write it.
//!
//! Source: nginx, `ngx_crypt_apr1`; Poul-Henning Kamp's algorithm.

use md5::{Digest as _, Md5};

use super::same;

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Which bytes of the digest make the groups of the text; the last byte stands alone.
const GROUPS: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];

/// Whether a hash that begins with `magic` is that of the password.
pub(super) fn verify(password: &[u8], hash: &[u8], magic: &[u8]) -> bool {
    let rest = hash.get(magic.len()..).unwrap_or_default();
    let length = rest
        .iter()
        .take(8)
        .take_while(|byte| **byte != b'$')
        .count();
    let salt = &rest[..length];
    let mut expected = [magic, salt, b"$"].concat();
    append(&digest(password, salt, magic), &mut expected);
    same(&expected, hash)
}

fn digest(password: &[u8], salt: &[u8], magic: &[u8]) -> [u8; 16] {
    let inner = md5(&[password, salt, password]);
    let mut outer = Md5::new();
    outer.update(password);
    outer.update(magic);
    outer.update(salt);
    for part in password.chunks(16) {
        outer.update(&inner[..part.len()]);
    }
    let mut bits = password.len();
    while bits != 0 {
        let first = password.get(..1).unwrap_or_default();
        outer.update(if bits & 1 == 1 { &[0][..] } else { first });
        bits >>= 1;
    }
    let mut last: [u8; 16] = outer.finalize().into();
    for round in 0..1000 {
        let odd = round % 2 == 1;
        let (before, after) = if odd {
            (password, &last[..])
        } else {
            (&last[..], password)
        };
        let salt = if round % 3 == 0 { b"" } else { salt };
        let again = if round % 7 == 0 { b"" } else { password };
        last = md5(&[before, salt, again, after]);
    }
    last
}

fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(part);
    }
    md5.finalize().into()
}

fn append(digest: &[u8; 16], out: &mut Vec<u8>) {
    let mut put = |mut value: u32, count: usize| {
        for _ in 0..count {
            out.push(ALPHABET[usize::try_from(value & 63).unwrap_or(0)]);
            value >>= 6;
        }
    };
    for group in GROUPS {
        let [high, middle, low] = group.map(|at| u32::from(digest[at]));
        put(high << 16 | middle << 8 | low, 4);
    }
    put(u32::from(digest[11]), 2);
}
