//! The peers of one namespace, kept so that a random sample and the newest ones are found quickly.

use std::collections::BTreeMap;

use rand::RngExt;

use super::registration::Counts;
use super::side::{Seat, Side};
use rand_chacha::ChaCha8Rng;
use shoal_addresses::Prefix;
use shoal_wire::tracker::Role;

/// Members by what they are, seeds and others, each so that a random seat is a random member;
/// and all in the order of their numbers, so that what is newer than some number is at the end.
///
/// Members are keys of the owner's table. The owner also keeps each one's seat: it is told
/// when a removal moves another member.
#[derive(Debug, Default)]
pub(super) struct Swarm {
    seeds: Side,
    others: Side,
    by_number: BTreeMap<u64, u32>,
    /// How many of the others said that they are fetching.
    downloaders: usize,
}

impl Swarm {
    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    pub(super) fn counts(&self) -> Counts {
        let unknown = self.others.len() - self.downloaders;
        Counts { seeds: self.seeds.len(), downloaders: self.downloaders, unknown }
    }

    /// Adds a member that counts against these networks, and returns its seat.
    pub(super) fn insert(
        &mut self,
        member: u32,
        role: Option<Role>,
        number: u64,
        prefixes: &[Prefix],
    ) -> Seat {
        self.by_number.insert(number, member);
        self.downloaders += usize::from(role == Some(Role::Downloader));
        self.side(role).insert(member, prefixes)
    }

    /// Removes a member. Returns the one, if any, that has taken its seat.
    pub(super) fn remove(
        &mut self,
        role: Option<Role>,
        seat: Seat,
        number: u64,
        prefixes: &[Prefix],
    ) -> Option<u32> {
        self.by_number.remove(&number);
        self.downloaders -= usize::from(role == Some(Role::Downloader));
        self.side(role).remove(seat, prefixes)
    }

    /// Makes a member news under a new number.
    pub(super) fn renumber(&mut self, member: u32, old: u64, new: u64) {
        self.by_number.remove(&old);
        self.by_number.insert(new, member);
    }

    /// Members with a number above `number`, oldest first, with their numbers.
    pub(super) fn since(&self, number: u64) -> impl Iterator<Item = (u64, u32)> {
        self.by_number.range(number.saturating_add(1)..).map(|(number, member)| (*number, *member))
    }

    /// At most `limit` members in random order, without the one in a seat: all, if they are no more, else a
    /// random sample with seeds and others in it, of either no more than [`Side`] takes from crowded networks.
    pub(super) fn sample(
        &self,
        limit: usize,
        without: Option<(Option<Role>, Seat)>,
        rng: &mut ChaCha8Rng,
    ) -> Vec<u32> {
        let of = |seed| without.filter(|(role, _)| (*role == Some(Role::Seed)) == seed).map(|(_, seat)| seat);
        let left = |side: &Side, without: Option<Seat>| side.len() - usize::from(without.is_some());
        let (seeds, others) = (left(&self.seeds, of(true)), left(&self.others, of(false)));
        let (some, more) = split(limit, seeds, others, rng);
        let mut members = Vec::with_capacity(some + more);
        self.seeds.pick(some, of(true), &mut members, rng);
        self.others.pick(more, of(false), &mut members, rng);
        for last in (1..members.len()).rev() {
            members.swap(last, rng.random_range(0..=last));
        }
        members
    }

    fn side(&mut self, role: Option<Role>) -> &mut Side {
        match role {
            Some(Role::Seed) => &mut self.seeds,
            Some(Role::Downloader) | None => &mut self.others,
        }
    }

    #[cfg(test)]
    pub(super) fn member_at(&self, role: Option<Role>, seat: Seat) -> Option<u32> {
        if role == Some(Role::Seed) { self.seeds.member_at(seat) } else { self.others.member_at(seat) }
    }
}

