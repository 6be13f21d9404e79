//! The seeds of a swarm, or its other members: in such a way that one network cannot hide the rest.
//!
//! The first few of each network stand apart from the crowd of those that came after them from there. An answer takes at
//! most a quarter from the crowd while the others are enough to fill it. So whoever has one network and many identities
//! takes a part of the answers, and others are found all the same.

use std::collections::BTreeSet;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use shoal_addresses::Prefix;

use super::quota::PrefixCounts;

/// So many of one network are no crowd.
const NO_CROWD: usize = 16;
/// Of an answer at most this part is taken from the crowd, if others are left.
const CROWD_PART: usize = 4;

/// Where a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seat {
    /// Whether it is one of a crowd.
    pub(super) crowded: bool,
    /// Its place in that list.
    pub(super) at: u32,
}

/// Members, in two lists without gaps.
#[derive(Debug, Default)]
pub(super) struct Side {
    few: Vec<u32>,
    crowd: Vec<u32>,
    /// How many of the few are of each network.
    networks: PrefixCounts,
}

impl Side {
    pub(super) fn len(&self) -> usize {
        self.few.len() + self.crowd.len()
    }

    /// Adds a member that counts against these networks.
    pub(super) fn insert(&mut self, member: u32, prefixes: &[Prefix]) -> Seat {
        let crowded = !self.networks.have_room(prefixes, NO_CROWD);
        if !crowded {
            self.networks.add(prefixes);
        }
        let list = self.list(crowded);
        list.push(member);
        Seat { crowded, at: list.len() as u32 - 1 }
    }

    /// Removes a member. Returns the one, if any, that has taken its seat.
    pub(super) fn remove(&mut self, seat: Seat, prefixes: &[Prefix]) -> Option<u32> {
        if !seat.crowded {
            self.networks.subtract(prefixes);
        }
        let list = self.list(seat.crowded);
        list.swap_remove(seat.at as usize);
        list.get(seat.at as usize).copied()
    }

    /// Picks `count` different members at random, without the one in a seat; there are as many.
    pub(super) fn pick(
        &self,
        count: usize,
        without: Option<Seat>,
        into: &mut Vec<u32>,
        rng: &mut ChaCha8Rng,
    ) {
        let of = |crowded| without.filter(|seat| seat.crowded == crowded).map(|seat| seat.at as usize);
        let few = Candidates { list: &self.few, without: of(false) };
        let crowd = Candidates { list: &self.crowd, without: of(true) };
        let of_crowd = part_of_crowd(count, few.len(), crowd.len(), rng);
        few.pick(count - of_crowd, into, rng);
        crowd.pick(of_crowd, into, rng);
    }

    fn list(&mut self, crowded: bool) -> &mut Vec<u32> {
        if crowded { &mut self.crowd } else { &mut self.few }
    }

    #[cfg(test)]
    pub(super) fn member_at(&self, seat: Seat) -> Option<u32> {
        let list = if seat.crowded { &self.crowd } else { &self.few };
        list.get(seat.at as usize).copied()
    }
}

/// How many of `count` to take from the crowd: its share (odds decide about the fraction), but no more than its part
/// unless the few do not fill the rest.
fn part_of_crowd(count: usize, few: usize, crowd: usize, rng: &mut ChaCha8Rng) -> usize {
    let total = few + crowd;
    if crowd == 0 || total <= count {
        return crowd;
    }
    let share = (count * crowd + rng.random_range(0..total)) / total;
    share.min(count / CROWD_PART).max(count.saturating_sub(few))
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
    use std::collections::BTreeMap;

    use rand::SeedableRng;

    use super::*;

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(1)
    }

    fn network(n: u8) -> [Prefix; 1] {
        [Prefix::V4([8, 8, n])]
    }

    #[test]
    fn the_seventeenth_of_a_network_is_one_of_a_crowd_until_one_of_the_first_goes() {
        let mut side = Side::default();
        for at in 0..16 {
            assert_eq!(side.insert(at, &network(1)), Seat { crowded: false, at });
        }
        assert_eq!(side.insert(16, &network(1)), Seat { crowded: true, at: 0 });
        assert_eq!(side.insert(17, &network(2)), Seat { crowded: false, at: 16 });
        assert_eq!(side.insert(18, &network(1)), Seat { crowded: true, at: 1 });
        assert_eq!(side.len(), 19);
        let gone = Seat { crowded: true, at: 0 };
        assert_eq!(side.remove(gone, &network(1)), Some(18), "the last takes its seat");
        assert!(side.insert(19, &network(1)).crowded, "one of a crowd went");
        let last = Seat { crowded: false, at: 16 };
        assert_eq!(side.remove(last, &network(2)), None);
        assert_eq!(side.remove(Seat { crowded: false, at: 0 }, &network(1)), Some(15));
        assert!(!side.insert(20, &network(1)).crowded);
    }

    #[test]
    fn all_are_picked_but_the_one_left_out() {
        let mut side = Side::default();
        let seats: Vec<Seat> = (0..30).map(|member| side.insert(member, &network(1))).collect();
        for (member, seat) in (0..).zip(&seats) {
            let mut picked = Vec::new();
            side.pick(29, Some(*seat), &mut picked, &mut rng());
            picked.sort_unstable();
            assert_eq!(picked, (0..30).filter(|other| *other != member).collect::<Vec<_>>());
        }
        let mut picked = Vec::new();
        side.pick(30, None, &mut picked, &mut rng());
        picked.sort_unstable();
        assert_eq!(picked, (0..30).collect::<Vec<_>>());
    }

    #[test]
    fn each_set_is_picked_as_often_as_any_other() {
        let list: Vec<u32> = (0..6).collect();
        let (candidates, mut rng) = (Candidates { list: &list, without: Some(2) }, rng());
        let mut seen: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
        for _ in 0..10_000 {
            let mut picked = Vec::new();
            candidates.pick(2, &mut picked, &mut rng);
            picked.sort_unstable();
            *seen.entry(picked).or_default() += 1;
        }
        assert_eq!(seen.len(), 10, "{seen:?}");
        assert!(seen.keys().all(|pair| pair[0] != pair[1] && !pair.contains(&2)));
        assert!(seen.values().all(|times| (850..1150).contains(times)), "{seen:?}");
    }

    #[test]
    fn a_crowd_has_its_share_and_at_most_a_quarter_while_others_are_left() {
        let mut rng = rng();
        let mut of = |count, few, crowd| part_of_crowd(count, few, crowd, &mut rng);
        assert_eq!([of(8, 9, 0), of(8, 4, 4), of(8, 3, 4), of(8, 0, 100)], [0, 4, 4, 8]);
        assert_eq!([of(8, 100, 100_000), of(8, 6, 100_000)], [2; 2], "a quarter");
        assert_eq!([of(8, 5, 100_000), of(8, 1, 100_000)], [3, 7], "the few do not fill the rest");
        let times = (0..10_000).map(|_| of(8, 90, 10)).sum::<usize>();
        assert!((7_700..8_300).contains(&times), "a tenth of eight: {times}");
        let halves = (0..10_000).map(|_| of(1, 5, 5)).sum::<usize>();
        assert_eq!(halves, 0, "a quarter of one is none");
    }
}
