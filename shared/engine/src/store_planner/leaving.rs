//! Going in good order: what the node has is handed over first.

use std::time::Duration;

use shoal_content::ContentId;

use super::kept::{Kept, Mine};
use super::{StoreFarewell, StoreOutput, StorePlanner};

/// How far the hand-over of a content is.
enum HandOver {
    Safe,
    UnderWay,
    /// Nobody else can take it.
    Short,
    Alone,
}

impl StorePlanner {
    /// The node is to go by `deadline`.
    pub(super) fn leave(&mut self, now: Duration, deadline: Duration) {
        self.leaving = Some(deadline);
        let all: Vec<ContentId> = self.contents.keys().copied().collect();
        for content in all {
            if let Some(kept) = self.contents.get_mut(&content) {
                (kept.look, kept.deficient) = (now, None);
            }
            self.touch(now, content);
        }
    }

    /// Whether the node was told to go.
    pub fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    fn hand_over(&self, now: Duration, kept: &Kept) -> HandOver {
        let holders = self.holders(now, kept).len();
        if holders >= kept.wanted() {
            HandOver::Safe
        } else if self.coming(now, kept) > 0 || !self.candidates(now, kept, 1).is_empty() {
            HandOver::UnderWay
        } else if holders > 0 {
            HandOver::Short
        } else {
            HandOver::Alone
        }
    }

    /// Says so once everything is handed over, or the time is over.
    pub(super) fn see_whether_left(&mut self, now: Duration) {
        let Some(deadline) = self.leaving.filter(|_| !self.left) else { return };
        let mut farewell = StoreFarewell::default();
        for kept in self.contents.values().filter(|kept| kept.mine == Mine::Held) {
            match self.hand_over(now, kept) {
                HandOver::Safe => farewell.safe += 1,
                HandOver::UnderWay if now < deadline => return,
                HandOver::Alone => farewell.alone += 1,
                HandOver::UnderWay if self.holders(now, kept).is_empty() => farewell.alone += 1,
                HandOver::Short | HandOver::UnderWay => farewell.short += 1,
            }
        }
        self.left = true;
        self.outputs.push_back(StoreOutput::Left(farewell));
    }
}
