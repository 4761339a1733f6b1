//! Field lines of a head: which are refused, which are left out, and the facts that the connection
//! itself needs (framing, host, persistence).

use std::ops::Range;

use smallvec::SmallVec;

use super::{NameMask, Refusal, Watch, validate_host};
use crate::settings::Settings;

/// What the client asks for with `Connection`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// It says nothing: keep for HTTP/1.1, close for HTTP/1.0.
    #[default]
    Default,
    Close,
    KeepAlive,
}

/// Facts gathered from field lines, as offsets into the head.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) count: usize,
    pub(crate) persistence: Persistence,
    /// The `Expect` field says `100-continue`.
    pub(crate) expect_continue: bool,
    pub(crate) content_length: Option<u64>,
    content_length_is_bad: bool,
    /// Value of `Transfer-Encoding`.
    transfer_encoding: Option<Range<usize>>,
    pub(crate) chunked: bool,
    /// Value of `Host`.
    pub(crate) host: Option<Range<usize>>,
    /// The host in it, without the port.
    pub(crate) host_name: Range<usize>,
    /// The fields that may come once only and have come, one bit each.
    seen: u16,
    /// The lines that a service gets to see; those of the framing are not among them.
    pub(crate) lines: FieldLines,
    /// The names of all fields, those of the framing too.
    pub(crate) names: NameMask,
}

/// Longest name of a field, and most fields of a head: what an [`http::HeaderMap`] takes.
const LONGEST_NAME: usize = (1 << 16) - 1;
const MOST_FIELDS: usize = 16 << 10;

/// Where the fields of a head are.
pub(crate) type FieldLines = SmallVec<[FieldLine; 12]>;

/// Where name and value of a field are in the head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldLine {
    name: (u32, u32),
    value: (u32, u32),
}

impl FieldLine {
    /// A head is far shorter than 4 GiB: its buffers are.
    fn new(name: &Range<usize>, value: &Range<usize>) -> Self {
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            name: (short(name.start), short(name.end)),
            value: (short(value.start), short(value.end)),
        }
    }

    pub(crate) fn name(self) -> Range<usize> {
        self.name.0 as usize..self.name.1 as usize
    }

    pub(crate) fn value(self) -> Range<usize> {
        self.value.0 as usize..self.value.1 as usize
    }
}

/// How a byte of a field name is to be taken. Source: nginx, `ngx_http_parse_header_line`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum NameByte {
    Good,
    Underscore,
    /// A token byte of RFC 9110 §5.6.2 that nginx calls invalid.
    Token,
    /// Anything else that is visible: never part of a token.
    Delimiter,
    Colon,
    /// Control bytes and space: the line is refused.
    Bad,
}

static NAME: [NameByte; 256] = name_table();

const fn name_table() -> [NameByte; 256] {
    let mut table = [NameByte::Delimiter; 256];
    let mut index = 0;
    while index < 256 {
        let byte = index as u8;
        table[index] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => NameByte::Good,
            b'_' => NameByte::Underscore,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'.' | b'^' | b'`' | b'|'
            | b'~' => NameByte::Token,
            b':' => NameByte::Colon,
            0..=0x20 | 0x7f => NameByte::Bad,
            _ => NameByte::Delimiter,
        };
        index += 1;
    }
    table
}

impl Fields {
    /// Name and value of the field line at `line`, its end mark not included; `None` where it is
    /// left out.
    ///
    /// Source: nginx, `ngx_http_process_request_headers`; RFC 9112 §5.
    pub(crate) fn read(
        &self,
        head: &[u8],
        line: Range<usize>,
        settings: &Settings,
        watch: &mut dyn Watch,
    ) -> Result<Option<FieldLine>, Refusal> {
        let bytes = &head[line.clone()];
        let mut worst = NameByte::Good;
        let mut colon = None;
        for (at, &byte) in bytes.iter().enumerate() {
            let class = NAME[usize::from(byte)];
            if class == NameByte::Colon {
                colon = Some(at);
                break;
            }
            if class == NameByte::Bad {
                return Err(invalid_line(bytes, at));
            }
            worst = worst.max(class);
        }
        let Some(colon) = colon.filter(|&colon| colon > 0 && colon <= LONGEST_NAME) else {
            // Differs: nginx takes a line without a colon as a field without a value; RFC 9112 §5
            // has no such line.
            return Err(invalid_line(bytes, colon.unwrap_or(bytes.len())));
        };
        let value = trim(head, line.start + colon + 1, line.end);
        check_value(bytes, &head[value.clone()])?;
        if is_odd(worst, settings) && settings.ignore_invalid_headers {
            watch.ignored(bytes);
            return Ok(None);
        }
        if worst == NameByte::Delimiter {
            return Err(invalid_line(bytes, colon));
        }
        let name = line.start..line.start + colon;
        Ok(Some(FieldLine::new(&name, &value)))
    }

