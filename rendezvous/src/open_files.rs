//! Makes room for as many open files as the connections may become.
//!
//! Systems give programs a low soft limit of open files (often 1024) and let them raise it up to the hard one. Each
//! TCP connection takes one; at the limit nobody else could connect, with nothing to tell why.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files beside established connections: handshakes under way, both ways (576), figures (16), listeners, the
/// database, the runtime.
const OTHERS: u64 = 1024;

/// What to do about the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    /// The soft limit to set, unless the present one is enough.
    raise_to: Option<u64>,
    /// What is the most that can be had, if that is too little.
    short: Option<u64>,
}

/// `soft` and `hard` are the present limits; none is without end.
fn plan(needed: u64, soft: Option<u64>, hard: Option<u64>) -> Plan {
    let have = soft.unwrap_or(u64::MAX);
    let most = hard.unwrap_or(u64::MAX).max(have);
    let wanted = needed.min(most);
    Plan { raise_to: (wanted > have).then_some(wanted), short: (most < needed).then_some(most) }
}

/// Raises the soft limit to what so many connections need, as far as the hard limit allows. Where that is too
/// little, the log says so.
pub(crate) fn make_room(connections: u32) {
    let needed = u64::from(connections) + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    let Plan { raise_to, short } = plan(needed, limit.current, limit.maximum);
    if let Some(most) = short {
        tracing::warn!(
            needed,
            hard_limit = most,
            "too few open files are allowed for --connections {connections}; raise the hard limit (ulimit -Hn, \
             or LimitNOFILE= of systemd), or allow fewer connections"
        );
    }
    if let Some(current) = raise_to
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(current), ..limit })
    {
        tracing::warn!(%error, needed, "the limit of open files cannot be raised; see ulimit -n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_as_far_as_needed_and_never_lowered() {
        let enough = |raise_to| Plan { raise_to, short: None };
        assert_eq!(plan(500, Some(100), Some(1_000)), enough(Some(500)));
        assert_eq!(plan(500, Some(100), None), enough(Some(500)));
        assert_eq!(plan(500, Some(500), Some(500)), enough(None));
        assert_eq!(plan(500, Some(900), Some(1_000)), enough(None));
        assert_eq!(plan(500, None, None), enough(None));
    }

    #[test]
    fn a_hard_limit_that_is_too_low_is_used_up_and_told() {
        assert_eq!(plan(500, Some(100), Some(300)), Plan { raise_to: Some(300), short: Some(300) });
        assert_eq!(plan(500, Some(300), Some(300)), Plan { raise_to: None, short: Some(300) });
    }
}
