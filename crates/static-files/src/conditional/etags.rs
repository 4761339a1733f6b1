//! Lists of entity tags, as nginx compares them (`ngx_http_test_if_match`).

/// The tag without its mark of weakness.
pub(super) fn weakly(etag: &[u8]) -> &[u8] {
    match etag.strip_prefix(b"W/") {
        Some(rest) if !rest.is_empty() => rest,
        _ => etag,
    }
}

/// Whether `list` names `etag`. With `weak`, marks of weakness in the list do not count (RFC 9110 §8.8.3.2).
///
/// nginx does not read the list, it seeks: what stands between commas is compared with the tag, so a comma within a
/// tag may mislead it, in both directions.
pub(super) fn list_matches(list: &[u8], etag: Option<&[u8]>, weak: bool) -> bool {
    if list == b"*" {
        return true;
    }
    let Some(etag) = etag else {
        return false;
    };
    let mut rest = list;
    while !rest.is_empty() {
        if weak && rest.len() > 2 {
            rest = rest.strip_prefix(b"W/").unwrap_or(rest);
        }
        if etag.len() > rest.len() {
            return false;
        }
        if let Some(after) = rest.strip_prefix(etag) {
            rest = skip_blanks(after);
            if rest.is_empty() || rest.first() == Some(&b',') {
                return true;
            }
        }
        rest = next_element(rest);
    }
    false
}

fn next_element(list: &[u8]) -> &[u8] {
    let comma = memchr::memchr(b',', list).unwrap_or(list.len());
    let rest = list.get(comma..).unwrap_or_default();
    let start = rest
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b','));
    start
        .and_then(|start| rest.get(start..))
        .unwrap_or_default()
}

/// Skips spaces and tabs, the only blanks that nginx knows here.
fn skip_blanks(list: &[u8]) -> &[u8] {
    let start = list.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    start
        .and_then(|start| list.get(start..))
        .unwrap_or_default()
}
