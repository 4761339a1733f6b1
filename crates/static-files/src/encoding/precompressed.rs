//! `gzip_static` and its kin: files that somebody compressed beforehand (nginx: `ngx_http_gzip_static_handler`).

use smallvec::SmallVec;

use super::{Coding, accepts};

/// `gzip_static`, where it is not `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaticMode {
    /// For clients that accept it.
    On,
    /// For all.
    Always,
}

/// A precompressed file to be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Look for the path with this coding's [suffix](Coding::suffix).
    pub coding: Coding,
    /// If it is there, say `Vary: Accept-Encoding` (under `gzip_vary`).
    pub vary: bool,
    /// If it is there, send it. Otherwise it was looked for on account of `Vary` only.
    pub send: bool,
}

/// Which precompressed files to look for, in this order. A regular file ends the search if it is to be sent; a directory
/// or an error goes on. `eligible` is [`eligible`](super::eligible), `vary` is `gzip_vary`.
#[must_use]
pub fn precompressed_plan(
    modes: &[(Coding, StaticMode)],
    accept_encoding: Option<&[u8]>,
    eligible: bool,
    vary: bool,
) -> SmallVec<[Attempt; 3]> {
    let mut wanted: SmallVec<[(u16, Attempt); 3]> = SmallVec::new();
    for &(coding, mode) in modes {
        let quality = accept_encoding.map_or(0, |field| accepts(field, coding));
        let on = mode == StaticMode::On;
        let send = !on || (eligible && quality > 0);
        if send || vary {
            // What the client did not ask for comes after what it did.
            wanted.push((
                if eligible { quality } else { 0 },
                Attempt {
                    coding,
                    vary: on,
                    send,
                },
            ));
        }
    }
    wanted.sort_by_key(|&(quality, attempt)| std::cmp::Reverse((quality, attempt.coding)));
    wanted.into_iter().map(|(_, attempt)| attempt).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(modes: &[(Coding, StaticMode)], accept: &str, vary: bool) -> Vec<(Coding, bool)> {
        precompressed_plan(modes, Some(accept.as_bytes()), true, vary)
            .iter()
            .map(|attempt| (attempt.coding, attempt.send))
            .collect()
    }

    #[test]
    fn only_what_the_client_accepts_is_looked_for() {
        use Coding::{Brotli, Gzip, Zstd};
        let all = [
            (Gzip, StaticMode::On),
            (Zstd, StaticMode::On),
            (Brotli, StaticMode::On),
        ];
        assert_eq!(
            plan(&all, "gzip, br", false),
            [(Brotli, true), (Gzip, true)]
        );
        assert_eq!(
            plan(&all, "gzip, br;q=0.1", false),
            [(Gzip, true), (Brotli, true)]
        );
        assert_eq!(plan(&all, "", false), []);
        assert_eq!(plan(&all[..1], "", true), [(Gzip, false)]);
        assert_eq!(
            plan(&[(Gzip, StaticMode::Always)], "", false),
            [(Gzip, true)]
        );
        let ineligible = precompressed_plan(&all, Some(b"gzip"), false, false);
        assert!(ineligible.is_empty());
    }
}
