//! What was asked and refused, as it is told.

use shoal_wire::tracker::{ErrorCode, RefusalCounts, Request, RequestCounts};

/// Which counter a request belongs to.
pub(super) fn requests<'a>(counts: &'a mut RequestCounts, request: &Request) -> &'a mut u64 {
    match request {
        Request::Swarm { .. } => &mut counts.swarm,
        Request::Role { .. } => &mut counts.role,
        Request::Report { .. } => &mut counts.report,
        Request::Publish { .. } => &mut counts.publish,
        Request::Withdraw { .. } => &mut counts.withdraw,
        Request::Find { .. } => &mut counts.find,
        Request::Put { .. } => &mut counts.put,
        Request::Get { .. } => &mut counts.get,
        Request::Peers { .. } => &mut counts.peers,
        Request::Stats {} => &mut counts.stats,
    }
}

/// Which counter of refusals a code belongs to.
pub(super) fn refusals(counts: &mut RefusalCounts, code: ErrorCode) -> &mut u64 {
    match code {
        ErrorCode::Busy => &mut counts.busy,
        ErrorCode::Limited => &mut counts.limited,
        ErrorCode::Quota => &mut counts.quota,
        ErrorCode::TooLarge => &mut counts.too_large,
        ErrorCode::NotFound => &mut counts.not_found,
        ErrorCode::NotRegistered => &mut counts.not_registered,
        ErrorCode::BadRequest => &mut counts.bad_request,
        ErrorCode::Unsupported => &mut counts.unsupported,
    }
}
