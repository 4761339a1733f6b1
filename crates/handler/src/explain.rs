//! `portunus explain`: what would be done for a request, and which lines of the configuration say so.
//!
//! The engine itself decides; a [`Trace`] in the request's state takes down what it goes through. Nothing is sent
//! anywhere and nothing is logged.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::body::{Body, ResponseBody};
use crate::config::{Content, ParamStep, Site};
use crate::context::Context;
use crate::engine::{Plan, Step, Verdict, decide, resume_access};

/// Where a level of the configuration stands, and the directives that hold there.
#[derive(Debug, Default)]
pub struct Place {
    /// `location /x at FILE:LINE`, `server at FILE:LINE`.
    pub block: String,
    /// Names of directives, with `NAME ARGUMENTS at FILE:LINE`.
    pub lines: Vec<(&'static str, String)>,
}

/// Directives that explain a step.
const REWRITE: &[&str] = &["set", "if", "rewrite", "return"];
const ACCESS: &[&str] = &[
    "limit_req",
    "limit_conn",
    "allow",
    "deny",
    "auth_basic",
    "auth_request",
    "satisfy",
];
const TRY_FILES: &[&str] = &["try_files", "root", "alias"];
const CONTENT: &[&str] = &[
    "fastcgi_pass",
    "proxy_pass",
    "stub_status",
    "empty_gif",
    "root",
    "alias",
];
const INDEX: &[&str] = &["index", "autoindex"];
const FAIL: &[&str] = &["error_page"];

/// What has been taken down.
#[derive(Debug, Default)]
pub(crate) struct Trace(RefCell<Vec<String>>);

impl Trace {
    pub(crate) fn say(&self, line: String) {
        self.0.borrow_mut().push(line);
    }

