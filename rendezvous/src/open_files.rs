//! Makes room for as many open files as the connections may become.
//!
//! Systems give programs a low soft limit of open files (often 1024) and let them raise it up to the hard one. Each
//! TCP connection takes one; at the limit nobody else could connect, with nothing to tell why.

/// Open files beside established connections: handshakes under way, both ways (576), figures (16), listeners, the
/// database, the runtime.
const OTHERS: u64 = 1024;

/// Raises the soft limit to what so many connections need, as far as the hard limit allows. Where that is too
/// little, the log says so.
pub(crate) fn make_room(connections: u32) {
    let needed = u64::from(connections) + OTHERS;
    match rlimit::increase_nofile_limit(needed) {
        Ok(allowed) if allowed < needed => tracing::warn!(
            needed,
            hard_limit = allowed,
            "too few open files are allowed for --connections {connections}; raise the hard limit (ulimit -Hn, \
             or LimitNOFILE= of systemd), or allow fewer connections"
        ),
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(%error, needed, "the limit of open files cannot be raised; see ulimit -n");
        }
    }
}