    /// Takes in a field.
    pub(crate) fn take(
        &mut self,
        head: &[u8],
        field: FieldLine,
        settings: &Settings,
    ) -> Result<(), Refusal> {
        self.count += 1;
        if self.count > settings.max_headers.min(MOST_FIELDS) {
            return Err(Refusal::new(494, "client sent too many header lines"));
        }
        self.known(head, field)
    }

    /// The fields that nginx reads itself: those that may come once, and those we need.
    ///
    /// Source: nginx, `ngx_http_headers_in`.
    fn known(&mut self, head: &[u8], field: FieldLine) -> Result<(), Refusal> {
        let (name, value) = (field.name(), field.value());
        let bytes = &head[name.clone()];
        let content = &head[value.clone()];
        let known = Known::of(bytes);
        self.names.add(bytes);
        if !matches!(known, Some(Known::ContentLength | Known::TransferEncoding)) {
            self.lines.push(field);
        }
        let Some(known) = known else {
            return Ok(());
        };
        if let Some(bit) = known.once() {
            if self.seen & bit != 0 {
                return Err(duplicate(known, &head[name], content));
            }
            self.seen |= bit;
        }
        match known {
            Known::Host => {
                let Some((host, _)) = validate_host(content) else {
                    return Err(Refusal::bad("client sent invalid host header"));
                };
                // A host begins its value.
                self.host_name = value.start..value.start + host.len();
                self.host = Some(value);
            }
            Known::Connection => self.take_connection(content),
            Known::Expect => self.expect_continue = content.eq_ignore_ascii_case(b"100-continue"),
            Known::ContentLength => {
                self.content_length = parse_length(content);
                self.content_length_is_bad = self.content_length.is_none();
            }
            Known::TransferEncoding => self.transfer_encoding = Some(value),
            Known::Once(_) => {}
        }
        Ok(())
    }

    fn take_connection(&mut self, value: &[u8]) {
        if contains_ignoring_case(value, b"close") {
            self.persistence = Persistence::Close;
        } else if contains_ignoring_case(value, b"keep-alive") {
            self.persistence = Persistence::KeepAlive;
        }
    }

    /// The rules over the whole head.
    ///
    /// Source: nginx, `ngx_http_process_request_header`; RFC 9112 §3.2 and §6.3.
    pub(crate) fn finish(
        &mut self,
        head: &[u8],
        method: &[u8],
        version: u16,
    ) -> Result<(), Refusal> {
        if self.host.is_none() && version > 1000 {
            return Err(Refusal::bad(
                "client sent HTTP/1.1 request without \"Host\" header",
            ));
        }
        if self.content_length_is_bad {
            return Err(Refusal::bad(
                "client sent invalid \"Content-Length\" header",
            ));
        }
        if let Some(encoding) = &self.transfer_encoding {
            let encoding = &head[encoding.clone()];
            if version < 1001 {
                return Err(Refusal::bad(
                    "client sent HTTP/1.0 request with \"Transfer-Encoding\" header",
                ));
            }
            if !encoding.eq_ignore_ascii_case(b"chunked") {
                let shown = String::from_utf8_lossy(encoding);
                let reason = format!("client sent unknown \"Transfer-Encoding\": \"{shown}\"");
                return Err(Refusal::new(501, reason));
            }
            if self.content_length.is_some() {
                return Err(Refusal::bad(
                    "client sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time",
                ));
            }
            self.chunked = true;
        }
        match method {
            b"CONNECT" => Err(Refusal::new(405, "client sent CONNECT method")),
            b"TRACE" => Err(Refusal::new(405, "client sent TRACE method")),
            _ => Ok(()),
        }
    }
}

