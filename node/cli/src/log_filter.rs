//! Which events reach the log of a command.

use tracing_subscriber::EnvFilter;

/// What is not logged unless RUST_LOG asks for it: libp2p's mDNS takes each interface without an address to send from for an
/// error, as there are with IPv6 for a second after the start.
const QUIET: &str = "libp2p_mdns=off";

/// What RUST_LOG says; else, with `--verbose`, all that happens inside of Shoal; else what is at least of that level.
pub(super) fn log_filter(verbose: bool, level: &str) -> EnvFilter {
    let level = if verbose { "warn,shoal=debug" } else { level };
    EnvFilter::try_from_default_env().unwrap_or_else(|_| format!("{level},{QUIET}").into())
}
