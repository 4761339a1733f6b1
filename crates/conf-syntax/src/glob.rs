//! File name patterns as `glob(3)` means them when called without flags, which is how nginx calls
//! it: `*`, `?`, `[…]`, a backslash takes the next byte literally, a leading dot must be written
//! out, no wildcard matches a slash, results are sorted by bytes.
//!
//! Pure: directories are listed through [`Directories`].

use std::collections::BTreeSet;

/// What [`expand`] must be able to ask of a file system.
pub trait Directories {
    /// The names in a directory (`.` and `..` may be left out); none where it cannot be read.
    fn list(&self, directory: &[u8]) -> Vec<Vec<u8>>;

    /// Whether a path exists, symbolic links not followed at the end.
    fn exists(&self, path: &[u8]) -> bool;
}

/// Whether nginx takes an `include` for a pattern. nginx: `ngx_conf_include`, `strpbrk`.
#[must_use]
pub fn is_pattern(path: &[u8]) -> bool {
    memchr::memchr3(b'*', b'?', b'[', path).is_some()
}

/// The paths that a pattern matches, sorted by bytes.
#[must_use]
pub fn expand(pattern: &[u8], directories: &dyn Directories) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = vec![Vec::new()];
    let mut checked = true;

    for (index, segment) in pattern.split(|byte| *byte == b'/').enumerate() {
        if index > 0 {
            found.iter_mut().for_each(|path| path.push(b'/'));
        }
        if is_pattern(segment) {
            found = found
                .iter()
                .flat_map(|base| matching(base, segment, directories))
                .collect();
            checked = true;
        } else {
            let name = literal(segment);
            found
                .iter_mut()
                .for_each(|path| path.extend_from_slice(&name));
            checked &= name.is_empty();
        }
    }

    if !checked {
        found.retain(|path| directories.exists(path));
    }
    let sorted: BTreeSet<Vec<u8>> = found.into_iter().collect();
    sorted.into_iter().collect()
}

/// The entries of one directory that match one segment.
fn matching(base: &[u8], segment: &[u8], directories: &dyn Directories) -> Vec<Vec<u8>> {
    let directory: &[u8] = if base.is_empty() { b"." } else { base };
    let names = directories.list(directory);
    let names = names.iter().filter(|name| segment_matches(segment, name));
    names.map(|name| [base, name].concat()).collect()
}

/// A segment without wildcards, its backslashes undone.
fn literal(segment: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(segment.len());
    let mut bytes = segment.iter().copied();
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'\\' {
            bytes.next().unwrap_or(byte)
        } else {
            byte
        };
        name.push(byte);
    }
    name
}

/// Whether a whole path matches a pattern, segment by segment.
#[must_use]
pub fn path_matches(pattern: &[u8], path: &[u8]) -> bool {
    let mut patterns = pattern.split(|byte| *byte == b'/');
    let mut names = path.split(|byte| *byte == b'/');
    loop {
        match (patterns.next(), names.next()) {
            (None, None) => return true,
            (Some(pattern), Some(name)) if segment_matches(pattern, name) => {}
            _ => return false,
        }
    }
}

/// Whether a name (without slashes) matches a pattern segment.
#[must_use]
pub fn segment_matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') && !pattern.starts_with(b"\\.")
    {
        return false;
    }

    let (mut pattern, mut name) = (pattern, name);
    // Where to go on when what follows the last `*` did not match: one byte further in the name.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some((b'*', after)) = pattern.split_first() {
            retry = Some((after, name));
            pattern = after;
            continue;
        }
        match (match_one(pattern, name), name.split_first()) {
            (Some(after), Some((_, rest))) => (pattern, name) = (after, rest),
            _ if pattern.is_empty() && name.is_empty() => return true,
            _ => match retry.and_then(|(after, at)| Some((after, at.split_first()?.1))) {
                Some(next) => {
                    retry = Some(next);
                    (pattern, name) = next;
                }
                None => return false,
            },
        }
    }
}

/// Matches the first byte of the name against the first element of the pattern (not a `*`); gives
/// the pattern that is left.
fn match_one<'p>(pattern: &'p [u8], name: &[u8]) -> Option<&'p [u8]> {
    let byte = *name.first()?;
    match pattern {
        [b'?', after @ ..] => Some(after),
        [b'[', after @ ..] => match bracket(after, byte) {
            Some((true, after)) => Some(after),
            Some((false, _)) => None,
            None => (byte == b'[').then_some(after),
        },
        [b'\\', escaped, after @ ..] => (*escaped == byte).then_some(after),
        [plain, after @ ..] => (*plain == byte).then_some(after),
        [] => None,
    }
}