/// How many of `seeds` and `others` to give: their shares (odds decide about the fraction), but a
/// quarter of the answer to either side if it has as many. So a single seed is in every answer, and
/// one that is leaving a swarm of seeds does not hide the few that still need something.
fn split(limit: usize, seeds: usize, others: usize, rng: &mut ChaCha8Rng) -> (usize, usize) {
    let total = seeds + others;
    if total <= limit {
        return (seeds, others);
    }
    let share = (limit * seeds + rng.random_range(0..total)) / total;
    let least = (limit / 4).max(1).min(limit / 2);
    let most = limit - least.min(others);
    let seeds = share.clamp(least.min(seeds), most).min(seeds).max(limit.saturating_sub(others));
    (seeds, limit - seeds)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use rand::SeedableRng;

    fn seat(at: u32) -> Seat {
        Seat { crowded: false, at }
    }

    fn swarm(seeds: u32, others: u32) -> Swarm {
        let mut swarm = Swarm::default();
        for member in 0..seeds + others {
            let role = if member < seeds { Some(Role::Seed) } else { Some(Role::Downloader) };
            swarm.insert(member, role, member.into(), &[]);
        }
        swarm
    }

    #[test]
    fn every_member_is_as_likely_as_any_other() {
        let (swarm, mut rng) = (swarm(0, 100), ChaCha8Rng::seed_from_u64(1));
        let mut seen = [0; 100];
        for _ in 0..5_000 {
            let sample = swarm.sample(10, None, &mut rng);
            assert_eq!(sample.iter().collect::<BTreeSet<_>>().len(), 10);
            sample.iter().for_each(|member| seen[*member as usize] += 1);
        }
        assert!(seen.iter().all(|n| (400..600).contains(n)), "{seen:?}");
    }

    #[test]
    fn one_is_left_out_wherever_it_stands() {
        let (swarm, mut rng) = (swarm(3, 3), ChaCha8Rng::seed_from_u64(1));
        for member in 0..6 {
            let role = if member < 3 { Some(Role::Seed) } else { None };
            let mut all = swarm.sample(6, Some((role, seat(member % 3))), &mut rng);
            all.sort_unstable();
            assert_eq!(all, (0..6).filter(|other| *other != member).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_order_says_nothing() {
        let (swarm, mut rng) = (swarm(2, 2), ChaCha8Rng::seed_from_u64(1));
        let firsts: Vec<_> = (0..4_000).map(|_| swarm.sample(10, None, &mut rng)[0]).collect();
        for member in 0..4 {
            let first = firsts.iter().filter(|first| **first == member).count();
            assert!((850..1_150).contains(&first), "{member}: {first}");
        }
    }

    #[test]
    fn both_sides_are_in_every_answer() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (seeds, others) in [(1, 1_000), (1_000, 1), (30, 1_000), (1_000, 30), (500, 500), (5, 6)] {
            let swarm = swarm(seeds, others);
            for limit in [2, 3, 4, 10] {
                let sample = swarm.sample(limit, None, &mut rng);
                assert_eq!(sample.len(), limit);
                let given = sample.iter().filter(|member| **member < seeds).count();
                let quarter = (limit / 4).max(1);
                assert!(given >= quarter.min(seeds as usize), "{given} of {limit} from {seeds}+{others}");
                assert!(limit - given >= quarter.min(others as usize));
            }
        }
        let alone = (0..1_000).filter(|_| swarm(1, 1).sample(1, None, &mut rng) == [0]).count();
        assert!((400..600).contains(&alone), "{alone}");
    }

    #[test]
    fn shares_are_kept_in_the_middle() {
        let (swarm, mut rng) = (swarm(400, 600), ChaCha8Rng::seed_from_u64(1));
        let given: usize =
            (0..1_000).map(|_| swarm.sample(9, None, &mut rng).iter().filter(|m| **m < 400).count()).sum();
        assert!((3_450..3_750).contains(&given), "{given} of 9000, expected 3600");
    }

    #[test]
    fn a_removal_tells_which_member_moved() {
        let mut swarm = swarm(0, 3);
        assert_eq!(swarm.remove(Some(Role::Downloader), seat(0), 0, &[]), Some(2));
        assert_eq!(swarm.remove(Some(Role::Downloader), seat(1), 1, &[]), None);
        assert_eq!((swarm.len(), swarm.counts().downloaders), (1, 1));
        assert_eq!(swarm.since(0).collect::<Vec<_>>(), [(2, 2)]);
        assert_eq!(swarm.since(2).count(), 0);
        assert_eq!(swarm.since(u64::MAX).count(), 0);
    }
}
