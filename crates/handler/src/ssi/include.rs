//! `include`: the answer of a subrequest in the place of the command.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;

use http::HeaderValue;
use portunus_filters::ssi::Include;
use portunus_uri_path::split_unsafe;

use super::page::{Failed, Page};
use super::shared::Shared;
use super::{Part, Ssi};
use crate::body::Body;
use crate::config::Ssi as Rules;
use crate::context::Context;
use crate::joined::{Joined, Part as JoinedPart};
use crate::respond::{Reply, text_filters};
use crate::subrequest;

impl Page {
    /// Sends the subrequest on its way.
    pub(super) fn ask_for(&mut self, include: &Include) -> Result<Part, Failed> {
        let mut target = self.expand(&include.target)?;
        if target.first() != Some(&b'/') {
            let uri = &self.cx.uri;
            let folder = memchr::memrchr(b'/', uri).map_or(0, |slash| slash + 1);
            target.splice(..0, uri[..folder].iter().copied());
        }
        let Ok((uri, args)) = split_unsafe(&target) else {
            let target = target.escape_ascii();
            self.cx
                .log_error(format_args!("unsafe URI \"{target}\" was detected"));
            return Err(Failed);
        };
        let stub = include.stub.as_deref().map(|name| self.stub(name));
        let stub = stub.transpose()?;
        let set = include.set.as_ref().map(|name| name.to_ascii_lowercase());
        if let Some(name) = &set {
            self.declare(name);
        }
        let mut inner = self.subrequest(&uri, args)?;
        if let Some(inclusion) = &mut inner.inclusion {
            inclusion.stubbed = stub.is_some();
            inclusion.in_memory = set.is_some();
        }
        if let Some(name) = set {
            return Ok(Part::asked(assign(inner, name), true));
        }
        let media = self.cx.answer.content_type.clone();
        let future = show(inner, stub, media);
        Ok(Part::asked(future, include.wait))
    }

    fn stub(&self, name: &[u8]) -> Result<Vec<u8>, Failed> {
        self.shared().block(name).ok_or_else(|| {
            let name = name.escape_ascii();
            self.failed(&format_args!(
                "\"stub\"=\"{name}\" for \"include\" not found"
            ))
        })
    }

    /// A variable that gets no value is empty.
    fn declare(&self, name: &[u8]) {
        let shared = self.shared();
        if shared.variable(name).is_none() {
            shared.set_variable(name, Vec::new());
        }
    }

    fn subrequest(&self, uri: &[u8], args: &[u8]) -> Result<Box<Context>, Failed> {
        let shown = uri.escape_ascii();
        if self.inclusion().in_memory {
            return Err(self.failed(&format_args!("nested in-memory subrequest \"{shown}\"")));
        }
        let Some(within) = self.inclusion().within() else {
            return Err(self.failed(&format_args!(
                "subrequests cycle while processing \"{shown}\""
            )));
        };
        let mut inner = subrequest::beside(&self.cx, uri);
        inner.args = args.to_vec();
        inner.inclusion = Some(Box::new(within));
        Ok(inner)
    }
}

/// The answer of a subrequest with the filters of its text, and what is shared with its page: the
/// subrequest begins with the page's variables of the configuration, and leaves its own there.
async fn answer(inner: &mut Context) -> Option<(Box<Reply>, Option<Rc<Shared>>)> {
    let inclusion = inner.inclusion.as_ref();
    let shared = inclusion.map(|inclusion| Rc::clone(&inclusion.shared));
    if let Some(shared) = &shared {
        inner.slots.clone_from(&shared.slots.borrow());
    }
    let mut reply = subrequest::answer(inner).await?;
    let site = Rc::clone(&inner.site);
    let location = inner.location_in(&site);
    inner.answer.status = reply.status;
    text_filters(inner, &site, location, &mut reply);
    if let Some(shared) = &shared {
        shared.slots.borrow_mut().clone_from(&inner.slots);
    }
    Some((reply, shared))
}

/// The body of the answer, or the stub in its place.
async fn show(mut inner: Box<Context>, stub: Option<Vec<u8>>, media: Option<HeaderValue>) -> Body {
    let Some((mut reply, _)) = answer(&mut inner).await else {
        return Body::Broken;
    };
    let mut body = reply.take_body();
    let (is_page, failed) = (matches!(body, Body::Ssi(_)), inner.error_status.is_some());
    let Some(stub) = stub else { return body };
    let empty = loop {
        match poll_fn(|cx| body.poll_data(cx)).await {
            None => break Body::bytes(stub.into()),
            Some(Ok(data)) if data.is_empty() => {}
            Some(Ok(data)) => {
                let parts = [JoinedPart::Body(Body::Bytes(data)), JoinedPart::Body(body)];
                return Body::Joined(Box::new(Joined::new(parts)));
            }
            Some(Err(_)) => return Body::Broken,
        }
    };
    let site = Rc::clone(&inner.site);
    let location = inner.location_in(&site);
    // The stub is what the subrequest answers: its commands are carried out there, if it is a page.
    let media = media.as_ref().map(HeaderValue::as_bytes);
    let listed = |rules: &Rules| media.is_some_and(|media| rules.types.contains(media));
    match &location.ssi {
        Some(rules) if is_page || (failed && listed(rules)) => {
            let page = Page::new(&mut inner, &Arc::clone(rules));
            Body::Ssi(Box::new(Ssi::new(empty, page)))
        }
        _ => empty,
    }
}

/// `set`: the body becomes the value of a variable, nothing is shown.
///
/// Source: nginx, `ngx_http_postpone_filter_in_memory`, `ngx_http_ssi_set_variable`.
async fn assign(mut inner: Box<Context>, name: Vec<u8>) -> Body {
    let Some((mut reply, shared)) = answer(&mut inner).await else {
        return Body::Broken;
    };
    let Some(shared) = shared else {
        return Body::Empty;
    };
    let site = Rc::clone(&inner.site);
    let level = &inner.location_in(&site).level;
    let most = level.subrequest_output_buffer_size;
    let (mut body, mut value) = (reply.take_body(), Vec::new());
    while let Some(data) = poll_fn(|cx| body.poll_data(cx)).await {
        let Ok(data) = data else { return Body::Empty };
        value.extend_from_slice(&data);
        if value.len() > most {
            inner.log_error(format_args!("too big subrequest response: {}", value.len()));
            return Body::Empty;
        }
    }
    if reply.status < 300 {
        shared.set_variable(&name, value);
    }
    Body::Empty
}
