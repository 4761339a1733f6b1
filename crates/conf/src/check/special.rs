//! Directives with a setter of their own: which check is for which.

use super::{
    At, Checker, Outcome, access, cache, core, limit, listen, location, log, map, process,
};
use super::{rewrite, upstream};
use crate::table::Special;

/// Checks a directive that has a setter of its own.
pub(super) fn check<'a>(checker: &mut Checker<'a, '_>, at: At<'a>, special: Special) -> Outcome {
    match special {
        Special::Server
        | Special::Break
        | Special::StubStatus
        | Special::Health
        | Special::EmptyGif
        | Special::Env
        | Special::Include => Ok(()),
        Special::Http
        | Special::Events
        | Special::Internal
        | Special::AuthRequest
        | Special::PasswordFile => at.once(),

        Special::CpuAffinity
        | Special::DebugConnection
        | Special::LoadModule
        | Special::ThreadPool
        | Special::Use
        | Special::User
        | Special::WorkerConnections
        | Special::WorkerPriority
        | Special::WorkerProcesses => process::check(checker, at, special),

        Special::Aio
        | Special::Directio
        | Special::DisableSymlinks
        | Special::ErrorPage
        | Special::GzipDisable
        | Special::Index
        | Special::KeepaliveTimeout
        | Special::LimitExcept
        | Special::Obsolete
        | Special::OpenFileCache
        | Special::PowerOfTwo
        | Special::Resolver
        | Special::Root
        | Special::ServerName
        | Special::SubFilter
        | Special::TryFiles
        | Special::Types
        | Special::UseridExpires
        | Special::UseridMark => core::check(checker, at, special),

        _ => check_more(checker, at, special),
    }
}

/// The other half of the list.
fn check_more<'a>(checker: &mut Checker<'a, '_>, at: At<'a>, special: Special) -> Outcome {
    match special {
        Special::Location => location::check(at),
        Special::Listen => listen::check(checker, at),
        Special::Rewrite | Special::Return | Special::If | Special::Set => {
            rewrite::check(at, special)
        }
        Special::Map | Special::Geo | Special::SplitClients | Special::CharsetMap => {
            map::check(checker, at, special)
        }
        Special::AccessLog | Special::LogFormat | Special::ErrorLog | Special::OpenLogFileCache => {
            log::check(checker, at, special)
        }
        Special::LimitReqZone | Special::LimitConnZone | Special::LimitReq | Special::LimitConn => {
            limit::check(checker, at, special)
        }
        Special::AccessRule
        | Special::AddHeader
        | Special::AuthBasicUserFile
        | Special::AuthRequestSet
        | Special::Charset
        | Special::Expires
        | Special::Mirror
        | Special::Param
        | Special::Lane
        | Special::PoolSize
        | Special::RealIpFrom
        | Special::RealIpHeader
        | Special::ValidReferers => access::check(checker, at, special),
        Special::Bind
        | Special::Balancer
        | Special::FastcgiPass
        | Special::CookieFlags
        | Special::CookieRule
        | Special::Hash
        | Special::Keepalive
        | Special::ProxyPass
        | Special::ProxyRedirect
        | Special::Random
        | Special::SplitPathInfo
        | Special::Upstream
        | Special::UpstreamServer
        | Special::Zone => upstream::check(checker, at, special),
        _ => cache::check(checker, at, special),
    }
}
