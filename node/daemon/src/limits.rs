//! Bandwidth limits, and when they hold.

/// Limits of the whole node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of chunks sent per second.
    pub up: Option<u64>,
    /// Most bytes of chunks fetched per second.
    pub down: Option<u64>,
}

/// Limits by the time of day: the first rule that holds counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    /// At most 64.
    pub rules: Vec<ScheduleRule>,
}

/// Limits for some hours of some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRule {
    /// Which days of the week, Monday first.
    pub days: [bool; 7],
    /// From this minute of the day on.
    pub from: u16,
    /// Until this minute of the day; if not after `from`, that of the next day.
    pub until: u16,
    /// What holds then.
    pub limits: Limits,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a rule of a schedule: {0}; write for example 'mon-fri 08:00-18:00 up=1MB down=50mbit'")]
pub struct ScheduleError(pub String);
