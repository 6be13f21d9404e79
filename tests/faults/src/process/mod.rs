//! Faults of the machine under whole programs: `shoal get` and `shoal share`.

mod clock;
mod datagrams;
mod healing;
mod joins;
mod killed;
mod limits;
mod network;
mod packets;
mod refused;
mod relay;
mod removed;
mod slow_disk;
mod source;
mod stream;
mod world;

pub(crate) use clock::WrongClock;
pub(crate) use joins::JoinsAndLeaves;
pub(crate) use killed::{KilledGetter, KilledGetterAtCall};
pub(crate) use limits::{ConnectionCrowd, LittleMemory};
pub(crate) use network::BrokenNetwork;
pub(crate) use packets::BrokenDatagrams;
pub(crate) use refused::WritingRefused;
pub(crate) use removed::TargetRemoved;
pub(crate) use slow_disk::SlowDisk;
pub(crate) use source::{ChangedSource, SourceChange};
pub(crate) use stream::BrokenStream;
