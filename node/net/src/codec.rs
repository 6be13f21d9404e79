//! The request-response protocols of a node.

use shoal_framing::FrameCodec;
use shoal_wire::query::{QueryRequest, QueryResponse};
use shoal_wire::tracker::{TrackerRequest, TrackerResponse};

/// `/shoal/query/1`: reads and writes one request and one response frame.
pub type QueryCodec = FrameCodec<QueryRequest, QueryResponse>;

/// `/shoal/tracker/1`: writes one request and reads one response frame.
pub(super) type TrackerCodec = FrameCodec<TrackerRequest, TrackerResponse>;
