//! The store: contents that nodes keep for each other; its commands, and what they do on any node, also in the shell.

mod commands;
mod leaving;
mod own;
mod placing;
mod requesting;
mod table;

pub(super) use self::commands::{DropArgs, RequestArgs, StoreArgs, StoredArgs};
pub(super) use self::leaving::hand_over;
pub(super) use self::placing::{Placement, end, store};
pub(super) use self::requesting::request;
pub(super) use self::table::stored;