/// A bracket expression after its `[`: whether the byte is in it, and what follows the `]`.
/// `None` if it has no `]`, in which case the `[` stands for itself.
fn bracket(expression: &[u8], byte: u8) -> Option<(bool, &[u8])> {
    let (negated, mut rest) = match expression {
        [b'!' | b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = false;
    let mut first = true;
    loop {
        rest = match rest {
            [] => return None,
            [b']', after @ ..] if !first => return Some((found != negated, after)),
            [b'[', b':', after @ ..] if class(after).is_some() => {
                let (name, after) = class(after)?;
                found |= in_class(name, byte);
                after
            }
            [low, b'-', high, after @ ..] if *high != b']' => {
                found |= (*low..=*high).contains(&byte);
                after
            }
            [b'\\', escaped, after @ ..] => {
                found |= *escaped == byte;
                after
            }
            [plain, after @ ..] => {
                found |= *plain == byte;
                after
            }
        };
        first = false;
    }
}

/// The name of a class such as `[:digit:]` after its `[:`, and what follows its `:]`.
fn class(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.windows(2).position(|pair| pair == b":]")?;
    let (name, after) = text.split_at_checked(end)?;
    name.iter()
        .all(u8::is_ascii_lowercase)
        .then_some((name, after.get(2..)?))
}

/// Whether a byte belongs to a named class, in the C locale.
fn in_class(name: &[u8], byte: u8) -> bool {
    match name {
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"alpha" => byte.is_ascii_alphabetic(),
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"cntrl" => byte.is_ascii_control(),
        b"digit" => byte.is_ascii_digit(),
        b"graph" => byte.is_ascii_graphic(),
        b"lower" => byte.is_ascii_lowercase(),
        b"print" => byte.is_ascii_graphic() || byte == b' ',
        b"punct" => byte.is_ascii_punctuation(),
        b"space" => byte.is_ascii_whitespace() || byte == 0x0b,
        b"upper" => byte.is_ascii_uppercase(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        for name in matching {
            assert!(
                segment_matches(pattern.as_bytes(), name.as_bytes()),
                "{pattern} {name}"
            );
        }
        for name in others {
            assert!(
                !segment_matches(pattern.as_bytes(), name.as_bytes()),
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn segments() {
        check(
            "*.conf",
            &["a.conf", "a.b.conf", "conf.conf"],
            &[".conf", ".a.conf", "a.conf~"],
        );
        check(".*", &[".", ".a"], &["a"]);
        check("a?c*", &["abc", "a.cd"], &["ac", "bac"]);
        check("[a-c]x[!0-9]", &["axb", "cx-"], &["dxb", "ax1", "ax"]);
        check("[]a]", &["]", "a"], &["b"]);
        check("[[:digit:]_]", &["7", "_"], &["a", "["]);
        check("a\\*", &["a*"], &["ab"]);
        check("[a", &["[a"], &["a"]);
        check("*a*b*c", &["xaybzc", "abc"], &["acb", "ab"]);
        check("", &[""], &["a"]);
    }

    #[test]
    fn stars_do_not_multiply_the_work() {
        let name = vec![b'a'; 10_000];
        assert!(!segment_matches(b"*a*a*a*a*a*a*a*a*b", &name));
    }

    #[test]
    fn paths_expand_in_byte_order_and_literal_tails_must_exist() {
        struct Sites;
        impl Directories for Sites {
            fn list(&self, directory: &[u8]) -> Vec<Vec<u8>> {
                let names: &[&str] = match directory {
                    b"/e/" => &["b", "a", "B", ".hidden"],
                    _ => &[],
                };
                names.iter().map(|name| name.as_bytes().to_vec()).collect()
            }
            fn exists(&self, path: &[u8]) -> bool {
                path != b"/e/a/x.conf"
            }
        }
        assert_eq!(expand(b"/e/*", &Sites), [b"/e/B", b"/e/a", b"/e/b"]);
        assert_eq!(
            expand(b"/e/*/x.conf", &Sites),
            [b"/e/B/x.conf", b"/e/b/x.conf"]
        );
        assert!(expand(b"/none/*", &Sites).is_empty());
    }
}
