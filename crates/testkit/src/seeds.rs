//! What fuzzing begins with: `fuzz/seeds/TARGET.txt` of a crate, one input a line with escapes, and for
//! the parser every configuration of its tests.

use std::fs;
use std::path::Path;

/// The seeds of a target in the folder of its crate.
#[must_use]
pub fn seeds(folder: &Path, target: &str) -> Vec<Vec<u8>> {
    let lines = fs::read_to_string(folder.join(format!("fuzz/seeds/{target}.txt")));
    let mut seeds: Vec<_> = lines.unwrap_or_default().lines().map(unescape).collect();
    if target == "parse" {
        collect_configurations(&folder.join("tests"), &mut seeds);
    }
    seeds
}

fn collect_configurations(folder: &Path, seeds: &mut Vec<Vec<u8>>) {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect_configurations(&path, seeds);
        } else if path.extension().is_some_and(|end| end == "conf") {
            seeds.extend(fs::read(&path));
        }
    }
}

/// Escapes for a line end, a backslash and any byte; everything else is itself.
fn unescape(line: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), line.as_bytes());
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let Some((&kind, tail)) = rest.split_first() else {
            break;
        };
        rest = tail;
        match kind {
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b'x' => {
                let digits = rest
                    .get(..2)
                    .and_then(|digits| std::str::from_utf8(digits).ok());
                bytes.extend(digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()));
                rest = rest.get(2..).unwrap_or_default();
            }
            other => bytes.push(other),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(unescape(r"a\n\r\\\x00\xffb"), b"a\n\r\\\x00\xffb");
    }
}
