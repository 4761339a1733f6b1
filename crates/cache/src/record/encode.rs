//! An entry into the bytes that stand before its body.

use super::{FIXED, KEY_LINE, MAGIC, Meta, Record, VARIABLE, VERSION, check_sum};

/// Everything before the body.
pub(crate) fn encode(record: &Record) -> Vec<u8> {
    let head = head(record);
    let meta = &record.meta;
    let mut out = Vec::with_capacity(VARIABLE + record.key.len() + head.len() + 256);
    out.resize(FIXED, 0);
    out.extend_from_slice(&meta.last_modified.unwrap_or(i64::MIN).to_le_bytes());
    out.extend_from_slice(&record.body_len.to_le_bytes());
    out.extend_from_slice(&record.variant);
    for length in [
        meta.etag.len(),
        meta.vary.len(),
        record.key.len(),
        head.len(),
    ] {
        // Lengths are bounded where heads and keys are read.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_le_bytes());
    }
    debug_assert_eq!(out.len(), VARIABLE);
    for part in [
        &meta.etag[..],
        &meta.vary,
        KEY_LINE,
        &record.key,
        b"\n",
        &head,
    ] {
        out.extend_from_slice(part);
    }
    let start = u32::try_from(out.len()).unwrap_or(u32::MAX);
    let sum = check_sum(&out[FIXED..]);
    out[..8].copy_from_slice(MAGIC);
    out[8..12].copy_from_slice(&VERSION.to_le_bytes());
    out[12..16].copy_from_slice(&start.to_le_bytes());
    out[16..24].copy_from_slice(&sum);
    out[24..FIXED].copy_from_slice(&encode_times(meta));
    out
}

/// The part that a revalidation changes.
pub(crate) fn encode_times(meta: &Meta) -> [u8; 40] {
    let mut out = [0; 40];
    out[..8].copy_from_slice(&meta.valid.to_le_bytes());
    out[8..16].copy_from_slice(&meta.updating.to_le_bytes());
    out[16..24].copy_from_slice(&meta.error.to_le_bytes());
    out[24..32].copy_from_slice(&meta.date.to_le_bytes());
    let sum = check_sum(&out[..32]);
    out[32..].copy_from_slice(&sum);
    out
}

/// `HTTP/1.1 200 OK`, then the fields: to be read with a pager, too.
fn head(record: &Record) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {:03}", record.head.status).into_bytes();
    if !record.head.reason.is_empty() {
        out.push(b' ');
        out.extend_from_slice(&record.head.reason);
    }
    out.extend_from_slice(b"\r\n");
    for (name, value) in record.head.iter() {
        for part in [name, b": ", value, b"\r\n"] {
            out.extend_from_slice(part);
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}
