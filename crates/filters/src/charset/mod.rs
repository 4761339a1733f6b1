//! Recoding from one charset to another by the tables of `charset_map`.
//!
//! Source: nginx, ngx_http_charset_filter_module.

mod utf8;

use std::collections::HashMap;
use std::sync::Arc;

use utf8::{Decoded, decode};

/// One `charset_map`: two charsets and the way there and back.
#[derive(Debug)]
pub struct CharsetMap {
    from: Box<[u8]>,
    to: Box<[u8]>,
    there: Arc<Table>,
    back: Arc<Table>,
}

#[derive(Debug)]
enum Table {
    /// Byte for byte.
    Bytes(Box<[u8; 256]>),
    /// A byte to the bytes of a character.
    ToUtf8(Vec<Box<[u8]>>),
    /// A character to a byte; what is missing becomes a reference (`&#8364;`).
    FromUtf8(HashMap<u32, u8>),
}

impl CharsetMap {
    /// A table between `from` and `to`: for a byte of the one, the bytes of the other. ASCII stands for itself; what
    /// is not in the table becomes `?`. `to` may be UTF-8, `from` may not.
    #[must_use]
    pub fn new(from: &[u8], to: &[u8], entries: &[(u8, Vec<u8>)]) -> Self {
        let (there, back) = if to.eq_ignore_ascii_case(b"utf-8") {
            to_utf8(entries)
        } else {
            bytes(entries)
        };
        Self {
            from: from.into(),
            to: to.into(),
            there: Arc::new(there),
            back: Arc::new(back),
        }
    }

    /// A recoder, if this table leads from `from` to `to` in either direction. Names are compared without regard to
    /// case.
    #[must_use]
    pub fn recoder(&self, from: &[u8], to: &[u8]) -> Option<Recoder> {
        let is = |name: &[u8], wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
        let table = if is(&self.from, from) && is(&self.to, to) {
            &self.there
        } else if is(&self.from, to) && is(&self.to, from) {
            &self.back
        } else {
            return None;
        };
        Some(Recoder {
            table: Arc::clone(table),
            held: Vec::new(),
        })
    }
}

fn bytes(entries: &[(u8, Vec<u8>)]) -> (Table, Table) {
    let mut there = [b'?'; 256];
    for byte in 0..128 {
        there[usize::from(byte)] = byte;
    }
    let mut back = there;
    for (from, to) in entries {
        if let Some(&to) = to.first() {
            there[usize::from(*from)] = to;
            back[usize::from(to)] = *from;
        }
    }
    (Table::Bytes(Box::new(there)), Table::Bytes(Box::new(back)))
}

fn to_utf8(entries: &[(u8, Vec<u8>)]) -> (Table, Table) {
    let mut there: Vec<Box<[u8]>> = (0..=255)
        .map(|byte: u8| Box::from([if byte < 128 { byte } else { b'?' }]))
        .collect();
    let mut back: HashMap<u32, u8> = (0..128).map(|byte: u8| (u32::from(byte), byte)).collect();
    for (from, to) in entries {
        if let Decoded::Character(character, _) = decode(to) {
            back.insert(character, *from);
        }
        there[usize::from(*from)] = to.as_slice().into();
    }
    (Table::ToUtf8(there), Table::FromUtf8(back))
}

/// Recodes one body.
#[derive(Debug)]
pub struct Recoder {
    table: Arc<Table>,
    /// The beginning of a character whose end has not come yet.
    held: Vec<u8>,
}

impl Recoder {
    /// Whether the length of a body stays what it was.
    #[must_use]
    pub fn keeps_length(&self) -> bool {
        matches!(*self.table, Table::Bytes(_))
    }

    /// Takes in `input`, appends to `out`. The beginning of a character at the end of a body is dropped, as nginx
    /// does.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        match &*self.table {
            Table::Bytes(table) => out.extend(input.iter().map(|&byte| table[usize::from(byte)])),
            Table::ToUtf8(table) => {
                for &byte in input {
                    out.extend_from_slice(&table[usize::from(byte)]);
                }
            }
            Table::FromUtf8(table) => {
                let joined;
                let mut rest = if self.held.is_empty() {
                    input
                } else {
                    self.held.extend_from_slice(input);
                    joined = std::mem::take(&mut self.held);
                    &joined[..]
                };
                while !rest.is_empty() {
                    let taken = match decode(rest) {
                        Decoded::Character(character, length) => {
                            match table.get(&character) {
                                Some(&byte) if byte != 0 => out.push(byte),
                                _ => out.extend_from_slice(format!("&#{character};").as_bytes()),
                            }
                            length
                        }
                        Decoded::Invalid(length) => {
                            out.push(b'?');
                            length
                        }
                        Decoded::Incomplete => {
                            self.held = rest.to_vec();
                            return;
                        }
                    };
                    rest = rest.get(taken..).unwrap_or_default();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn koi8() -> CharsetMap {
        CharsetMap::new(b"koi8-r", b"UTF-8", &[(0xc1, vec![0xd0, 0xb0])])
    }

    fn recode(recoder: Option<Recoder>, input: &[u8], piece: usize) -> Vec<u8> {
        let (mut recoder, mut out) = (recoder.unwrap(), Vec::new());
        for piece in input.chunks(piece) {
            recoder.push(piece, &mut out);
        }
        out
    }

    #[test]
    fn bytes_become_characters_and_back() {
        let map = koi8();
        let there = recode(map.recoder(b"KOI8-R", b"utf-8"), b"X\xc1\xffX", 9);
        assert_eq!(there, b"X\xd0\xb0?X");
        for piece in 1..5 {
            let back = map.recoder(b"utf-8", b"koi8-r");
            assert_eq!(recode(back, "Xа€X".as_bytes(), piece), b"X\xc1&#8364;X");
        }
    }

    #[test]
    fn broken_characters_become_question_marks() {
        let back = koi8().recoder(b"utf-8", b"koi8-r");
        assert_eq!(recode(back, b"\xffa\xd0", 3), b"?a");
    }

    #[test]
    fn tables_of_bytes_go_both_ways() {
        let map = CharsetMap::new(b"koi8-r", b"windows-1251", &[(0xc1, vec![0xe0])]);
        let there = map.recoder(b"koi8-r", b"windows-1251");
        assert!(there.as_ref().unwrap().keeps_length());
        assert_eq!(recode(there, b"a\xc1", 1), b"a\xe0");
        let back = map.recoder(b"windows-1251", b"koi8-r");
        assert_eq!(recode(back, b"a\xe0\xe1", 1), b"a\xc1?");
        assert!(map.recoder(b"koi8-r", b"utf-8").is_none());
    }
}
