//! How field names are spelled in HTTP/1 answers.
//!
//! hyper writes names in lower case, the fastest thing it can do. On their way out the IO layer
//! spells them anew in place: Title-Case, but for the names that an operator, a backend or a standard
//! spells otherwise. A spelling has the length of the name, so nothing moves. Compared with a
//! captured `HeaderCaseMap` in the extensions of each answer this needs no allocation, knows names
//! that turn up at run time, and leaves hyper on its fast path (figures: `examples/bare.rs`).

use std::sync::{Arc, OnceLock};

use memchr::memchr;

/// Names whose usual spelling is not Title-Case.
const STANDARD: &[&str] = &[
    "Content-MD5",
    "DAV",
    "DNT",
    "ETag",
    "Expect-CT",
    "MIME-Version",
    "NEL",
    "P3P",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Protocol",
    "SourceMap",
    "WWW-Authenticate",
    "X-DNS-Prefetch-Control",
    "X-UA-Compatible",
    "X-XSS-Protection",
];

/// The spelling of an operator: `add_header X-URI …` sends `X-URI`.
#[derive(Clone, Debug, Default)]
pub struct Spelling {
    names: Names,
}

/// Names in the spelling they are to have in one answer; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Names {
    table: Option<Arc<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    /// One bit for each key that occurs: most names of an answer are in no table, and one look
    /// here says so.
    keys: u64,
    /// The names, in the order given.
    names: Vec<Box<[u8]>>,
}

impl Spelling {
    /// The spelling of these names; where one occurs twice, the first rules.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n [u8]>) -> Self {
        Self {
            names: Names::new(names),
        }
    }
}

impl Names {
    /// A set of these names. Those that are in Title-Case anyway cost nothing.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n [u8]>) -> Self {
        let mut table = Table::default();
        for name in names {
            if !is_usual(name) && table.find(name).is_none() {
                table.insert(name);
            }
        }
        let table = (!table.names.is_empty()).then(|| Arc::new(table));
        Self { table }
    }
}

impl Table {
    fn insert(&mut self, spelled: &[u8]) {
        self.keys |= key(spelled);
        self.names.push(spelled.into());
    }

    /// The spelling of a name in any case.
    fn find(&self, name: &[u8]) -> Option<&[u8]> {
        let mut names = self.names.iter().map(|spelled| &**spelled);
        names.find(|spelled| spelled.eq_ignore_ascii_case(name))
    }
}

/// Whether a name is spelled as it would be without any table of ours.
fn is_usual(name: &[u8]) -> bool {
    let mut line = name.to_ascii_lowercase();
    line.push(b':');
    title_case_until_colon(&mut line, 0);
    let usual = standard().find(name).unwrap_or(&line[..name.len()]);
    usual == name
}

fn standard() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table::default();
        for name in STANDARD {
            table.insert(name.as_bytes());
        }
        table
    })
}

/// A bit that tells most names apart, whatever their case.
fn key(name: &[u8]) -> u64 {
    let first = name.first().copied().unwrap_or(0) | 0x20;
    let last = name.last().copied().unwrap_or(0) | 0x20;
    let mixed = (name.len() * 5) ^ (usize::from(first) * 3) ^ (usize::from(last) * 7);
    1 << (mixed & 63)
}

/// Title-cases the name that begins at `start` and ends before a colon, eight bytes at a time; where
/// the colon is. `None` where there is none before the end of the line.
fn title_case_until_colon(head: &mut [u8], start: usize) -> Option<usize> {
    let mut at = start;
    // Whether the first byte of the word begins a part of the name: all but the lowest bit unused.
    let mut begins = 0x80;
    while let Some(chunk) = head.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let (colons, ends) = (equal(word, b':'), equal(word, b'\n'));
        let stop = colons | ends;
        // All bytes before the first stop; all of them where there is none.
        let inside = (stop & stop.wrapping_neg()).wrapping_sub(1);
        let dashes = equal(word, b'-');
        let upper = (begins | (dashes << 8)) & lower_letters(word) & inside;
        *chunk = (word ^ (upper >> 2)).to_le_bytes();
        if stop != 0 {
            let first = stop.trailing_zeros() / 8;
            let is_colon = colons.trailing_zeros() / 8 == first && colons != 0;
            return is_colon.then_some(at + first as usize);
        }
        begins = dashes >> 56;
        at += 8;
    }
    title_case_slowly(head, at, begins != 0)
}

