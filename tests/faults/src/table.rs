//! The table of all faults.

use crate::Fault;
use crate::process::{
    BrokenDatagrams, BrokenNetwork, BrokenStream, ChangedSource, ConnectionCrowd, JoinsAndLeaves,
    KilledGetter, KilledGetterAtCall, LittleMemory, SlowDisk, SourceChange, TargetRemoved, WritingRefused,
    WrongClock,
};
use crate::simulated::SimulatedSwarm;
use crate::store::{FailingCall, KilledAtCall, PowerLoss};

/// All faults, in the order of RELIABILITY.md.
pub fn faults() -> Vec<&'static dyn Fault> {
    vec![
        &KilledAtCall,
        &PowerLoss { journal_first: false },
        &PowerLoss { journal_first: true },
        &FailingCall { for_good: false },
        &FailingCall { for_good: true },
        &KilledGetter,
        &KilledGetterAtCall,
        &SlowDisk,
        &TargetRemoved,
        &WritingRefused,
        &ChangedSource(SourceChange::Truncated),
        &ChangedSource(SourceChange::Replaced),
        &ChangedSource(SourceChange::Removed),
        &ChangedSource(SourceChange::BitFlipped),
        &LittleMemory,
        &ConnectionCrowd,
        &JoinsAndLeaves,
        &BrokenNetwork,
        &BrokenStream,
        &BrokenDatagrams,
        &WrongClock,
        &SimulatedSwarm,
    ]
}
