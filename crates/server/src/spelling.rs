//! How field names are spelled in HTTP/1 answers: Title-Case, but for the names that an operator, a
//! backend or a standard spells otherwise. A `HeaderName` is in lower case; a spelling has the length
//! of the name, so a line is written first and spelled in place.

use std::sync::{Arc, OnceLock};

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

/// Writes a field line; `own` rules over the operator's spelling.
pub(crate) fn write_field(
    name: &str,
    value: &[u8],
    operator: &Spelling,
    own: &Names,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
    title_case_until_colon(out, start);
    let Some(name) = out.get_mut(start..start + name.len()) else {
        return;
    };
    let key = key(name);
    let tables = [
        own.table.as_deref(),
        operator.names.table.as_deref(),
        Some(standard()),
    ];
    for table in tables.into_iter().flatten() {
        if table.keys & key != 0
            && let Some(spelled) = table.find(name)
        {
            name.copy_from_slice(spelled);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_by_the_nearest_party() {
        let operator = Spelling::new([&b"X-URI"[..], b"x-odd-NAME", b"Server"]);
        let own = Names::new([&b"x-lower"[..], b"X-Uri"]);
        let lines = [
            ("server", "a: b", "Server: a: b\r\n"),
            ("etag", "\"x\"", "ETag: \"x\"\r\n"),
            ("x-uri", "/", "X-URI: /\r\n"),
            ("x-odd-name", "", "x-odd-NAME: \r\n"),
            ("x-lower", "1", "x-lower: 1\r\n"),
            ("www-authenticate", "Basic", "WWW-Authenticate: Basic\r\n"),
            ("3d-model", "-a-b", "3d-Model: -a-b\r\n"),
        ];
        for (name, value, expected) in lines {
            let mut out = b"a: b\r\n".to_vec();
            write_field(name, value.as_bytes(), &operator, &own, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), format!("a: b\r\n{expected}"));
        }
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
        let (own, mut out) = (Names::new([&b"X-Uri"[..]]), Vec::new());
        write_field("x-uri", b"/", &operator, &own, &mut out);
        // `X-Uri` is the usual spelling, so it is not in the set, and the operator rules.
        assert_eq!(out, b"X-URI: /\r\n");
    }
}
