//! The beginning of a file back into an entry; never trusts a byte of it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{
    FIXED, Head, KEY_LINE, LONGEST_HEAD, MAGIC, Meta, Record, VARIABLE, VERSION, check_sum,
};

/// What the first bytes of a file are.
#[derive(Debug)]
pub(crate) enum Start {
    /// An entry, and where its body begins.
    Entry(Box<Record>, u64),
    /// The beginning of one; it takes so many bytes.
    Longer(usize),
}

/// Reads the beginning of a file of `size` bytes; `None` for what is not a whole entry.
pub(crate) fn decode(input: &Bytes, size: u64) -> Option<Start> {
    let (magic, rest) = input.split_first_chunk::<8>()?;
    let (version, rest) = number(rest)?;
    let (start, rest) = number(rest)?;
    let (sum, rest) = rest.split_first_chunk::<8>()?;
    if magic != MAGIC || version != VERSION || start > LONGEST_HEAD {
        return None;
    }
    let start = usize::try_from(start).ok()?;
    if input.len() < start {
        return (start as u64 <= size).then_some(Start::Longer(start));
    }
    let mut meta = times(rest.first_chunk::<40>()?)?;
    if check_sum(input.get(FIXED..start)?) != *sum {
        return None;
    }
    let (modified, rest) = input.get(FIXED..)?.split_first_chunk::<8>()?;
    let (body_len, rest) = rest.split_first_chunk::<8>()?;
    let (variant, rest) = rest.split_first_chunk::<16>()?;
    let (etag_len, rest) = length(rest)?;
    let (vary_len, rest) = length(rest)?;
    let (key_len, rest) = length(rest)?;
    let (head_len, _) = length(rest)?;
    let mut at = VARIABLE;
    let mut take = |length: usize| {
        let end = at.checked_add(length).filter(|end| *end <= start)?;
        let part = input.slice(at..end);
        at = end;
        Some(part)
    };
    meta.etag = take(etag_len)?;
    meta.vary = take(vary_len)?;
    let line = take(KEY_LINE.len())?;
    let key = take(key_len)?;
    let end = take(1)?;
    let head = take(head_len)?;
    if line != KEY_LINE || end != "\n" || at != start {
        return None;
    }
    let body_len = u64::from_le_bytes(*body_len);
    if (start as u64).checked_add(body_len) != Some(size) {
        return None;
    }
    let modified = i64::from_le_bytes(*modified);
    meta.last_modified = (modified != i64::MIN).then_some(modified);
    let record = Record {
        key,
        meta,
        variant: *variant,
        head: Arc::new(parse_head(&head)?),
        body_len,
        memory: None,
        file: OnceLock::new(),
    };
    Some(Start::Entry(Box::new(record), start as u64))
}

fn number(input: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = input.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*number), rest))
}

fn length(input: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = number(input)?;
    Some((usize::try_from(length).ok()?, rest))
}

fn times(input: &[u8; 40]) -> Option<Meta> {
    let (values, sum) = input.split_at(32);
    if check_sum(values) != *sum {
        return None;
    }
    let mut values = values.chunks_exact(8).map(|value| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(value);
        u64::from_le_bytes(bytes)
    });
    Some(Meta {
        valid: values.next()?.cast_signed(),
        updating: values.next()?,
        error: values.next()?,
        date: values.next()?.cast_signed(),
        ..Meta::default()
    })
}

fn parse_head(text: &Bytes) -> Option<Head> {
    let mut lines = Lines(text.clone());
    let line = lines.next()?;
    let (status, reason) = line.strip_prefix(b"HTTP/1.1 ")?.split_at_checked(3)?;
    let status = std::str::from_utf8(status).ok()?.parse().ok()?;
    let reason = match reason {
        // Entries of earlier versions have none.
        [] => Bytes::new(),
        reason => line.slice_ref(reason.strip_prefix(b" ")?),
    };
    let mut head = Head {
        status,
        reason,
        fields: Vec::new(),
    };
    for line in lines {
        if line.is_empty() {
            return Some(head);
        }
        let colon = memchr::memchr(b':', &line)?;
        let value = line.slice(colon + 1..);
        let blank = value.first() == Some(&b' ');
        let field = (line.slice(..colon), value.slice(usize::from(blank)..));
        head.fields.push(field);
    }
    None
}

/// Lines that end in CRLF.
struct Lines(Bytes);

impl Iterator for Lines {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let end = memchr::memmem::find(&self.0, b"\r\n")?;
        let line = self.0.split_to(end);
        let _ = self.0.split_to(2);
        Some(line)
    }
}
