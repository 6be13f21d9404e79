//! Counters of requests and refusals.

use shoal_wire::tracker::{RefusalCounts, RequestCounts, TrackerErrorCode, TrackerRequest};

/// Which counter a request belongs to.
pub(super) fn requests<'a>(counts: &'a mut RequestCounts, request: &TrackerRequest) -> &'a mut u64 {
    match request {
        TrackerRequest::Swarm { .. } => &mut counts.swarm,
        TrackerRequest::Role { .. } => &mut counts.role,
        TrackerRequest::Report { .. } => &mut counts.report,
        TrackerRequest::Publish { .. } => &mut counts.publish,
        TrackerRequest::Withdraw { .. } => &mut counts.withdraw,
        TrackerRequest::Find { .. } => &mut counts.find,
        TrackerRequest::Put { .. } => &mut counts.put,
        TrackerRequest::Get { .. } => &mut counts.get,
        TrackerRequest::Peers { .. } => &mut counts.peers,
        TrackerRequest::Stats {} => &mut counts.stats,
    }
}

/// Which counter of refusals a code belongs to.
pub(super) fn refusals(counts: &mut RefusalCounts, code: TrackerErrorCode) -> &mut u64 {
    match code {
        TrackerErrorCode::Busy => &mut counts.busy,
        TrackerErrorCode::Limited => &mut counts.limited,
        TrackerErrorCode::Quota => &mut counts.quota,
        TrackerErrorCode::TooLarge => &mut counts.too_large,
        TrackerErrorCode::NotFound => &mut counts.not_found,
        TrackerErrorCode::NotRegistered => &mut counts.not_registered,
        TrackerErrorCode::BadRequest => &mut counts.bad_request,
        TrackerErrorCode::Unsupported => &mut counts.unsupported,
    }
}
