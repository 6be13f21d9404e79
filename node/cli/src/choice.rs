//! Options that say which peers are asked.

use shoal_engine::{DownloadConfig, PeerChoice};

use super::options::TopologyArg;

/// Which peers to ask, and for how much.
#[derive(clap::Args)]
pub(super) struct ChoiceArgs {
    /// Which peers may be fetched from
    #[arg(long, value_enum, default_value_t, hide_default_value = true)]
    pub(super) topology: TopologyArg,
    /// Which peer is asked first
    #[arg(long, value_enum, default_value_t, hide_default_value = true)]
    pub(super) peer_choice: PeerChoiceArg,
    /// Ask each peer for this many chunks at once [default: what its rate and delay need, 2 to 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) in_flight: Option<u16>,
}

#[derive(clap::ValueEnum, Clone, Copy, Default)]
pub(super) enum PeerChoiceArg {
    /// The one that is expected to deliver first (default)
    #[default]
    Finish,
    /// The lowest score: latency in milliseconds + 10 x load
    Score,
}

impl ChoiceArgs {
    /// As the engine takes it.
    pub(super) fn download(&self) -> DownloadConfig {
        let standard = DownloadConfig::default();
        DownloadConfig {
            max_in_flight: self.in_flight.map_or(standard.max_in_flight, usize::from),
            fixed_in_flight: self.in_flight.is_some(),
            peer_choice: match self.peer_choice {
                PeerChoiceArg::Finish => PeerChoice::EstimatedFinish,
                PeerChoiceArg::Score => PeerChoice::Score,
            },
            ..standard
        }
    }
}
