//! The targets, and the one list of them.

mod addresses;
mod cbor;
mod content;
mod frames;
mod have;
mod input;
mod manifest;
mod oracle;
mod paths;
mod peer_script;
mod printable;
mod record;
mod rendezvous;
mod signed;
mod stored;
mod yamux;

/// One parser under fire.
#[derive(Debug, Clone, Copy)]
pub struct FuzzTarget {
    /// Its name: that of its corpus, too.
    pub name: &'static str,
    /// Hands bytes to the parser. It panics if something that must hold does not.
    pub run: fn(&[u8]),
    /// How many mutations the ordinary test makes: fewer where each one takes longer.
    pub mutations: u32,
}

const fn target(name: &'static str, run: fn(&[u8]), mutations: u32) -> FuzzTarget {
    FuzzTarget { name, run, mutations }
}

/// Every target.
pub const TARGETS: &[FuzzTarget] = &[
    target("address_filter", addresses::filter, 4000),
    target("cbor_form", cbor::form, 4000),
    target("chunk_reply", frames::chunk_reply, 4000),
    target("chunk_request", frames::chunk_request, 4000),
    target("frame_length", frames::length, 4000),
    target("have_map", have::map, 4000),
    target("journal", stored::journal, 200),
    target("manifest", manifest::whole, 3000),
    target("manifest_root", manifest::root, 4000),
    target("path", paths::path, 8000),
    target("peer_record", record::peer_record, 100),
    target("peer_script", peer_script::script, 400),
    target("printable", printable::all, 8000),
    target("query_request", frames::query_request, 4000),
    target("query_response", frames::query_response, 4000),
    target("rendezvous_request", rendezvous::request, 4000),
    target("rendezvous_response", rendezvous::response, 4000),
    target("saved_source", stored::saved_source, 1000),
    target("signed_words", signed::words, 150),
    target("store_request", frames::store_request, 4000),
    target("store_response", frames::store_response, 4000),
    target("ticket", content::ticket, 4000),
    target("tracker_request", frames::tracker_request, 4000),
    target("tracker_response", frames::tracker_response, 4000),
    target("yamux_session", yamux::session, 4000),
];

/// The target of a name.
pub fn find(name: &str) -> Option<&'static FuzzTarget> {
    TARGETS.iter().find(|target| target.name == name)
}
