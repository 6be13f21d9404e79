//! When the DHT is asked who has a content, and told that this node has it.
//!
//! A content that lacks something is looked up at once and then ever more rarely ([`LOOK_UP_AFTER`]), and not sooner than
//! [`UNHURRIED`] after the last time while what it lacks comes from several peers: those tell of others. One of which
//! something is here is announced at once, again soon afterwards, because a network that forms moves keys to nearer
//! nodes, and then every [`RENEW`].
//!
//! What always holds: at most [`MAX_LOOKUPS`] lookups and [`MAX_ANNOUNCEMENTS`] announcements are under way; nothing is
//! begun while nobody of the DHT is known; the content whose turn is longest overdue comes first.

use std::collections::BTreeMap;
use std::time::Duration;

use shoal_content::ContentId;

use super::wish::ContentWish;

/// Lookups under way at once.
const MAX_LOOKUPS: usize = 4;
/// Announcements under way at once.
const MAX_ANNOUNCEMENTS: usize = 4;
/// Pauses between the lookups of a content that still lacks something, in seconds; the last one repeats.
const LOOK_UP_AFTER: [u64; 8] = [2, 4, 8, 15, 30, 60, 120, 300];
/// The least pause between two lookups of a content that several peers supply.
const UNHURRIED: Duration = Duration::from_secs(60);
/// Pauses between the first announcements, in seconds; afterwards [`RENEW`].
const ANNOUNCE_AFTER: [u64; 3] = [10, 60, 300];
/// How often what is here is announced. Records are kept for an hour, so two may fail.
const RENEW: Duration = Duration::from_secs(20 * 60);
/// The wait after an announcement that reached nobody.
const ANNOUNCE_AGAIN: Duration = Duration::from_secs(15);

#[derive(Debug, Clone, Copy, Default)]
struct Task {
    /// When it is due; `None`: it is not wanted, or under way.
    due: Option<Duration>,
    wanted: bool,
    underway: bool,
    times: usize,
    /// When it ended last.
    ended: Option<Duration>,
    /// Whether it may wait for [`UNHURRIED`].
    unhurried: bool,
}

impl Task {
    fn want(&mut self, now: Duration, wanted: bool) {
        if wanted == self.wanted {
            return;
        }
        self.wanted = wanted;
        self.times = 0;
        self.due = (wanted && !self.underway).then_some(now);
    }

    /// When it is to be started, if nothing else stands in the way.
    fn starts_at(&self) -> Option<Duration> {
        let earliest =
            self.ended.filter(|_| self.unhurried).map_or(Duration::ZERO, |ended| ended + UNHURRIED);
        self.due.map(|due| due.max(earliest))
    }

    fn is_due(&self, now: Duration) -> bool {
        self.starts_at().is_some_and(|at| at <= now)
    }

    fn start(&mut self) {
        (self.due, self.underway) = (None, true);
    }

    fn ended(&mut self, now: Duration, pause: Duration) {
        self.underway = false;
        self.times += 1;
        self.ended = Some(now);
        self.due = self.wanted.then_some(now + pause);
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    lookup: Task,
    announcement: Task,
}

/// What is to be done in the DHT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AgendaStep {
    LookUp(ContentId),
    Announce(ContentId),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    contents: BTreeMap<ContentId, Entry>,
}

impl Agenda {
    /// What a content wants now.
    pub(super) fn set(&mut self, now: Duration, content: ContentId, wish: ContentWish) {
        let entry = self.contents.entry(content).or_default();
        entry.lookup.want(now, wish.hungry);
        entry.lookup.unhurried = wish.supplied;
        entry.announcement.want(now, wish.holds);
    }

    /// A content is no concern any more. Whether it was ever announced.
    pub(super) fn remove(&mut self, content: &ContentId) -> bool {
        let gone = self.contents.remove(content);
        gone.is_some_and(|entry| entry.announcement.times > 0 || entry.announcement.underway)
    }

    /// Somebody of the DHT is known for the first time, or again: what waits for its next turn need not.
    pub(super) fn hurry(&mut self, now: Duration) {
        for entry in self.contents.values_mut() {
            for task in [&mut entry.lookup, &mut entry.announcement] {
                task.due = task.due.map(|at| at.min(now));
            }
        }
    }

    /// The next thing that is due; it counts as under way from now on.
    pub(super) fn poll(&mut self, now: Duration) -> Option<AgendaStep> {
        if self.underway(|entry| &entry.lookup) < MAX_LOOKUPS
            && let Some(content) = self.start_first(now, |entry| &mut entry.lookup)
        {
            return Some(AgendaStep::LookUp(content));
        }
        if self.underway(|entry| &entry.announcement) < MAX_ANNOUNCEMENTS
            && let Some(content) = self.start_first(now, |entry| &mut entry.announcement)
        {
            return Some(AgendaStep::Announce(content));
        }
        None
    }

