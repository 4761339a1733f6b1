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

type Entry = (Box<[u8]>, Box<[u8]>);

#[derive(Debug, Default)]
struct Table {
    /// One bit for each key that occurs: most names of an answer are in no table, and one look
    /// here says so.
    keys: u64,
    /// A name in lower case and as it is spelled, in the order given.
    names: Vec<Entry>,
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
            let lower = name.to_ascii_lowercase();
            let mut usual = lower.clone();
            standard().apply(&mut usual);
            if usual != name && table.find(&lower).is_none() {
                table.insert(lower, name);
            }
        }
        let table = (!table.names.is_empty()).then(|| Arc::new(table));
        Self { table }
    }

    fn find(&self, lower: &[u8]) -> Option<&[u8]> {
        self.table.as_ref()?.find(lower)
    }
}

impl Table {
    fn insert(&mut self, lower: Vec<u8>, spelled: &[u8]) {
        self.keys |= key(&lower);
        self.names.push((lower.into(), spelled.into()));
    }

    fn find(&self, lower: &[u8]) -> Option<&[u8]> {
        if self.keys & key(lower) == 0 {
            return None;
        }
        let same = |(name, _): &&Entry| **name == *lower;
        self.names.iter().find(same).map(|(_, spelled)| &**spelled)
    }

    /// Spells a name that is in lower case.
    fn apply(&self, name: &mut [u8]) {
        match self.find(name) {
            Some(spelled) => name.copy_from_slice(spelled),
            None => title_case(name),
        }
    }
}

fn standard() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table::default();
        for name in STANDARD {
            table.insert(name.to_ascii_lowercase().into_bytes(), name.as_bytes());
        }
        table
    })
}

/// A bit that tells most names apart.
fn key(lower: &[u8]) -> u64 {
    let first = lower.first().copied().unwrap_or(0);
    let last = lower.last().copied().unwrap_or(0);
    let mixed = (lower.len() * 5) ^ (usize::from(first) * 3) ^ (usize::from(last) * 7);
    1 << (mixed & 63)
}

fn title_case(name: &mut [u8]) {
    let mut first = true;
    for byte in name {
        *byte ^= 0x20 * u8::from(first && byte.is_ascii_lowercase());
        first = *byte == b'-';
    }
}

/// Spells all field names of a head that hyper wrote; `own` rules over the operator's spelling.
pub(crate) fn spell_head(head: &mut [u8], operator: &Spelling, own: &Names) {
    let standard = standard();
    let mut at = match memchr(b'\n', head) {
        Some(end) => end + 1,
        None => return,
    };
    while let Some(line) = head.get_mut(at..) {
        let Some(length) = line.iter().position(|&byte| byte == b':' || byte == b'\n') else {
            return;
        };
        let (name, rest) = line.split_at_mut(length);
        if let Some(spelled) = own.find(name).or_else(|| operator.names.find(name)) {
            name.copy_from_slice(spelled);
        } else {
            standard.apply(name);
        }
        let Some(end) = memchr(b'\n', rest) else {
            return;
        };
        at += length + end + 1;
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
    fn a_backend_may_spell_as_usual_what_an_operator_spells_otherwise() {
        let operator = Spelling::new([&b"X-URI"[..]]);
        let mut head = b"HTTP/1.1 200 OK\r\nx-uri: /\r\n\r\n".to_vec();
        spell_head(&mut head, &operator, &Names::new([&b"X-Uri"[..]]));
        // `X-Uri` is the usual spelling, so it is not in the set, and the operator rules.
        assert!(head.windows(5).any(|part| part == b"X-URI"));
    }
}