/// Whether nginx leaves a field with that name out by default.
pub(crate) fn is_odd_name(name: &[u8], settings: &Settings) -> bool {
    let worst = name.iter().map(|byte| NAME[usize::from(*byte)]).max();
    worst.is_some_and(|worst| is_odd(worst, settings))
}

fn is_odd(worst: NameByte, settings: &Settings) -> bool {
    worst > NameByte::Underscore
        || (worst == NameByte::Underscore && !settings.underscores_in_headers)
}

/// A field name that means something to the gate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Host,
    Connection,
    Expect,
    ContentLength,
    TransferEncoding,
    /// Nothing but that it may come once; with its bit.
    Once(u16),
}

impl Known {
    pub(crate) fn of(name: &[u8]) -> Option<Self> {
        let is = |expected: &[u8]| name.eq_ignore_ascii_case(expected);
        match name.len() {
            4 if is(b"host") => Some(Self::Host),
            6 if is(b"expect") => Some(Self::Expect),
            8 if is(b"if-match") => Some(Self::Once(1 << 4)),
            8 if is(b"if-range") => Some(Self::Once(1 << 5)),
            10 if is(b"connection") => Some(Self::Connection),
            13 if is(b"authorization") => Some(Self::Once(1 << 6)),
            13 if is(b"if-none-match") => Some(Self::Once(1 << 7)),
            13 if is(b"content-range") => Some(Self::Once(1 << 8)),
            14 if is(b"content-length") => Some(Self::ContentLength),
            17 if is(b"transfer-encoding") => Some(Self::TransferEncoding),
            17 if is(b"if-modified-since") => Some(Self::Once(1 << 9)),
            19 if is(b"if-unmodified-since") => Some(Self::Once(1 << 10)),
            19 if is(b"proxy-authorization") => Some(Self::Once(1 << 11)),
            _ => None,
        }
    }

    /// Its bit, if it may come once only.
    pub(crate) fn once(self) -> Option<u16> {
        match self {
            Self::Connection => None,
            Self::Host => Some(1),
            Self::Expect => Some(1 << 1),
            Self::ContentLength => Some(1 << 2),
            Self::TransferEncoding => Some(1 << 3),
            Self::Once(bit) => Some(bit),
        }
    }
}

/// Spaces around a value do not belong to it. RFC 9110 §5.5.
fn trim(head: &[u8], mut start: usize, mut end: usize) -> Range<usize> {
    while start < end && matches!(head[start], b' ' | b'\t') {
        start += 1;
    }
    while end > start && matches!(head[end - 1], b' ' | b'\t') {
        end -= 1;
    }
    start..end
}

/// RFC 9110 §5.5: no control bytes in a value. The loop has no way out early, so it is vectorised.
///
/// Differs: nginx refuses NUL only; other control bytes are refused here.
fn check_value(line: &[u8], value: &[u8]) -> Result<(), Refusal> {
    let bad = value.iter().fold(false, |bad, &b| {
        bad | ((b < 0x20) & (b != b'\t')) | (b == 0x7f)
    });
    if !bad {
        return Ok(());
    }
    let at = line
        .iter()
        .position(|&b| (b < 0x20 && b != b'\t') || b == 0x7f);
    Err(invalid_line(line, at.unwrap_or(line.len())))
}

/// Digits only, and no more than fit. Source: nginx, `ngx_atoof`; RFC 9110 §8.6.
fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length = value.iter().try_fold(0_u64, |n, digit| {
        n.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })?;
    (length <= i64::MAX as u64).then_some(length)
}

fn contains_ignoring_case(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len())
        .any(|part| part.eq_ignore_ascii_case(word))
}

fn invalid_line(line: &[u8], at: usize) -> Refusal {
    let shown = String::from_utf8_lossy(&line[..at.min(line.len())]).into_owned();
    let byte = line.get(at).copied().unwrap_or(b'\n');
    Refusal::bad(format!(
        "client sent invalid header line: \"{shown}\\x{byte:02x}...\""
    ))
}

fn duplicate(known: Known, name: &[u8], value: &[u8]) -> Refusal {
    let (name, value) = (
        String::from_utf8_lossy(name),
        String::from_utf8_lossy(value),
    );
    let what = if known == Known::Host {
        "host header"
    } else {
        "header line"
    };
    Refusal::bad(format!("client sent duplicate {what}: \"{name}: {value}\""))
}
