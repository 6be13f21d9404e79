//! The peers of one namespace, kept so that a random sample and the newest ones are found quickly.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;

use super::registration::Counts;
use rand_chacha::ChaCha8Rng;
use shoal_wire::tracker::Role;

/// Two lists of members, seeds and others, each without gaps, so that a random place is a random member;
/// and all in the order of their numbers, so that what is newer than some number is at the end.
///
/// Members are keys of the owner's table. The owner also keeps each one's place in its list: it is told
/// when a removal moves another member.
#[derive(Debug, Default)]
pub(super) struct Swarm {
    seeds: Vec<u32>,
    others: Vec<u32>,
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

    /// Adds a member and returns its place in its list.
    pub(super) fn insert(&mut self, member: u32, role: Option<Role>, number: u64) -> u32 {
        self.by_number.insert(number, member);
        self.downloaders += usize::from(role == Some(Role::Downloader));
        let list = self.list(role);
        list.push(member);
        list.len() as u32 - 1
    }

    /// Removes a member. Returns the one, if any, that has taken its place.
    pub(super) fn remove(&mut self, role: Option<Role>, position: u32, number: u64) -> Option<u32> {
        self.by_number.remove(&number);
        self.downloaders -= usize::from(role == Some(Role::Downloader));
        let list = self.list(role);
        list.swap_remove(position as usize);
        list.get(position as usize).copied()
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

    /// At most `limit` members in random order, without the one at a place: all, if they are no more, else a
    /// random sample with seeds and others in it.
    pub(super) fn sample(
        &self,
        limit: usize,
        without: Option<(Option<Role>, u32)>,
        rng: &mut ChaCha8Rng,
    ) -> Vec<u32> {
        let of =
            |seed| without.filter(|(role, _)| (*role == Some(Role::Seed)) == seed).map(|(_, at)| at as usize);
        let seeds = Candidates { list: &self.seeds, without: of(true) };
        let others = Candidates { list: &self.others, without: of(false) };
        let (some, more) = split(limit, seeds.len(), others.len(), rng);
        let mut members = Vec::with_capacity(some + more);
        seeds.pick(some, &mut members, rng);
        others.pick(more, &mut members, rng);
        for last in (1..members.len()).rev() {
            members.swap(last, rng.random_range(0..=last));
        }
        members
    }

    fn list(&mut self, role: Option<Role>) -> &mut Vec<u32> {
        match role {
            Some(Role::Seed) => &mut self.seeds,
            Some(Role::Downloader) | None => &mut self.others,
        }
    }

    #[cfg(test)]
    pub(super) fn member_at(&self, role: Option<Role>, position: u32) -> Option<u32> {
        let list = if role == Some(Role::Seed) { &self.seeds } else { &self.others };
        list.get(position as usize).copied()
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

/// A list that may lack one.
struct Candidates<'a> {
    list: &'a [u32],
    without: Option<usize>,
}

impl Candidates<'_> {
    fn len(&self) -> usize {
        self.list.len() - usize::from(self.without.is_some())
    }

    fn get(&self, place: usize) -> u32 {
        let after = self.without.is_some_and(|without| place >= without);
        self.list[place + usize::from(after)]
    }

    /// `count` different members, each set of them as likely as any other (Floyd's sampling: Bentley and
    /// Floyd, "A Sample of Brilliance", 1987). Costs by `count`, not by the length of the list.
    fn pick(&self, count: usize, into: &mut Vec<u32>, rng: &mut ChaCha8Rng) {
        let mut places = BTreeSet::new();
        for last in self.len() - count..self.len() {
            let drawn = rng.random_range(0..=last);
            let place = if places.contains(&drawn) { last } else { drawn };
            places.insert(place);
            into.push(self.get(place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn swarm(seeds: u32, others: u32) -> Swarm {
        let mut swarm = Swarm::default();
        for member in 0..seeds + others {
            let role = if member < seeds { Some(Role::Seed) } else { Some(Role::Downloader) };
            swarm.insert(member, role, member.into());
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
            let mut all = swarm.sample(6, Some((role, member % 3)), &mut rng);
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
        assert_eq!(swarm.remove(Some(Role::Downloader), 0, 0), Some(2));
        assert_eq!(swarm.remove(Some(Role::Downloader), 1, 1), None);
        assert_eq!((swarm.len(), swarm.counts().downloaders), (1, 1));
        assert_eq!(swarm.since(0).collect::<Vec<_>>(), [(2, 2)]);
        assert_eq!(swarm.since(2).count(), 0);
        assert_eq!(swarm.since(u64::MAX).count(), 0);
    }
}
