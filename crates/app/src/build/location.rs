//! What holds at one level: of a server, a location or an `if`.

use std::sync::Arc;

use portunus_conf::typed::KeepaliveTimeout;
use portunus_conf::{DirectiveId, Scope, d, value};
use portunus_handler::{KeepaliveDisable, Level, Location, Template};
use portunus_routing::{LocationId, LocationMatch};
use portunus_server::{Limits, LingeringClose};
use portunus_static_files::{
    ConditionalOptions, DisableSymlinks, IfModifiedSince, OpenOptions, Revalidate,
};

use super::Builder;
use super::body::body_naming;
use super::filters::{addition, mirror, ssi};

impl Builder<'_> {
    /// Translates one level. `matcher` is that of the location it belongs to.
    pub(super) fn level(
        &mut self,
        scope: Scope<'_>,
        matcher: Option<&LocationMatch>,
    ) -> LocationId {
        let rewrite = self.rewrite(scope, matcher);
        let charset = self.charset(scope);
        let types = self.types(scope, charset.as_ref());
        let limit_except = self.limit_except(scope, matcher);
        let mut location = Location {
            name: scope
                .args()
                .last()
                .map(|word| word.as_bytes().into())
                .unwrap_or_default(),
            level: Level {
                internal: scope.find(d::INTERNAL).is_some(),
                absolute_redirect: scope.flag(d::ABSOLUTE_REDIRECT),
                server_name_in_redirect: scope.flag(d::SERVER_NAME_IN_REDIRECT),
                port_in_redirect: scope.flag(d::PORT_IN_REDIRECT),
                server_tokens: scope.text(d::SERVER_TOKENS) != Some(b"off"),
                log_subrequest: scope.flag(d::LOG_SUBREQUEST),
                subrequest_output_buffer_size: usize::try_from(
                    scope.size(d::SUBREQUEST_OUTPUT_BUFFER_SIZE),
                )
                .unwrap_or(usize::MAX),
                rewrite_log: scope.flag(d::REWRITE_LOG),
                log_not_found: scope.flag(d::LOG_NOT_FOUND),
                recursive_error_pages: scope.flag(d::RECURSIVE_ERROR_PAGES),
                satisfy_any: scope.enumeration(d::SATISFY) == "any",
                etag: scope.flag(d::ETAG),
                chunked: scope.flag(d::CHUNKED_TRANSFER_ENCODING),
                msie_refresh: scope.flag(d::MSIE_REFRESH),
                msie_padding: scope.flag(d::MSIE_PADDING),
                keepalive_disable: keepalive_disable(scope),
                client_max_body_size: scope.offset(d::CLIENT_MAX_BODY_SIZE).unwrap_or(0),
                client_body_buffer_size: usize::try_from(scope.size(d::CLIENT_BODY_BUFFER_SIZE))
                    .unwrap_or(usize::MAX),
                body_directory: self.body_directory(scope),
                body_naming: body_naming(scope),
            },
            rewrite,
            try_files: self.try_files(scope),
            content: self.content(scope),
            root: self.root(scope),
            open: self.open_options(scope),
            symlinks_from: self.symlinks_from(scope),
            index: self.index(scope),
            scripts: self.script_names(scope),
            autoindex: self.autoindex(scope),
            random_index: scope.flag(d::RANDOM_INDEX),
            error_pages: self.error_pages(scope),
            access: self.access_rules(scope),
            guard: self.guard(scope),
            limit_except,
            referers: self.referers(scope),
            browsers: self.browsers(scope),
            secure_link: self.secure_link(scope),
            real_ip: self.real_ip(scope),
            headers: self.header_rules(scope),
            userid: self.userid(scope).map(Box::new),
            types,
            charset: charset.map(Arc::new),
            addition: addition(scope).map(Box::new),
            mirror: mirror(scope).map(Box::new),
            sub_filter: self.sub_filter(scope),
            ssi: ssi(scope).map(Arc::new),
            rate: self.rate(scope),
            encoding: self.encoding(scope),
            conditional: conditional(scope),
            limits: self.limits(scope),
            access_logs: self.access_logs(scope),
            error_log: self.error_log(scope),
            uniform: None,
        };
        location.uniform = location.number();
        let id = self.push_location(location);
        self.note_place(id, scope);
        id
    }

    pub(super) fn limits(&self, scope: Scope<'_>) -> Limits {
        let keepalive = scope
            .find(d::KEEPALIVE_TIMEOUT)
            .map(KeepaliveTimeout::parse);
        let keepalive = keepalive.and_then(Result::ok);
        let defaults = Limits::default();
        Limits {
            client_body_timeout: scope.duration(d::CLIENT_BODY_TIMEOUT),
            client_body_min_rate: u32::try_from(scope.size(d::CLIENT_BODY_MIN_RATE)).unwrap_or(0),
            send_timeout: scope.duration(d::SEND_TIMEOUT),
            keepalive_timeout: keepalive.map_or(defaults.keepalive_timeout, |k| k.timeout),
            keepalive_header: keepalive.and_then(|k| k.header).map(|time| time.as_secs()),
            keepalive_requests: scope.number(d::KEEPALIVE_REQUESTS).unwrap_or(1000),
            keepalive_min_timeout: scope.duration(d::KEEPALIVE_MIN_TIMEOUT),
            keepalive_time: scope.duration(d::KEEPALIVE_TIME),
            lingering_close: match scope.enumeration(d::LINGERING_CLOSE) {
                "off" => LingeringClose::Off,
                "always" => LingeringClose::Always,
                _ => LingeringClose::On,
            },
            lingering_time: scope.duration(d::LINGERING_TIME),
            lingering_timeout: scope.duration(d::LINGERING_TIMEOUT),
            reset_timedout_connection: scope.flag(d::RESET_TIMEDOUT_CONNECTION),
            limit_rate: literal_size(scope, d::LIMIT_RATE),
            limit_rate_after: literal_size(scope, d::LIMIT_RATE_AFTER),
            sendfile_max_chunk: usize::try_from(scope.size(d::SENDFILE_MAX_CHUNK)).unwrap_or(0),
            http2_chunk_size: usize::try_from(scope.size(d::HTTP2_CHUNK_SIZE)).unwrap_or(1),
        }
    }

    /// `disable_symlinks … from=`.
    fn symlinks_from(&mut self, scope: Scope<'_>) -> Option<Template> {
        let directive = scope.find(d::DISABLE_SYMLINKS)?;
        let word = directive.args.get(1)?;
        let from = word.as_bytes().strip_prefix(b"from=")?;
        Some(self.template_of(directive, word, from))
    }

    fn open_options(&self, scope: Scope<'_>) -> OpenOptions {
        let symlinks = match scope.text(d::DISABLE_SYMLINKS) {
            Some(b"on") => DisableSymlinks::On,
            Some(b"if_not_owner") => DisableSymlinks::IfNotOwner,
            _ => DisableSymlinks::Off,
        };
        let cached = scope
            .text(d::OPEN_FILE_CACHE)
            .is_some_and(|text| text != b"off");
        let revalidate = if cached {
            Revalidate::Every {
                valid: scope.duration(d::OPEN_FILE_CACHE_VALID),
                min_uses: scope
                    .number(d::OPEN_FILE_CACHE_MIN_USES)
                    .map_or(1, |uses| u32::try_from(uses).unwrap_or(u32::MAX)),
                errors: scope.flag(d::OPEN_FILE_CACHE_ERRORS),
            }
        } else {
            Revalidate::Always
        };
        let read_ahead = scope.size(d::READ_AHEAD) > 0;
        OpenOptions {
            symlinks,
            from: 0,
            revalidate,
            read_ahead,
            moment: None,
        }
    }
}

/// A rate that is the same for every request; values with variables are set by the request.
fn literal_size(scope: Scope<'_>, id: DirectiveId) -> u64 {
    scope
        .text(id)
        .and_then(|text| value::parse_size(text).ok())
        .unwrap_or(0)
}

fn keepalive_disable(scope: Scope<'_>) -> KeepaliveDisable {
    let browsers = scope.bits(d::KEEPALIVE_DISABLE);
    KeepaliveDisable {
        msie6: browsers.contains(&"msie6"),
        safari: browsers.contains(&"safari"),
    }
}

fn conditional(scope: Scope<'_>) -> ConditionalOptions {
    ConditionalOptions {
        if_modified_since: match scope.enumeration(d::IF_MODIFIED_SINCE) {
            "off" => IfModifiedSince::Off,
            "before" => IfModifiedSince::Before,
            _ => IfModifiedSince::Exact,
        },
        ranges: true,
        max_ranges: scope
            .number(d::MAX_RANGES)
            .and_then(|most| u32::try_from(most).ok()),
    }
}
