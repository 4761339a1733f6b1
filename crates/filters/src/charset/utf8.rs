//! UTF-8 as nginx decodes it, one character at a time.
//!
//! Source: nginx, `ngx_utf8_decode`.

/// The beginning of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// A character and its length in bytes.
    Character(u32, usize),
    /// So many bytes that are none.
    Invalid(usize),
    /// The beginning of a character.
    Incomplete,
}

/// Decodes the first character of a text that is not empty.
pub(super) fn decode(text: &[u8]) -> Decoded {
    let Some((&first, rest)) = text.split_first() else {
        return Decoded::Incomplete;
    };
    if first < 0x80 {
        return Decoded::Character(u32::from(first), 1);
    }
    let (mut character, least, more) = match first {
        0xf0..=0xf7 => (u32::from(first & 0x07), 0x1_0000, 3),
        0xe0..=0xef => (u32::from(first & 0x0f), 0x800, 2),
        0xc2..=0xdf => (u32::from(first & 0x1f), 0x80, 1),
        _ => return Decoded::Invalid(1),
    };
    let Some(following) = rest.get(..more) else {
        return Decoded::Incomplete;
    };
    for (at, &byte) in following.iter().enumerate() {
        if byte < 0x80 {
            return Decoded::Invalid(at + 2);
        }
        character = (character << 6) | u32::from(byte & 0x3f);
    }
    if character < least || character > 0x10_ffff {
        return Decoded::Invalid(more + 1);
    }
    Decoded::Character(character, more + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn broken_beginnings_are_told_from_unfinished_ones() {
        assert_eq!(decode(b"\xe2\x82"), Decoded::Incomplete);
        assert_eq!(decode(b"\xe2a\x82"), Decoded::Invalid(2));
        assert_eq!(decode(b"\xc0\x80"), Decoded::Invalid(1));
        assert_eq!(decode(b"\xe0\x80\x80"), Decoded::Invalid(3));
    }

    proptest! {
        #[test]
        fn every_character_is_decoded(character: char) {
            let text = character.to_string();
            prop_assert_eq!(
                decode(text.as_bytes()),
                Decoded::Character(u32::from(character), text.len())
            );
        }
    }
}