/// The rest of a head that is shorter than a word.
fn title_case_slowly(head: &mut [u8], start: usize, begins: bool) -> Option<usize> {
    let mut begins = begins;
    for (at, byte) in head.iter_mut().enumerate().skip(start) {
        match *byte {
            b':' => return Some(at),
            b'\n' => return None,
            _ => {}
        }
        if begins {
            byte.make_ascii_uppercase();
        }
        begins = *byte == b'-';
    }
    None
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES << 7;

/// The high bit of each byte of `word` that is `byte`.
const fn equal(word: u64, byte: u8) -> u64 {
    let zero_where_equal = word ^ (ONES * byte as u64);
    let low = (zero_where_equal & !HIGHS).wrapping_add(!HIGHS);
    !(low | zero_where_equal) & HIGHS
}

/// The high bit of each byte of `word` that is one of `a` to `z`.
const fn lower_letters(word: u64) -> u64 {
    let low = word & !HIGHS;
    let from_a = low + ONES * (0x80 - b'a' as u64);
    let after_z = low + ONES * (0x80 - (b'z' as u64 + 1));
    from_a & !after_z & !word & HIGHS
}

/// Spells all field names of a head that hyper wrote; `own` rules over the operator's spelling.
pub(crate) fn spell_head(head: &mut [u8], operator: &Spelling, own: &Names) {
    let tables = [
        own.table.as_deref(),
        operator.names.table.as_deref(),
        Some(standard()),
    ];
    let mut start = 0;
    while let Some(end) = memchr(b'\n', head.get(start..).unwrap_or_default()) {
        start += end + 1;
        let Some(colon) = title_case_until_colon(head, start) else {
            return;
        };
        let name = &mut head[start..colon];
        let key = key(name);
        for table in tables.into_iter().flatten() {
            if table.keys & key != 0
                && let Some(spelled) = table.find(name)
            {
                name.copy_from_slice(spelled);
                break;
            }
        }
        start = colon;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_by_the_nearest_party() {
        let operator = Spelling::new([&b"X-URI"[..], b"x-odd-NAME", b"Server"]);
        let own = Names::new([&b"x-lower"[..], b"X-Uri"]);
        let lower = b"HTTP/1.1 200 OK\r\nserver: a: b\r\netag: \"x\"\r\nx-uri: /\r\nx-odd-name: \r\nx-lower: 1\r\nwww-authenticate: Basic\r\n3d-model: -a-b\r\n\r\n";
        let spelled = b"HTTP/1.1 200 OK\r\nServer: a: b\r\nETag: \"x\"\r\nX-URI: /\r\nx-odd-NAME: \r\nx-lower: 1\r\nWWW-Authenticate: Basic\r\n3d-Model: -a-b\r\n\r\n";
        let mut head = lower.to_vec();
        spell_head(&mut head, &operator, &own);
        assert_eq!(
            String::from_utf8_lossy(&head),
            String::from_utf8_lossy(spelled)
        );
    }

    #[test]
    fn title_case_by_words_is_title_case_by_bytes() {
        let names = [
            "a",
            "-",
            "--a",
            "abcdefg-h",
            "abcdefgh-i",
            "abc-def-ghi-jkl-mno",
            "x-`z-{q-|r-~s",
            "a-1b-c",
            "Ab-cD",
        ];
        for name in names {
            for tail in ["", " 1", " 12345678901234567890"] {
                let mut words = format!("{name}:{tail}").into_bytes();
                let mut bytes = words.clone();
                let colon = title_case_until_colon(&mut words, 0);
                assert_eq!(colon, title_case_slowly(&mut bytes, 0, true));
                assert_eq!(colon, Some(name.len()));
                assert_eq!(
                    String::from_utf8(words),
                    String::from_utf8(bytes),
                    "{name}:{tail}"
                );
            }
        }
    }

    #[test]
    fn a_backend_may_spell_as_usual_what_an_operator_spells_otherwise() {
        let operator = Spelling::new([&b"X-URI"[..]]);
        let mut head = b"HTTP/1.1 200 OK\r\nx-uri: /\r\n\r\n".to_vec();
        spell_head(&mut head, &operator, &Names::new([&b"X-Uri"[..]]));
        // `X-Uri` is the usual spelling, so it is not in the set, and the operator rules.
        assert!(head.windows(5).any(|part| part == b"X-URI"));
    }
}
