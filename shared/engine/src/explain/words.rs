//! The one place where causes and figures become English.

use std::fmt;
use std::time::Duration;

use bytesize::ByteSize;

use super::cause::{Cause, Fact, Figure, Finding, Measure};

impl Cause {
    /// What is the case; a sentence.
    pub fn what(self) -> &'static str {
        match self {
            Self::Paused => "It is paused.",
            Self::Ended => "Its goal of serving is reached, so nothing is done for it any more.",
            Self::Failed => "It has failed.",
            Self::WaitingForMount => "Its files are not there; a disk may not be mounted.",
            Self::DiskFull => "The disk is full, so nothing can be stored.",
            Self::DiskReadOnly => "The folder cannot be written to, so nothing can be stored.",
            Self::TooManyOpenFiles => "Too many files and connections are open, so nothing can be stored.",
            Self::DiskFails => "The disk takes nothing.",
            Self::DiskSlow => "The disk is slower than the network.",
            Self::VerificationFailures => "Peers sent bytes that do not match; they are dropped.",
            Self::PeersUnreachable => "Peers are known, but none can be reached.",
            Self::OnlyRelayed => {
                "A peer is only reachable through a relay that carries no data: the routers on both sides let nothing through."
            }
            Self::VersionTooOld => {
                "The connected peers do not know what they are asked; they may be too old."
            }
            Self::NoSource => "There is neither a tracker nor an address of a peer to begin with.",
            Self::TrackerUnreachable => "A tracker cannot be reached.",
            Self::TrackerRefuses => "A tracker answers, but refuses.",
            Self::NoPeersFound => "Nobody was found that has it.",
            Self::ChunkNobodyHas => "No connected peer has some of the chunks that are missing.",
            Self::AllBusy => "Every peer that has something is busy with others.",
            Self::PeersSilent => "Peers were asked, but send nothing.",
            Self::OwnLimit => "This node's own bandwidth limit is used up.",
            Self::PeersLimit => "The peers send no faster: their lines or limits are the bound.",
            Self::StillLooking => "It is still looking for peers.",
            Self::StillChecking => "It is still checking what is on the disk already.",
            Self::StillPlacing => "It is being synced and put into its final place.",
            Self::Nothing => "Nothing holds it back.",
        }
    }

    /// What to do; a sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Paused => "Resume it with 'shoal resume'.",
            Self::Ended => "Resume it to serve on.",
            Self::Failed => "Mend what it says, then resume it, or run the same command again.",
            Self::WaitingForMount => "Mount the disk or put the files back; it goes on by itself.",
            Self::DiskFull => "Free some space; it goes on by itself.",
            Self::DiskReadOnly => {
                "Make the folder writable, or choose another one with -o; it goes on by itself."
            }
            Self::TooManyOpenFiles => {
                "Start it again with a higher limit: 'ulimit -n 1024' before it, or LimitNOFILE= of a service; it goes on by itself once some are closed."
            }
            Self::DiskFails => "Look at the disk; it goes on by itself once that is mended.",
            Self::DiskSlow => "Choose a faster disk, or wait.",
            Self::VerificationFailures => {
                "Nothing wrong is kept. If it happens again, tell whoever shares it."
            }
            Self::PeersUnreachable => {
                "See whether the other side is running and its port is open, or ask it for a new ticket."
            }
            Self::OnlyRelayed => {
                "Forward a port of one router to its side (--listen names it), turn UPnP on there, or ask for a relay without limits (shoal-rendezvous --relay --relay-bytes 0)."
            }
            Self::VersionTooOld => "Update shoal on the other side, or here.",
            Self::NoSource => {
                "Give a ticket, an address with --peer or --bootstrap, or a tracker with --rendezvous."
            }
            Self::TrackerUnreachable => "See whether the tracker is running and its address is right.",
            Self::TrackerRefuses => "See what it says; another tracker can be given with --rendezvous.",
            Self::NoPeersFound => {
                "Wait until somebody shares it, ask for a new ticket, or name a running node with --bootstrap."
            }
            Self::ChunkNobodyHas => {
                "Wait until somebody who has them comes back, or start the first seed again."
            }
            Self::AllBusy => "Wait; it is served in turn. More seeds would help.",
            Self::PeersSilent => "Wait; they are given up after a while, and others are asked.",
            Self::OwnLimit => "Raise it with --limit-down or --limit-up, or with 'shoal limit'.",
            Self::PeersLimit => "Wait, or find more peers that have it.",
            Self::StillLooking | Self::StillChecking | Self::StillPlacing => "Wait; this is normal.",
            Self::Nothing => "There is nothing to do.",
        }
    }

    /// Whether all is as it should be, so that there is no reason to say it unasked.
    pub fn is_normal(self) -> bool {
        matches!(
            self,
            Self::Paused
                | Self::Ended
                | Self::StillLooking
                | Self::StillChecking
                | Self::StillPlacing
                | Self::Nothing
        )
    }
}