    /// When [`poll`](Self::poll) may next have something that no event brings.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        let lookups = self.underway(|entry| &entry.lookup) < MAX_LOOKUPS;
        let announcements = self.underway(|entry| &entry.announcement) < MAX_ANNOUNCEMENTS;
        let due = |entry: &Entry| {
            let lookup = entry.lookup.starts_at().filter(|_| lookups);
            lookup.into_iter().chain(entry.announcement.starts_at().filter(|_| announcements)).min()
        };
        self.contents.values().filter_map(due).min()
    }

    /// A lookup has ended.
    pub(super) fn looked_up(&mut self, now: Duration, content: &ContentId) {
        if let Some(entry) = self.contents.get_mut(content) {
            let pause = LOOK_UP_AFTER[entry.lookup.times.min(LOOK_UP_AFTER.len() - 1)];
            entry.lookup.ended(now, Duration::from_secs(pause));
        }
    }

    /// An announcement has ended. `reached`: somebody was told.
    pub(super) fn announced(&mut self, now: Duration, content: &ContentId, reached: bool) {
        if let Some(entry) = self.contents.get_mut(content) {
            let times = entry.announcement.times;
            let pause = match ANNOUNCE_AFTER.get(times) {
                _ if !reached => ANNOUNCE_AGAIN,
                Some(pause) => Duration::from_secs(*pause),
                None => RENEW,
            };
            entry.announcement.ended(now, pause);
            if !reached {
                entry.announcement.times = times;
            }
        }
    }

    fn underway(&self, task: impl Fn(&Entry) -> &Task) -> usize {
        self.contents.values().filter(|entry| task(entry).underway).count()
    }

    fn start_first(&mut self, now: Duration, task: impl Fn(&mut Entry) -> &mut Task) -> Option<ContentId> {
        let due = self.contents.iter_mut().filter_map(|(content, entry)| {
            let task = task(entry);
            task.is_due(now).then_some((task.due, *content, task))
        });
        let (_, content, task) = due.min_by_key(|(due, content, _)| (*due, *content))?;
        task.start();
        Some(content)
    }
}

#[cfg(test)]
mod tests {
    use shoal_content::Hash;

    use super::*;

    fn content(n: u8) -> ContentId {
        ContentId::from_root_hash(Hash::from_bytes([n; 32]))
    }

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn wish(hungry: bool, holds: bool) -> ContentWish {
        ContentWish { hungry, supplied: false, holds }
    }

    #[test]
    fn a_hungry_content_is_looked_up_ever_more_rarely_and_not_once_it_is_fed() {
        let (mut agenda, it) = (Agenda::default(), content(1));
        agenda.set(secs(0), it, wish(true, false));
        let mut times = vec![];
        for now in 0..700 {
            while let Some(AgendaStep::LookUp(_)) = agenda.poll(secs(now)) {
                times.push(now);
                agenda.looked_up(secs(now), &it);
            }
        }
        assert_eq!(times, [0, 2, 6, 14, 29, 59, 119, 239, 539]);
        agenda.set(secs(700), it, wish(false, true));
        assert_eq!(agenda.poll(secs(5000)), Some(AgendaStep::Announce(it)));
        assert_eq!(agenda.poll(secs(5000)), None);
        assert!(agenda.remove(&it) && agenda.next_timeout().is_none());
    }

    #[test]
    fn there_is_no_hurry_to_look_up_what_several_peers_supply() {
        let (mut agenda, it) = (Agenda::default(), content(1));
        let supplied = ContentWish { supplied: true, ..wish(true, false) };
        agenda.set(secs(0), it, supplied);
        assert_eq!(agenda.poll(secs(0)), Some(AgendaStep::LookUp(it)), "for the first time");
        agenda.looked_up(secs(1), &it);
        assert_eq!(agenda.next_timeout(), Some(secs(61)));
        agenda.hurry(secs(2));
        assert_eq!(agenda.poll(secs(60)), None);
        agenda.set(secs(60), it, wish(true, false));
        assert_eq!(agenda.poll(secs(60)), Some(AgendaStep::LookUp(it)), "they have gone");
        agenda.looked_up(secs(60), &it);
        agenda.set(secs(60), it, supplied);
        assert_eq!(agenda.poll(secs(119)), None);
        assert_eq!(agenda.poll(secs(120)), Some(AgendaStep::LookUp(it)));
    }

    #[test]
    fn what_is_here_is_announced_anew_before_the_record_ends() {
        let (mut agenda, it) = (Agenda::default(), content(1));
        agenda.set(secs(0), it, wish(false, true));
        let mut times = vec![];
        for now in 0..4000 {
            while agenda.poll(secs(now)).is_some() {
                times.push(now);
                agenda.announced(secs(now), &it, now > 0);
            }
        }
        assert_eq!(times, [0, 15, 25, 85, 385, 1585, 2785, 3985], "the first one reached nobody");
        assert!(times.windows(2).all(|pair| secs(pair[1] - pair[0]) <= RENEW));
    }

    #[test]
    fn only_some_at_once_and_whoever_waits_longest_first() {
        let mut agenda = Agenda::default();
        (0..100).for_each(|n| agenda.set(secs(100 - u64::from(n)), content(n), wish(true, true)));
        let now = secs(200);
        let begun: Vec<_> = std::iter::from_fn(|| agenda.poll(now)).collect();
        assert_eq!(begun.len(), MAX_LOOKUPS + MAX_ANNOUNCEMENTS);
        assert_eq!(begun[0], AgendaStep::LookUp(content(99)));
        assert_eq!(agenda.next_timeout(), None, "only the end of one of them makes room");
        agenda.looked_up(now, &content(99));
        assert_eq!(agenda.poll(now), Some(AgendaStep::LookUp(content(95))));
    }

    #[test]
    fn a_change_while_it_is_under_way_holds_afterwards() {
        let (mut agenda, it) = (Agenda::default(), content(1));
        agenda.set(secs(0), it, wish(true, false));
        agenda.poll(secs(0));
        agenda.set(secs(1), it, wish(false, false));
        agenda.set(secs(1), it, wish(true, false));
        assert_eq!(agenda.poll(secs(1)), None, "it is still under way");
        agenda.looked_up(secs(2), &it);
        agenda.hurry(secs(3));
        assert_eq!(agenda.poll(secs(3)), Some(AgendaStep::LookUp(it)));
    }
}
