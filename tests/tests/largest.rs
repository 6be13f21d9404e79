//! Every option that takes a time, a size or a number, with the largest one that can be written: it is refused with a
//! clear message, or taken, and nothing panics.

use std::time::Duration;

use shoal_content::{ContentId, Hash};
use shoal_tests::files::write;
use shoal_tests::process::{LOOPBACK, Process};

const NUMBER: &str = "18446744073709551615";
const TIME: &str = "18446744073709551615s";
/// Large, and finite.
const TIMES: &str = "1e308";
/// How long a program is watched that goes on.
const WATCHED: Duration = Duration::from_secs(2);

/// Runs all at once. Those that go on are ended after a while.
fn run(program: &str, all: &[Vec<String>]) {
    let started: Vec<_> = all.iter().map(|args| (args, Process::start(program, args))).collect();
    std::thread::sleep(WATCHED);
    for (args, process) in started {
        let (errors, code) = process.end_now();
        assert!(!errors.contains("panic") && !errors.contains("overflow"), "{args:?}: {errors}");
        assert!(!matches!(code, Some(1 | 101)), "{args:?}: {code:?} {errors}");
        if code == Some(2) {
            assert!(errors.contains("error:"), "{args:?}: {errors}");
        }
    }
}

fn args<'a>(base: &[&str], more: impl IntoIterator<Item = &'a [&'a str]>) -> Vec<Vec<String>> {
    let owned = |part: &[&str]| part.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
    more.into_iter().map(|more| [owned(base), owned(more)].concat()).collect()
}

#[test]
fn options_of_share_get_and_inspect() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    write(&file, "some bytes");
    let [file, to] = [file, scratch.path().join("to")].map(|path| path.to_str().unwrap().to_owned());
    let id = ContentId::from_root_hash(Hash::of(b"nothing")).to_string();
    let nobody = "/ip4/127.0.0.1/tcp/1";
    let pace: [&[&str]; 3] =
        [&["--limit-up", NUMBER], &["--limit-down", NUMBER], &["--limit-up", "18446744073709551615bit"]];
    let share: [&[&str]; 6] = [
        &["--seed-for", TIME],
        &["--seed-ratio", TIMES],
        &["--until-safe=65535"],
        &["--upload-slots", NUMBER],
        &["--chunker", "fixed:18446744073709551615"],
        &["--chunker", "fastcdc:4294967294:4294967294:4294967294"],
    ];
    let get: [&[&str]; 4] =
        [&["--wait", TIME], &["--seed-for", TIME], &["--seed-ratio", TIMES], &["--in-flight", NUMBER]];
    let both = |these: &[&'static [&'static str]]| pace.iter().chain(these).copied().collect::<Vec<_>>();
    let sharing = args(&["share", &file, "--listen", LOOPBACK], both(&share));
    let getting = args(&["get", &id, "--peer", nobody, "-o", &to, "--listen", LOOPBACK], both(&get));
    let inspecting =
        args(&["inspect", &id, "--peer", nobody, "--listen", LOOPBACK], [&["--wait", TIME] as &[&str]]);
    run("shoal", &[sharing, getting, inspecting].concat());
}

#[test]
fn options_of_sim_and_demo() {
    let sim: [&[&str]; 13] = [
        &["--size", NUMBER],
        &["--size", "16EiB", "--chunker", "fixed:16MiB"],
        &["--chunker", "fixed:18446744073709551615"],
        &["--up", NUMBER],
        &["--down", NUMBER],
        &["--seed-up", NUMBER],
        &["--delay", TIME],
        &["--delay", "1day"],
        &["--stagger", TIME],
        &["--stagger", "1day"],
        &["--seed-leaves-after", TIMES],
        &["--seed", NUMBER],
        &["--peers", NUMBER],
    ];
    let simulated = args(&["sim", "--size", "1MiB"], sim.into_iter().filter(|args| args[0] != "--size"));
    let sized = args(&["sim"], sim.into_iter().filter(|args| args[0] == "--size"));
    let demo = args(&["demo"], [&["--size", NUMBER] as &[&str], &["--peers", NUMBER]]);
    run("shoal", &[simulated, sized, demo].concat());
}

#[test]
fn options_of_the_tracker() {
    let scratch = tempfile::tempdir().unwrap();
    let options: [&[&str]; 10] = [
        &["--connections", "4294967295"],
        &["--connections", NUMBER],
        &["--total", NUMBER],
        &["--per-namespace", NUMBER],
        &["--per-peer", NUMBER],
        &["--per-prefix", NUMBER],
        &["--page", NUMBER],
        &["--default-ttl", TIME],
        &["--min-ttl", TIME],
        &["--max-ttl", TIME],
    ];
    let mut all = args(&["--listen", LOOPBACK], options);
    for (n, args) in all.iter_mut().enumerate() {
        args.extend(["--data".to_owned(), scratch.path().join(n.to_string()).to_str().unwrap().to_owned()]);
    }
    let file = scratch.path().join("largest.toml");
    let largest = i64::MAX;
    write(
        &file,
        format!(
            "connections = 4294967295\n[limits]\ntotal = {largest}\nper-namespace = {largest}\nper-peer = \
             {largest}\nper-prefix = {largest}\n"
        ),
    );
    let data = scratch.path().join("data");
    let paths = [&file, &data].map(|path| path.to_str().unwrap());
    all.extend(args(&["--listen", LOOPBACK], [&["--config", paths[0], "--data", paths[1]] as &[&str]]));
    run("shoal-rendezvous", &all);
}
