//! Limits.

use shoal_daemon::Limits;

use crate::model::LimitsInfo;

pub(crate) fn limits_info((limits, scheduled): (Limits, bool)) -> LimitsInfo {
    LimitsInfo { up: limits.up, down: limits.down, scheduled }
}

pub(crate) fn limits(info: LimitsInfo) -> Limits {
    Limits { up: info.up, down: info.down }
}