impl Measure {
    fn words(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Reason => "reason",
            Self::Checked => "checked",
            Self::ToCheck => "to check",
            Self::SystemSays => "the system says",
            Self::WaitingForDisk => "waiting for the disk",
            Self::WritingFor => "the longest write has taken",
            Self::WrongChunks => "wrong chunks",
            Self::WrongBlocks => "wrong manifest blocks",
            Self::AddressesTried => "addresses given",
            Self::PeersHeardOf => "peers heard of",
            Self::Dialling => "connections being made",
            Self::DialsRefused => "connections refused",
            Self::DialsTimedOut => "no answer",
            Self::DialsNoRoute => "no route",
            Self::DialsNoSuchName => "names not found",
            Self::DialsWrongPeer => "another peer answered",
            Self::DialsHandshake => "not a peer of this kind",
            Self::DialsOnlyRelayed => "only through a relay that carries no data",
            Self::DialsNoAddress => "without a usable address",
            Self::DialsFailed => "failed otherwise",
            Self::LastFailure => "last",
            Self::Tracker => "tracker",
            Self::TrackersAnswered => "trackers that answered",
            Self::TrackersAsked => "trackers that have not answered yet",
            Self::Exchanges => "peers asked for peers",
            Self::LanPeers => "neighbours on the LAN",
            Self::DhtPeers => "peers of the DHT known",
            Self::DhtLookups => "lookups in the DHT",
            Self::PeersConnected => "connected peers",
            Self::PeersUseful => "peers with something missing here",
            Self::PeersRefusing => "of those refusing",
            Self::PeersSending => "of those sending to somebody, as they say",
            Self::PeersAsked => "peers asked",
            Self::AskedBytes => "asked of them from here",
            Self::TheirQueue => "asked of them by all, as they say",
            Self::TheirRate => "they send in all, as they say",
            Self::PeersTooOld => "peers that do not know the question",
            Self::ChunksMissing => "chunks missing",
            Self::ChunksUnheld => "chunks that nobody connected has",
            Self::Limit => "limit",
            Self::Rate => "rate",
            Self::Left => "left",
            Self::Idle => "nothing has come for",
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Bytes(bytes) => binary(*bytes).fmt(f),
            Self::Rate(rate) => write!(f, "{}/s", binary(*rate)),
            Self::Time(time) => f.write_str(&seconds(*time)),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.measure.words(), self.figure)
    }
}

impl Finding {
    /// What is the case; a sentence.
    pub fn what(&self) -> &'static str {
        self.cause.what()
    }

    /// The figures that speak for it; empty if there are none. Parts of it may come from other peers.
    pub fn because(&self) -> String {
        self.evidence.iter().map(Fact::to_string).collect::<Vec<_>>().join(", ")
    }

    /// What to do; a sentence.
    pub fn advice(&self) -> &'static str {
        self.cause.advice()
    }
}

impl fmt::Display for Finding {
    /// What is the case, the figures, and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what())?;
        if !self.evidence.is_empty() {
            write!(f, " ({})", self.because())?;
        }
        write!(f, " {}", self.advice())
    }
}

fn binary(bytes: u64) -> impl fmt::Display {
    ByteSize(bytes).display().iec()
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..=59 => format!("{:.1} s", time.as_secs_f64()),
        60..=3599 => format!("{} min", time.as_secs() / 60),
        _ => format!("{} h", time.as_secs() / 3600),
    }
}
