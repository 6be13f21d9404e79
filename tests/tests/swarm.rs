//! Policies of swarms, seen from outside: seeding goals, topology, slots, initial seeding.

use shoal_tests::files::{random, tree, write};
use shoal_tests::nuisance::{Bait, Claimant};
use shoal_tests::process::{get, share, shoal};

/// Chunks of a fixed size, so that each test knows how many there are.
const CHUNKER: [&str; 2] = ["--chunker", "fixed:65536"];

#[test]
fn a_share_until_safe_ends_by_itself_and_the_others_complete_without_it() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(8 << 20, 1));
    let (seed, ticket) = share(&from, &[&CHUNKER[..], &["--until-safe"]].concat());
    let mut getters: Vec<_> =
        (0..3).map(|n| get(&ticket, &scratch.path().join(n.to_string()), &["--seed"])).collect();
    let seed = seed.end().expect(0);
    assert!(seed.stderr.contains("safe to leave"), "{}", seed.stderr);
    // Nobody goes before all are done: each may be the only one that has what another needs.
    for getter in &mut getters {
        getter.word("completion", |line| line.contains("done:"));
    }
    for (n, getter) in getters.into_iter().enumerate() {
        assert_eq!(tree(&from), tree(&scratch.path().join(n.to_string()).join("set")));
        getter.interrupt();
        getter.end().expect(0);
    }
}

/// On one machine each peer counts as a network of its own, so one liar is what a share must see through here.
#[tokio::test(flavor = "multi_thread")]
async fn a_share_until_safe_does_not_end_because_a_peer_says_that_it_has_everything() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(4 << 20, 6));
    // A slow line, so that it looks at how many copies there are several times before anybody can have one.
    let (seed, ticket) = share(&from, &[&CHUNKER[..], &["--until-safe", "--limit-up", "1MiB"]].concat());
    let shown: shoal_content::Ticket = ticket.parse().unwrap();
    let claimant = Claimant::join(&shown.peers[0], Bait { content: shown.content, chunks: 64 }).await;
    tokio::task::block_in_place(|| {
        let to = scratch.path().join("to");
        let mut getter = get(&ticket, &to, &["--seed"]);
        getter.word("completion", |line| line.contains("done:"));
        assert_eq!(tree(&from), tree(&to.join("set")));
        let seed = seed.end().expect(0);
        assert!(seed.stderr.contains("safe to leave"), "{}", seed.stderr);
    });
    assert!(claimant.is_there());
}

#[test]
fn a_seed_hands_out_each_chunk_about_once() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(16 << 20, 2));
    // A slow line, so that the others are there before it has sent much.
    let (_seed, ticket) = share(&from, &[&CHUNKER[..], &["--limit-up", "8MiB"]].concat());
    let getters: Vec<_> =
        (0..4).map(|n| get(&ticket, &scratch.path().join(n.to_string()), &["--seed"])).collect();
    let seed = ticket_peer(&ticket);
    let mut from_seed = 0;
    for mut getter in getters {
        getter.word("completion", |line| line.contains("done:"));
        getter.interrupt();
        let ended = getter.end().expect(0).json();
        let peers = ended["peers"].as_array().unwrap().clone();
        let bytes = |peer: &serde_json::Value| peer["bytes"].as_u64().unwrap();
        from_seed += peers.iter().filter(|p| p["peer"] == seed.as_str()).map(bytes).sum::<u64>();
    }
    assert!(from_seed < 32 << 20, "the seed sent {from_seed} bytes of {} to four", 16 << 20);
}

#[test]
fn in_a_star_everything_comes_from_the_seed() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(4 << 20, 3));
    let (_seed, ticket) = share(&from, &CHUNKER);
    let options = ["--topology", "star"];
    let getters: Vec<_> =
        (0..3).map(|n| get(&ticket, &scratch.path().join(n.to_string()), &options)).collect();
    for getter in getters {
        let ended = getter.end().expect(0).json();
        assert_eq!(ended["peers"].as_array().unwrap().len(), 1);
        assert_eq!(ended["peers"][0]["peer"], ticket_peer(&ticket));
        assert_eq!(ended["fetched"], 4 << 20);
    }
}

#[test]
fn one_conversation_at_a_time_is_enough() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(4 << 20, 4));
    let (_seed, ticket) = share(&from, &[&CHUNKER[..], &["--upload-slots", "1"]].concat());
    let options = ["--in-flight", "1", "--peer-choice", "score", "--fairness", "tit-for-tat"];
    let getters: Vec<_> =
        (0..3).map(|n| get(&ticket, &scratch.path().join(n.to_string()), &options)).collect();
    for getter in getters {
        getter.end().expect(0);
    }
    assert_eq!(tree(&from), tree(&scratch.path().join("2/set")));
}

#[test]
fn seeding_ends_at_its_ratio() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(2 << 20, 5));
    let (seed, ticket) = share(&from, &[&CHUNKER[..], &["--seed-ratio", "1"]].concat());
    get(&ticket, &scratch.path().join("to"), &[]).end().expect(0);
    seed.end().expect(0);
}

#[test]
fn a_simulation_is_the_same_each_time() {
    let run = |seed: &str| {
        let args =
            ["sim", "--peers", "6", "--size", "16MiB", "--up", "100mbit", "--down", "100mbit", "--json"];
        shoal(args.into_iter().chain(["--seed", seed])).expect(0).stdout
    };
    assert_eq!(run("7"), run("7"));
    assert_ne!(run("7"), run("8"));
}

/// The peer id in a ticket, as `inspect` tells it.
fn ticket_peer(ticket: &str) -> String {
    let ticket: shoal_content::Ticket = ticket.parse().unwrap();
    ticket.peers[0].to_string().rsplit('/').next().unwrap().to_owned()
}
