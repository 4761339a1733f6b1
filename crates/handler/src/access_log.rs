//! Access-log lines, written when a request is over.
//!
//! Source: nginx, ngx_http_log_module.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::rc::Rc;

use portunus_errno::errno_text;
use portunus_server::{Cut, Outcome};
use portunus_telemetry::LogFile;
use portunus_template::Variables;

use crate::config::{AccessLog, LogEscape, LogTarget};
use crate::content::fastcgi::log_aside;
use crate::context::Context;
use crate::open_logs::OpenLogs;
use crate::variable::Variable;

/// The status that stands for a client that went away before there was an answer.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// The status that stands for a client whose body did not come in time.
const REQUEST_TIME_OUT: u16 = 408;

impl Drop for Context {
    /// A request is over when its state goes: after the last byte of the answer, or when the
    /// connection broke in the middle of anything.
    fn drop(&mut self) {
        log_aside(self);
        if self.is_copy {
            return;
        }
        let site = Rc::clone(&self.site);
        let logs = &self.location_in(&site).access_logs;
        let silent = self.subrequest.is_some() && !self.location_in(&site).level.log_subrequest;
        if logs.is_empty() || silent {
            return;
        }
        if self.answer.status == 0 {
            self.answer.status = match self.exchange.outcome() {
                Outcome::Cut(Cut::BodyTimeout) => REQUEST_TIME_OUT,
                _ => CLIENT_CLOSED_REQUEST,
            };
        }
        for log in logs.iter() {
            write(self, log);
        }
    }
}

fn write(cx: &mut Context, log: &AccessLog) {
    if let Some(condition) = &log.condition {
        let value = cx.expand(condition);
        if value.is_empty() || value == b"0" {
            return;
        }
    }
    let mut line = Vec::with_capacity(256);
    let mut scope = Escaping {
        cx,
        escape: log.format.escape,
        value: Vec::new(),
    };
    log.format.line.expand(&mut scope, &mut line);
    line.push(b'\n');
    match &log.target {
        LogTarget::File(file) => file.append(&line),
        LogTarget::Dynamic(path, open) => {
            let path = cx.expand(path);
            if has_root(cx) && stays_below(cx, &path) {
                append_to(cx, open.as_deref(), &path, &line);
            }
        }
    }
}

/// A name that a client has made up is no reason to make a file: the root of the request must exist.
///
/// Source: nginx, `ngx_http_log_script_write`.
fn has_root(cx: &mut Context) -> bool {
    let mut root = Vec::new();
    cx.append_document_root(&mut root);
    let path = Path::new(OsStr::from_bytes(&root));
    let reason = match std::fs::metadata(path) {
        Ok(facts) if facts.is_dir() => return true,
        Ok(_) => "20: Not a directory".to_owned(),
        Err(error) => errno_text(&error),
    };
    let path = root.escape_ascii();
    cx.log_error(format_args!(
        "testing \"{path}\" existence failed ({reason})"
    ));
    false
}

/// Differs: nginx opens whatever the variables make of the path; a client that may choose one of them
/// could climb out of the folder of the logs.
fn stays_below(cx: &Context, path: &[u8]) -> bool {
    let climbs = path.split(|byte| *byte == b'/').any(|part| part == b"..");
    if climbs || path.contains(&0) {
        let path = path.escape_ascii();
        cx.log_crit(format_args!("\"{path}\" is no name of a log"));
        return false;
    }
    true
}

/// A path with variables is opened for each line, unless `open_log_file_cache` keeps it open.
fn append_to(cx: &mut Context, open: Option<&OpenLogs>, path: &[u8], line: &[u8]) {
    let file = match open {
        Some(open) => open.open(path),
        None => LogFile::open(Path::new(OsStr::from_bytes(path))),
    };
    match file {
        Ok(file) => file.append(line),
        Err(error) => cx.log_crit(format_args!("{error}")),
    }
}

/// Expands a log format: values are escaped, missing ones are a dash.
struct Escaping<'c> {
    cx: &'c mut Context,
    escape: LogEscape,
    value: Vec<u8>,
}

impl Escaping<'_> {
    fn finish(&mut self, found: bool, out: &mut Vec<u8>) {
        match (found, self.escape) {
            (true, LogEscape::Default) => escape_default(&self.value, out),
            (true, LogEscape::Json) => escape_json(&self.value, out),
            (true, LogEscape::None) => escape_controls(&self.value, out),
            (false, LogEscape::Default) => out.push(b'-'),
            (false, _) => {}
        }
    }
}

impl Variables<Variable> for Escaping<'_> {
    fn append(&mut self, variable: &Variable, out: &mut Vec<u8>) {
        self.value.clear();
        let found = self.cx.append_value(variable, &mut self.value);
        self.finish(found, out);
    }

    fn append_capture(&mut self, number: u8, out: &mut Vec<u8>) {
        self.value.clear();
        self.cx.append_capture(number, &mut self.value);
        self.finish(!self.value.is_empty(), out);
    }
}

/// `"`, `\` and everything outside printable ASCII becomes `\xHH`.
fn escape_default(value: &[u8], out: &mut Vec<u8>) {
    for &byte in value {
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f.. => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.extend_from_slice(b"\\x");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
}

/// Only what would end the line, or move a terminal's cursor, becomes `\xHH`.
///
/// Differs: with `escape=none` nginx writes the bytes of a client as they are, and a line end among
/// them forges a line.
fn escape_controls(value: &[u8], out: &mut Vec<u8>) {
    for &byte in value {
        if byte.is_ascii_control() {
            out.extend_from_slice(format!("\\x{byte:02X}").as_bytes());
        } else {
            out.push(byte);
        }
    }
}

/// The inside of a JSON string; bytes above ASCII stay as they are.
fn escape_json(value: &[u8], out: &mut Vec<u8>) {
    for &byte in value {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0..=0x1f | 0x7f => out.extend_from_slice(format!("\\u{byte:04X}").as_bytes()),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(escape: fn(&[u8], &mut Vec<u8>), value: &[u8]) -> String {
        let mut out = Vec::new();
        escape(value, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn no_value_can_end_a_line_or_a_quote() {
        assert_eq!(
            escaped(escape_default, b"a\"b\\\n\x7f\xff"),
            "a\\x22b\\x5C\\x0A\\x7F\\xFF"
        );
        assert_eq!(
            escaped(escape_json, b"a\"\n\x01\x7f"),
            "a\\\"\\n\\u0001\\u007F"
        );
        assert_eq!(escaped(escape_controls, b"a\"\n\x7f"), "a\"\\x0A\\x7F");
    }
}
