//! The example of each message, byte by byte, as `PROTOCOL.md` shows it; and bytes that must be refused.
//!
//! Listings are explained in [`shoal_testing`].

pub(super) mod refused;
pub(super) mod requests;
pub(super) mod responses;

/// Every listing of these files.
pub(crate) fn listings() -> impl Iterator<Item = &'static str> {
    requests::LISTINGS.into_iter().chain(responses::LISTINGS).chain(refused::LISTINGS)
}
