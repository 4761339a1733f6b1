//! The second name of an entry, where the answer depends on fields of the request (`Vary`).
//!
//! Source: nginx, `ngx_http_file_cache_vary`, `ngx_http_file_cache_vary_header`; RFC 9110 §12.5.5.

use http::{HeaderMap, HeaderName};
use md5::{Digest, Md5};

use crate::key::Key;

/// Longest `Vary` that is stored (nginx: `NGX_HTTP_CACHE_VARY_LEN`).
pub(crate) const LONGEST: usize = 128;

/// Fields whose blanks and commas do not matter.
const LISTS: [&str; 3] = ["accept-charset", "accept-encoding", "accept-language"];

/// Names the variant that a request with these fields would get.
#[must_use]
pub fn variant(main: &Key, vary: &[u8], fields: &HeaderMap) -> Key {
    let mut hash = Md5::new();
    hash.update(main.0);
    for name in words(vary) {
        let name = name.to_ascii_lowercase();
        hash.update(&name);
        hash.update(b":");
        if let Ok(name) = HeaderName::from_bytes(&name) {
            add_values(&mut hash, fields, &name);
        }
        hash.update(b"\r\n");
    }
    Key(hash.finalize().into())
}

fn add_values(hash: &mut Md5, fields: &HeaderMap, name: &HeaderName) {
    let mut first = true;
    let mut add = |value: &[u8]| {
        if !std::mem::take(&mut first) {
            hash.update(b",");
        }
        hash.update(value);
    };
    for value in fields.get_all(name) {
        if LISTS.contains(&name.as_str()) {
            words(value.as_bytes()).for_each(&mut add);
        } else {
            add(value.as_bytes());
        }
    }
}

/// What stands between blanks and commas.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| matches!(byte, b' ' | b','))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn accepting(encodings: &[&str]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for encoding in encodings {
            fields.append("accept-encoding", HeaderValue::from_str(encoding).unwrap());
        }
        fields.append("foo", HeaderValue::from_static("a, b"));
        fields
    }

    fn named(vary: &str, fields: &HeaderMap) -> Key {
        variant(&Key::of(b"/"), vary.as_bytes(), fields)
    }

    #[test]
    fn blanks_in_lists_do_not_matter() {
        let vary = ",, Accept-encoding , ,";
        let plain = named(vary, &accepting(&["gzip, br"]));
        assert_eq!(plain, named("accept-encoding", &accepting(&["gzip,,br "])));
        assert_eq!(plain, named("ACCEPT-ENCODING", &accepting(&["gzip", "br"])));
        assert_ne!(plain, named(vary, &accepting(&["br, gzip"])));
        assert_ne!(plain, named(vary, &accepting(&[])));
    }

    #[test]
    fn other_fields_are_taken_as_they_are() {
        let mut other = accepting(&[]);
        let plain = named("Foo", &other);
        other.insert("foo", HeaderValue::from_static("a,b"));
        assert_ne!(plain, named("Foo", &other));
    }

    proptest! {
        #[test]
        fn only_named_fields_count(vary in "[a-z, ]{0,40}", value in "[ -~]{0,20}") {
            let mut fields = accepting(&["gzip"]);
            let before = named(&vary, &fields);
            fields.insert("x-0", HeaderValue::from_str(&value).unwrap());
            prop_assert_eq!(before, named(&vary, &fields));
        }
    }
}