    /// The directives of that kind that hold where the request is.
    fn directives(&self, cx: &Context, site: &Site, names: &[&str]) {
        let place = usize::try_from(cx.location.0)
            .ok()
            .and_then(|at| site.places.get(at));
        for (name, line) in place.into_iter().flat_map(|place| &place.lines) {
            if names.contains(name) {
                self.say(format!("      {line}"));
            }
        }
    }
}

/// Takes a step down, before it is taken.
pub(crate) fn step(cx: &Context, trace: &Trace, site: &Site, step: &Step) {
    let uri = cx.uri.escape_ascii();
    let block = usize::try_from(cx.location.0)
        .ok()
        .and_then(|at| site.places.get(at));
    let block = block.map_or("", |place| &place.block);
    match step {
        Step::ServerRewrite => {
            let base = site.servers[cx.server].base;
            let place = usize::try_from(base.0)
                .ok()
                .and_then(|at| site.places.get(at));
            let block = place.map_or("", |place| &place.block);
            trace.say(format!("server          {block}"));
            let lines = place.into_iter().flat_map(|place| &place.lines);
            for (_, line) in lines.filter(|(name, _)| REWRITE.contains(name)) {
                trace.say(format!("      {line}"));
            }
        }
        Step::FindLocation => trace.say(format!("find location   for \"{uri}\"")),
        Step::Rewrite => {
            trace.say(format!("location        {block}"));
            trace.directives(cx, site, REWRITE);
        }
        Step::Access => {
            trace.say("access".to_owned());
            trace.directives(cx, site, ACCESS);
        }
        Step::TryFiles if cx.location_in(site).try_files.is_some() => {
            trace.say(format!("try files       for \"{uri}\""));
            trace.directives(cx, site, TRY_FILES);
        }
        Step::Content => {
            trace.say(format!("content         of \"{uri}\" in {block}"));
            trace.directives(cx, site, CONTENT);
            if cx.uri.ends_with(b"/") {
                trace.directives(cx, site, INDEX);
            }
        }
        Step::Fail(status) => {
            trace.say(format!("status          {status}"));
            trace.directives(cx, site, FAIL);
        }
        Step::TryFiles | Step::Connections | Step::Mirrored | Step::Done(_) => {}
    }
}

/// Answers with what was taken down; what would have to wait is taken as if it went well, and that is said.
pub(crate) fn answer(mut cx: Box<Context>, mut plan: Plan) -> Response<ResponseBody> {
    let site = Rc::clone(&cx.site);
    cx.is_copy = true;
    loop {
        let (remark, next) = match plan {
            Plan::Delay(time, next) => (format!("delay           {time:?}"), *next),
            Plan::Mirror => (
                "mirror          copies would be sent".to_owned(),
                Step::Mirrored,
            ),
            Plan::AuthRequest(at) => {
                let remark = "auth_request    would be asked; taken as allowed".to_owned();
                (remark, resume_access(&mut cx, &site, at, Verdict::Allowed))
            }
            Plan::Password(waiting) => {
                let remark =
                    "auth_basic      the password would be checked; taken as right".to_owned();
                (
                    remark,
                    resume_access(&mut cx, &site, waiting.1, Verdict::Allowed),
                )
            }
            end => {
                let outcome = outcome(&mut cx, &site, end);
                return text(&cx, &outcome);
            }
        };
        say(&cx, remark);
        plan = decide(&mut cx, &site, next);
    }
}

fn say(cx: &Context, line: String) {
    if let Some(trace) = &cx.trace {
        trace.say(line);
    }
}

/// The last line: who answers.
fn outcome(cx: &mut Context, site: &Site, plan: Plan) -> String {
    match plan {
        Plan::Answer(reply) => {
            let status = cx.error_status.unwrap_or(reply.status);
            let mut line = format!("=> answer       {status}");
            if let Some(media) = &reply.content_type {
                line.push_str(&format!(", {}", media.as_bytes().escape_ascii()));
            }
            if let Some(length) = reply.length {
                line.push_str(&format!(", {length} bytes"));
            }
            if let Some(target) = &reply.location {
                line.push_str(&format!(", to \"{}\"", target.escape_ascii()));
            }
            if let Body::Entry(_) | Body::File(_) = &reply.body {
                let path = cx.request_path();
                line.push_str(&format!(", file \"{}\"", path.escape_ascii()));
            }
            line
        }
        Plan::Close => "=> close        the connection, without an answer".to_owned(),
        Plan::List(_) => format!("=> list         \"{}\"", cx.request_path().escape_ascii()),
        Plan::FastCgi => php(cx, site),
        _ => "=> proxy        the request goes to another server".to_owned(),
    }
}

/// The parameters by which PHP knows what to run.
fn php(cx: &mut Context, site: &Site) -> String {
    let mut text = "=> PHP          is asked, with".to_owned();
    let Content::FastCgi(rules) = &cx.location_in(site).content else {
        return text;
    };
    for step in &rules.params.steps {
        let ParamStep::Expand(parameter) = step else {
            continue;
        };
        let name = rules.params.name_of(parameter).as_bytes();
        let name = name.escape_ascii().to_string();
        if matches!(
            &*name,
            "SCRIPT_FILENAME" | "SCRIPT_NAME" | "PATH_INFO" | "QUERY_STRING" | "HTTPS"
        ) {
            let value = cx.expand(&parameter.value);
            if !parameter.keep_empty && value.is_empty() {
                continue;
            }
            text.push_str(&format!("\n      {name} = {}", value.escape_ascii()));
        }
    }
    text
}

fn text(cx: &Context, outcome: &str) -> Response<ResponseBody> {
    let mut text = String::new();
    if let Some(trace) = &cx.trace {
        for line in &*trace.0.borrow() {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.push_str(outcome);
    text.push('\n');
    let length = text.len() as u64;
    let body = ResponseBody::new(Body::Bytes(Bytes::from(text)), Some(length));
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    fields.insert(header::CONNECTION, HeaderValue::from_static("close"));
    cx.exchange.disable_keep_alive();
    response
}
