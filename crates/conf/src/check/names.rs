//! Sets of names with wildcards, and how they conflict (`nginx: ngx_hash_add_key`).

use std::collections::HashSet;

/// Names of servers of one socket, or keys of one `map`.
#[derive(Default)]
pub(super) struct NameSet {
    exact: HashSet<Vec<u8>>,
    head: HashSet<Vec<u8>>,
    tail: HashSet<Vec<u8>>,
}

/// Why a name was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NameClash {
    /// A wildcard in the wrong place, or two dots in a row.
    Invalid,
    /// The name is there already.
    Taken,
}

impl NameSet {
    /// Adds a name, case ignored; with `wildcards`, a star at either end stands for labels.
    pub(super) fn add(&mut self, name: &[u8], wildcards: bool) -> Result<(), NameClash> {
        let name = name.to_ascii_lowercase();
        let inserted = match &name[..] {
            _ if !wildcards => self.exact.insert(name),
            _ if has_faulty_wildcard(&name) => return Err(NameClash::Invalid),
            [b'.', rest @ .., _] if !rest.is_empty() || name.len() == 2 => {
                let below = name.get(1..).unwrap_or_default().to_vec();
                self.exact.insert(below.clone()) && self.head.insert(below)
            }
            [b'*', b'.', rest @ ..] if !rest.is_empty() => self.head.insert(rest.to_vec()),
            [rest @ .., b'.', b'*'] if !rest.is_empty() => self.tail.insert(rest.to_vec()),
            _ if name.contains(&b'*') => return Err(NameClash::Invalid),
            _ => self.exact.insert(name),
        };
        if inserted {
            Ok(())
        } else {
            Err(NameClash::Taken)
        }
    }
}

fn has_faulty_wildcard(name: &[u8]) -> bool {
    let stars = name.iter().filter(|byte| **byte == b'*').count();
    stars > 1 || name.contains(&0) || name.windows(2).any(|pair| pair == b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_dot_takes_the_name_itself_too() {
        let mut names = NameSet::default();
        assert_eq!(names.add(b"a.b", true), Ok(()));
        assert_eq!(names.add(b"A.B", true), Err(NameClash::Taken));
        assert_eq!(names.add(b".a.b", true), Err(NameClash::Taken));
        assert_eq!(names.add(b"*.c.d", true), Ok(()));
        assert_eq!(names.add(b".c.d", true), Err(NameClash::Taken));
        assert_eq!(names.add(b"www.a.*", true), Ok(()));
        assert_eq!(names.add(b"w*.a", true), Err(NameClash::Invalid));
        assert_eq!(names.add(b"a..b", true), Err(NameClash::Invalid));
        assert_eq!(names.add(b"a..b*", false), Ok(()));
    }
}
