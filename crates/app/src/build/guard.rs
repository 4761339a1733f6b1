//! What stands before the content: limits, passwords, subrequests, `limit_except`.

use std::sync::Arc;

use portunus_conf::{Scope, d};
use portunus_handler::{
    AuthRequest, BasicAuth, Guard, LimitExcept, Referers, SecureLink, Variable,
};
use portunus_routing::{LocationMatch, Regex};

use super::Builder;
use super::names::variable_name;

impl Builder<'_> {
    pub(super) fn guard(&mut self, scope: Scope<'_>) -> Option<Box<Guard>> {
        let guard = Guard {
            rate: self.rate_limits(scope),
            connections: self.connection_limits(scope),
            basic: self.basic_auth(scope),
            subrequest: self.auth_request(scope),
            auth_delay: scope.duration(d::AUTH_DELAY),
        };
        (!guard.is_empty()).then(|| Box::new(guard))
    }

    fn basic_auth(&mut self, scope: Scope<'_>) -> Option<Arc<BasicAuth>> {
        scope.find(d::AUTH_BASIC)?;
        scope.find(d::AUTH_BASIC_USER_FILE)?;
        let realm = self.template_here(scope, d::AUTH_BASIC)?;
        if realm.as_literal() == Some(b"off") {
            return None;
        }
        let user_file = self.template_here(scope, d::AUTH_BASIC_USER_FILE)?;
        let directory = self.config.directory().to_path_buf();
        Some(Arc::new(BasicAuth {
            realm,
            user_file,
            directory,
        }))
    }

    fn auth_request(&mut self, scope: Scope<'_>) -> Option<Arc<AuthRequest>> {
        let uri = scope.text(d::AUTH_REQUEST).filter(|uri| *uri != b"off")?;
        let mut set = Vec::new();
        for directive in scope.all(d::AUTH_REQUEST_SET) {
            let [name, value] = &directive.args[..] else {
                continue;
            };
            let variable = match variable_name(name) {
                Some(known) if &*known == "args" => Variable::Args,
                Some(known) if &*known == "limit_rate" => Variable::LimitRate,
                Some(known) => Variable::Slot(self.names.slot(&known)),
                None => continue,
            };
            set.push((variable, self.template(directive, value)));
        }
        let uri = uri.into();
        Some(Arc::new(AuthRequest { uri, set }))
    }

    /// `limit_except`: other methods have a level of their own. GET lets HEAD pass.
    ///
    /// Source: nginx, `ngx_http_core_limit_except`.
    pub(super) fn limit_except(
        &mut self,
        scope: Scope<'_>,
        matcher: Option<&LocationMatch>,
    ) -> Option<LimitExcept> {
        let block = scope.children(d::LIMIT_EXCEPT).next()?;
        let location = self.level(block, matcher);
        let mut methods = Vec::new();
        for word in block.args() {
            let name = word.as_bytes().to_ascii_uppercase();
            if name == b"GET" {
                methods.push(http::Method::HEAD);
            }
            methods.extend(http::Method::from_bytes(&name));
        }
        Some(LimitExcept { methods, location })
    }

    /// `valid_referers`.
    pub(super) fn referers(&mut self, scope: Scope<'_>) -> Option<Arc<Referers>> {
        let directives = scope.all(d::VALID_REFERERS);
        if directives.is_empty() {
            return None;
        }
        let mut referers = Referers::default();
        for directive in &directives {
            for word in &directive.args {
                match word.as_bytes() {
                    b"none" => referers.none = true,
                    b"blocked" => referers.blocked = true,
                    b"server_names" => self.server_referers(scope, &mut referers),
                    [b'~', pattern @ ..] => match Regex::compile(pattern, true) {
                        Ok(regex) => referers.patterns.push(regex),
                        Err(error) => self.error_at(directive, word, error.to_string()),
                    },
                    text => {
                        let slash = text.iter().position(|byte| *byte == b'/');
                        let (host, path) = text.split_at(slash.unwrap_or(text.len()));
                        let path = Some(path).filter(|path| !path.is_empty());
                        referers.add_host(host, path.map(Into::into));
                    }
                }
            }
        }
        Some(Arc::new(referers))
    }

    fn server_referers(&mut self, scope: Scope<'_>, referers: &mut Referers) {
        let Some(server) = scope.levels().find(|level| level.set_here(d::SERVER_NAME)) else {
            return;
        };
        for directive in server.own(d::SERVER_NAME) {
            for word in &directive.args {
                match word.as_bytes() {
                    [b'~', pattern @ ..] => {
                        referers
                            .host_patterns
                            .extend(Regex::compile(pattern, true).ok());
                    }
                    b"$hostname" => referers.add_host(&super::hostname(), None),
                    name => referers.add_host(name, None),
                }
            }
        }
    }

    /// `secure_link`, `secure_link_md5`, `secure_link_secret`: whichever kind is nearer.
    pub(super) fn secure_link(&mut self, scope: Scope<'_>) -> Option<Arc<SecureLink>> {
        let secret = |scope: Scope<'_>| {
            let secret = scope.text(d::SECURE_LINK_SECRET)?;
            Some(Arc::new(SecureLink::Secret(secret.into())))
        };
        if scope.set_here(d::SECURE_LINK_SECRET) {
            return secret(scope);
        }
        let link = self.template_here(scope, d::SECURE_LINK);
        let text = self.template_here(scope, d::SECURE_LINK_MD5);
        match (link, text) {
            (None, None) => secret(scope),
            (Some(link), Some(text)) => Some(Arc::new(SecureLink::Signed { link, text })),
            _ => None,
        }
    }
}
