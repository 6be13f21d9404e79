//! Faults of the machine under the store alone: a child writes a content through [`shoal_store::Target`], as a node
//! does, and is killed, refused or cut off from its disk.

mod calls;
mod check;
mod failing;
mod killed;
mod power;
mod said;
mod stage;
pub(crate) mod writer;

pub(crate) use failing::FailingCall;
pub(crate) use killed::KilledAtCall;
pub(crate) use power::PowerLoss;
