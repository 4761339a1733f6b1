//! The slow and obvious way to a path, for property tests and fuzzing.

/// The path of an origin-form target: decoded, split at slashes, its segments folded.
pub fn normalised(target: &[u8], merge: bool) -> Option<Vec<u8>> {
    let end = target
        .iter()
        .position(|byte| b"?#".contains(byte))
        .unwrap_or(target.len());
    let mut decoded: Vec<u8> = Vec::new();
    let mut rest = &target[..end];
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        decoded.push(
            u8::from_str_radix(digits, 16)
                .ok()
                .filter(|&byte| byte != 0)?,
        );
        rest = &rest[2..];
    }
    let mut stack: Vec<&[u8]> = Vec::new();
    let segments: Vec<&[u8]> = decoded.split(|&byte| byte == b'/').skip(1).collect();
    for (index, segment) in segments.iter().enumerate() {
        let is_last = index + 1 == segments.len();
        match *segment {
            b"" if merge && !is_last => {}
            b"." if is_last => stack.push(b""),
            b"." => {}
            b".." => {
                stack.pop()?;
                if is_last {
                    stack.push(b"");
                }
            }
            segment => stack.push(segment),
        }
    }
    Some(
        stack
            .iter()
            .flat_map(|segment| [b"/", *segment].concat())
            .collect(),
    )
}
