//! One head, line by line as it arrives.

use std::ops::Range;
use std::sync::Arc;

use memchr::memchr;

use super::request_line::{RequestLine, check_method_so_far};
use super::{Fields, Refusal, validate_host};
use crate::settings::Settings;

/// Where reading stands after some bytes.
#[derive(Debug)]
pub(crate) enum Step {
    /// The head is not whole yet.
    More,
    /// The head ends before this offset; the body, if any, begins there.
    Whole(usize),
    /// The client is refused.
    Refuse(Refusal),
}

/// Who is told of things while a head is read.
pub(crate) trait Watch {
    /// A line is left out as invalid.
    fn ignored(&mut self, line: &[u8]);
    /// The host is known now; the settings of its server rule over the rest of the head.
    fn host(&mut self, host: &[u8]) -> Option<Arc<Settings>>;
}

/// The reading of one head. Offsets are relative to the first byte that was ever shown to it, so
/// the same bytes with more behind them must be shown again each time.
#[derive(Debug)]
pub(crate) struct Scan {
    settings: Arc<Settings>,
    /// Start of the line that is not whole yet.
    line_start: usize,
    /// How far its end has been looked for.
    searched: usize,
    /// Room of the buffers that were in use when the host became known.
    taken: usize,
    /// Where the last line ends that could be read, whatever was said of it then: what nginx counts
    /// as received of a request that it refuses.
    pub(crate) accepted: usize,
    pub(crate) line: Option<RequestLine>,
    pub(crate) fields: Fields,
}

impl Scan {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            line_start: 0,
            searched: 0,
            taken: 0,
            accepted: 0,
            line: None,
            fields: Fields::default(),
        }
    }

    /// The settings that hold for this head, as far as its server is known.
    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Looks at all that has arrived of a head.
    pub(crate) fn advance(&mut self, bytes: &[u8], watch: &mut dyn Watch) -> Step {
        loop {
            let Some(found) = memchr(b'\n', bytes.get(self.searched..).unwrap_or_default()) else {
                self.searched = bytes.len();
                return match self.check_unfinished(bytes) {
                    Ok(()) => Step::More,
                    Err(refusal) => Step::Refuse(refusal),
                };
            };
            let newline = self.searched + found;
            match self.take_line(bytes, newline, watch) {
                Ok(false) => {}
                Ok(true) => return Step::Whole(newline + 1),
                Err(refusal) => return Step::Refuse(refusal),
            }
            self.line_start = newline + 1;
            self.searched = newline + 1;
        }
    }

    /// Takes in the line that ends at `newline`; `true` when it ended the head.
    fn take_line(
        &mut self,
        bytes: &[u8],
        newline: usize,
        watch: &mut dyn Watch,
    ) -> Result<bool, Refusal> {
        let start = self.line_start;
        let end = if newline > start && bytes[newline - 1] == b'\r' {
            newline - 1
        } else {
            newline
        };
        self.check_size(newline + 1)?;
        let Some(line) = &self.line else {
            return self.take_request_line(bytes, start..end, newline, watch);
        };
        if start < end {
            // An absolute form rules over the field.
            let known = self.fields.host.is_some() || line.authority.is_some();
            let field = self.fields.read(bytes, start..end, &self.settings, watch)?;
            self.accepted = newline + 1;
            if let Some(field) = field {
                self.fields.take(bytes, field, &self.settings)?;
            }
            if !known && self.fields.host.is_some() {
                self.hosted(&bytes[self.fields.host_name.clone()], newline + 1, watch);
            }
            return Ok(false);
        }
        self.accepted = newline + 1;
        let method = &bytes[line.method.clone()];
        let finished = self.fields.finish(bytes, method, line.version);
        finished.map(|()| true).map_err(|refusal| Refusal {
            whole: true,
            ..refusal
        })
    }

    fn take_request_line(
        &mut self,
        bytes: &[u8],
        Range { start, end }: Range<usize>,
        newline: usize,
        watch: &mut dyn Watch,
    ) -> Result<bool, Refusal> {
        // RFC 9112 §2.2: empty lines before a request are skipped.
        if bytes[start..end].iter().all(|&byte| byte == b'\r') {
            return Ok(false);
        }
        let line = RequestLine::parse(bytes, start, end)?;
        let checked = check_escapes(&bytes[line.target.clone()]);
        let version = line.version;
        self.accepted = newline + 1;
        if let Some(authority) = &line.authority
            && let Some((host, _)) = validate_host(&bytes[authority.clone()])
        {
            self.hosted(host, end, watch);
        }
        // The line itself is a good one; the log shows what it says.
        self.line = Some(line);
        checked.map(|()| version < 1000)
    }

    /// A host has been named, in what reaches to `end`.
    fn hosted(&mut self, host: &[u8], end: usize, watch: &mut dyn Watch) {
        if let Some(settings) = watch.host(host) {
            let (_, size) = self.settings.large_client_header_buffers;
            let first = self.settings.client_header_buffer_size;
            // nginx asks for the number of buffers when it needs another one.
            let more = end.saturating_sub(first).div_ceil(size.max(1));
            self.taken = first + more * size;
            self.settings = settings;
        }
    }

    /// What can be said of a line before its end has come.
    fn check_unfinished(&self, bytes: &[u8]) -> Result<(), Refusal> {
        let rest = bytes.get(self.line_start..).unwrap_or_default();
        self.check_size(bytes.len())?;
        if self.line.is_none() {
            let begun = rest
                .iter()
                .position(|&byte| byte != b'\r')
                .unwrap_or(rest.len());
            return check_method_so_far(&rest[begun..]);
        }
        Ok(())
    }

    /// Whether a head that reaches to `end` still fits into nginx's buffers: each line into one,
    /// all of it into all of them.
    fn check_size(&self, end: usize) -> Result<(), Refusal> {
        let (count, size) = self.settings.large_client_header_buffers;
        let first = self.settings.client_header_buffer_size;
        let line = end - self.line_start;
        let too_long = line > size.max(first) || end > (first + count * size).max(self.taken);
        match (too_long, &self.line) {
            (false, _) => Ok(()),
            (true, None) => Err(Refusal::new(414, "client sent too long URI")),
            (true, Some(_)) => Err(Refusal::new(494, "client sent too large request")),
        }
    }

    /// Where the first field line begins.
    pub(crate) fn fields_start(&self, head: &[u8]) -> usize {
        let end = self.line.as_ref().map_or(0, |line| line.whole.end);
        memchr(b'\n', &head[end..]).map_or(head.len(), |newline| end + newline + 1)
    }
}

/// `%` must be followed by two hex digits and must not make a NUL, before the query.
///
/// Source: nginx, `ngx_http_parse_complex_uri`.
pub(crate) fn check_escapes(target: &[u8]) -> Result<(), Refusal> {
    let path = target
        .split(|&b| b == b'?' || b == b'#')
        .next()
        .unwrap_or_default();
    let mut rest = path;
    while let Some(at) = memchr(b'%', rest) {
        match rest.get(at + 1..at + 3) {
            Some(pair) if pair.iter().all(u8::is_ascii_hexdigit) && pair != b"00" => {}
            _ => return Err(Refusal::bad("client sent invalid request")),
        }
        rest = &rest[at + 3..];
    }
    Ok(())
}
