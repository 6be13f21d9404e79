//! Little memory, few descriptors, and crowds of connections.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use shoal_tests::eventually_or;
use shoal_tests::proc::open_files;
use shoal_tests::process::{Process, get, get_command, prepared, share};

use super::world::{CHUNK, CHUNKER, World, port, well};
use crate::{Card, Fault, Runs, Strike};

/// Bytes that a process and what it has cached may take.
const MEMORY: u64 = 128 << 20;
/// Files, sockets included, that it may have open.
const FILES: u32 = 64;
/// More than there is of memory.
const LARGE: usize = (160 << 20) / CHUNK;
/// Connections that come at once.
const CROWD: usize = 1000;

/// A getter and a seed with little memory and few descriptors each.
pub(crate) struct LittleMemory;

/// Connections that say nothing, many at once, come and go.
pub(crate) struct ConnectionCrowd;

impl Fault for LittleMemory {
    fn name(&self) -> &'static str {
        "little_memory_few_files"
    }

    fn card(&self) -> Card {
        Card {
            promises: "4",
            fault: "`shoal get` and `shoal share` of 160 MiB may take 128 MiB of memory, the system's cache included, and 64 descriptors each",
            injected: "a control group with that limit for each, RLIMIT_NOFILE",
            expected: "it completes, and neither is killed",
        }
    }

    fn runs(&self) -> Runs {
        Runs { few: 1, many: 8 }
    }

    fn missing(&self) -> Option<String> {
        let is_root = rustix::process::geteuid().is_root();
        let why = "no control group for memory can be made";
        (!is_root || Group::make().is_none()).then(|| why.to_owned())
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let world = World::new(LARGE, seed)?;
        let group = || Group::make().ok_or("no control group");
        let (one, other) = (group()?, group()?);
        let from = world.from.to_str().ok_or("test paths are text")?;
        let args = ["share", from, "--listen", shoal_tests::process::LOOPBACK];
        let mut sharing = Process::spawn(one.limited(&shoal_tests::process::command("shoal", args)));
        let ticket = sharing.line("a ticket", |line| line.starts_with("shoal1"));
        // Not in memory, or what it writes would count as its own.
        let to = tempfile::tempdir().map_err(|e| e.to_string())?;
        let getter = Process::spawn(other.limited(&get_command(&ticket, to.path(), &[])));
        well(getter.end())?;
        if shoal_tests::files::tree(&world.from) != shoal_tests::files::tree(&to.path().join("set")) {
            return Err("the content has not arrived as it is".into());
        }
        if sharing.is_running() { Ok(Strike::Struck) } else { Err(sharing.errors()) }
    }
}

impl Fault for ConnectionCrowd {
    fn name(&self) -> &'static str {
        "connection_crowd"
    }

    fn card(&self) -> Card {
        Card {
            promises: "4",
            fault: "1 000 connections that never say a word, then 10 000 that come and go at once",
            injected: "sockets of the test",
            expected: "a getter completes beside them; descriptors are bounded, and as before when they are gone",
        }
    }

    fn runs(&self) -> Runs {
        Runs { few: 1, many: 10 }
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let world = World::new(16, seed)?;
        let (mut sharing, ticket) = share(&world.from, &["--chunker", CHUNKER]);
        let port = port(&ticket)?;
        let before = open_files(sharing.id());
        let crowd: Vec<_> = (0..CROWD).filter_map(|_| TcpStream::connect(("127.0.0.1", port)).ok()).collect();
        let came = crowd.len();
        well(get(&ticket, &world.to, &[]).end())?;
        world.arrived()?;
        let beside = open_files(sharing.id());
        drop(crowd);
        for _ in 0..10 * CROWD {
            drop(TcpStream::connect(("127.0.0.1", port)));
        }
        if !sharing.is_running() || beside > before + came + 64 {
            return Err(format!("{beside} files beside {came} connections: {}", sharing.errors()));
        }
        eventually_or(
            "descriptors are as before",
            || (open_files(sharing.id()) <= before + 8).then_some(()),
            || format!("{} files, {before} before", open_files(sharing.id())),
        );
        Ok(Strike::of(came > CROWD / 2))
    }
}

/// A control group with little memory, of either version. Removed when dropped.
struct Group(PathBuf);

impl Group {
    fn make() -> Option<Self> {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("shoal-faults-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        for (root, limit) in
            [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")]
        {
            let folder = PathBuf::from(root).join(&name);
            if fs::create_dir(&folder).is_err() {
                continue;
            }
            let group = Self(folder);
            if group.0.join(limit).exists() && fs::write(group.0.join(limit), MEMORY.to_string()).is_ok() {
                return Some(group);
            }
        }
        None
    }

    /// The command, in this group and with few descriptors.
    fn limited(&self, command: &Command) -> Command {
        let words =
            format!("echo $$ > '{}/cgroup.procs' && ulimit -n {FILES} && exec \"$@\"", self.0.display());
        let program = command.get_program().to_owned();
        let args = command.get_args().map(ToOwned::to_owned);
        let mut limited = prepared(
            "sh".as_ref(),
            ["-c".into(), words.into(), "sh".into(), program].into_iter().chain(args),
        );
        limited.env("RUST_LOG", "warn");
        limited
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Err: what was in it is about to be ended; an empty group that is left takes nothing.
        drop(fs::remove_dir(&self.0));
    }
}
