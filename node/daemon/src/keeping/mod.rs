//! The store of this node: contents that it keeps for others, and its own that others keep.
//!
//! [`StorePlanner`](shoal_engine::StorePlanner) decides; the [`Keeper`] here carries out: it asks and answers other nodes over
//! `/shoal/store/1`, fetches and removes copies as downloads of the library in the folder `store`, reads them for proofs,
//! and writes down what has to outlive the process.
//!
//! What this is not: it decides nothing about copies, and moves no byte of them itself. What always holds: no record, end or
//! presence reaches the planner before its signature was checked; a copy lies in the store's folder alone, and nothing outside
//! it is ever removed; what was answered to an offer is on the disk before.

mod acts;
mod answering;
mod asking;
mod book;
mod copies;
mod keeper;
mod locate;
mod owning;
mod presences;
mod settings;
mod state;

pub(crate) use self::keeper::Keeper;
pub use self::locate::StoreFound;
pub use self::owning::StoreStatus;
pub use self::settings::StoreSettings;
