//! The request-response protocols of a node.

use shoal_framing::FrameCodec;
use shoal_wire::query::{QueryRequest, QueryResponse};

/// `/shoal/query/1`: reads and writes one request and one response frame.
pub type QueryCodec = FrameCodec<QueryRequest, QueryResponse>;
