//! What limits have done to one request.

use super::Ticket;

/// `$limit_req_status` and `$limit_conn_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitStatus {
    Passed,
    Delayed,
    Rejected,
    DelayedDryRun,
    RejectedDryRun,
}

impl LimitStatus {
    pub(crate) fn name(self) -> &'static [u8] {
        match self {
            Self::Passed => b"PASSED",
            Self::Delayed => b"DELAYED",
            Self::Rejected => b"REJECTED",
            Self::DelayedDryRun => b"DELAYED_DRY_RUN",
            Self::RejectedDryRun => b"REJECTED_DRY_RUN",
        }
    }

    pub(crate) fn rejected(dry_run: bool) -> Self {
        if dry_run {
            Self::RejectedDryRun
        } else {
            Self::Rejected
        }
    }

    pub(crate) fn delayed(dry_run: bool) -> Self {
        if dry_run {
            Self::DelayedDryRun
        } else {
            Self::Delayed
        }
    }
}

/// A request is limited once, however often it is redirected; subrequests share what their main
/// request has.
#[derive(Debug, Default)]
pub(crate) struct LimitState {
    pub(crate) rate: Option<LimitStatus>,
    pub(crate) connections: Option<LimitStatus>,
    /// Given back when the request is over.
    pub(crate) tickets: Vec<Ticket>,
}
