//! A target that may not be written to any more in the midst of a transfer: no permission, or a disk that turned read-only.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rand::{RngExt, SeedableRng};
use shoal_engine::SeededRng;
use shoal_tests::disk::Disk;
use shoal_tests::files::part;
use shoal_tests::process::{Process, get, get_command};

use super::world::{Counted, World, well};
use crate::tools::{WRITING, no_mounts, no_program, no_strace};
use crate::{Card, Fault, Runs, Strike};

const CHUNKS: usize = 24;
/// What may be under way when the disk refuses, and comes twice.
const WINDOW: usize = 16;
/// Somebody who is not root.
const USER: u32 = 65534;

/// What refuses, and why.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    /// The file and its folder are made immutable.
    Immutable,
    /// Every system call that writes gets this error.
    Call(&'static str),
    /// The folders belong to somebody else now, and the getter is not root.
    Taken,
    /// The file system has found itself damaged, and turned read-only until it is mounted anew.
    Damaged,
}

impl Refusal {
    fn says(self) -> &'static str {
        match self {
            Self::Immutable => "Operation not permitted",
            Self::Call("EROFS") | Self::Damaged => "Read-only file system",
            Self::Call(_) | Self::Taken => "Permission denied",
        }
    }
}

/// A target that turns away what it took before.
pub(crate) struct WritingRefused;

impl Fault for WritingRefused {
    fn name(&self) -> &'static str {
        "writing_refused"
    }

    fn card(&self) -> Card {
        Card {
            promises: "1, 3, 8",
            fault: "in the midst of a transfer the target may not be written to any more, or its disk turns read-only",
            injected: "`chattr +i`; strace, EROFS or EACCES in place of each call; another owner, and a getter that is not root; \
                       an ext4 that is told that it is damaged",
            expected: "it pauses and says why, and goes on by itself when it may again (the damaged one: started again when it is \
                       mounted anew); no more comes twice than what was under way",
        }
    }

    fn runs(&self) -> Runs {
        Runs { few: 5, many: 100 }
    }

    fn missing(&self) -> Option<String> {
        no_mounts()
            .or_else(no_strace)
            .or_else(|| no_program("mkfs.ext4", "-V"))
            .or_else(|| no_program("chattr", "-V"))
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let refusals = [
            Refusal::Immutable,
            Refusal::Call("EROFS"),
            Refusal::Taken,
            Refusal::Damaged,
            Refusal::Call("EACCES"),
        ];
        let refusal = refusals[(seed % 5) as usize];
        let mut rng = SeededRng::seed_from_u64(seed);
        let mut world = World::new(CHUNKS, seed)?;
        let disk = matches!(refusal, Refusal::Immutable | Refusal::Damaged);
        let disk = disk.then(|| Disk::with_a_plug(48 << 20));
        if let Some(disk) = &disk {
            world.to = disk.path().join("to");
        }
        let counted = Counted::serve(&world)?;
        let before = rng.random_range(1..CHUNKS - 2);
        counted.gate.open(before);
        let mut getter = start(&world, &counted, refusal)?;
        getter.stored(before);
        let refused = Refused::by(refusal, &world, &getter, disk.as_ref())?;
        counted.gate.open_all();
        getter.word("a pause", |line| line.contains("paused") && line.contains(refusal.says()));
        world.all_or_nothing()?;
        refused.end()?;
        if let (Refusal::Damaged, Some(disk)) = (refusal, &disk) {
            return mounted_anew(getter, disk, &world, &counted);
        }
        getter.word("going on", |line| line.contains("going on") && !line.contains("paused"));
        well(getter.end())?;
        world.arrived()?;
        let read = counted.gate.count();
        if read > CHUNKS + WINDOW {
            Err(format!("{read} chunks were read for {CHUNKS}"))
        } else {
            Ok(Strike::Struck)
        }
    }
}

/// A getter, which is not root where its folders are to be taken from it.
fn start(world: &World, counted: &Counted, refusal: Refusal) -> Result<Process, String> {
    let mut command = get_command(&counted.ticket(), &world.to, &[]);
    if matches!(refusal, Refusal::Taken) {
        let given = fs::create_dir_all(&world.to).and_then(|()| chown(&world.to, Some(USER), Some(USER)));
        let seen = fs::set_permissions(world.scratch(), Permissions::from_mode(0o755));
        given.and(seen).map_err(|e| e.to_string())?;
        command.uid(USER).gid(USER);
    }
    Ok(Process::spawn(command))
}

/// What goes on refusing, until it ends.
enum Refused {
    Immutable(Vec<PathBuf>),
    Traced(Process),
    Taken(PathBuf),
    Damaged,
}

impl Refused {
    fn by(refusal: Refusal, world: &World, getter: &Process, disk: Option<&Disk>) -> Result<Self, String> {
        let part = part(&world.to).ok_or("there is no part")?;
        match refusal {
            Refusal::Immutable => {
                let all = vec![part.join("file"), part];
                chattr("+i", &all)?;
                Ok(Self::Immutable(all))
            }
            Refusal::Call(error) => {
                let mut strace = Command::new("strace");
                let calls = WRITING.join(",");
                strace.args(["-f", "-o", "/dev/null", "-p", &getter.id().to_string()]);
                strace.args([format!("--trace={calls}"), format!("--inject={calls}:error={error}")]);
                let mut strace = Process::spawn(strace);
                strace.word("it is attached", |line| line.contains("attached"));
                Ok(Self::Traced(strace))
            }
            Refusal::Taken => {
                lock(&part, 0, 0o555)?;
                lock(&world.to, 0, 0o555)?;
                Ok(Self::Taken(world.to.clone()))
            }
            Refusal::Damaged => {
                disk.ok_or("there is no disk")?.turn_read_only();
                Ok(Self::Damaged)
            }
        }
    }

    fn end(self) -> Result<(), String> {
        match self {
            Self::Immutable(all) => chattr("-i", &all),
            Self::Traced(strace) => {
                // It lets go of the program, and ends by the signal.
                strace.interrupt();
                drop(strace.end());
                Ok(())
            }
            Self::Taken(to) => {
                lock(&part(&to).ok_or("there is no part")?, USER, 0o755)?;
                lock(&to, USER, 0o755)
            }
            Self::Damaged => Ok(()),
        }
    }
}

/// The getter is ended, as its disk has to be; started again, it goes on with what had reached the disk.
fn mounted_anew(getter: Process, disk: &Disk, world: &World, counted: &Counted) -> Result<Strike, String> {
    getter.interrupt();
    let ended = getter.end();
    if ended.code != Some(3) {
        return Err(format!("it ended with {:?}: {}", ended.code, ended.stderr));
    }
    disk.power_up();
    world.all_or_nothing()?;
    well(get(&counted.ticket(), &world.to, &[]).end())?;
    world.arrived()?;
    Ok(Strike::Struck)
}

fn chattr(how: &str, paths: &[PathBuf]) -> Result<(), String> {
    let output = Command::new("chattr").arg(how).args(paths).output().map_err(|e| e.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn lock(folder: &Path, owner: u32, mode: u32) -> Result<(), String> {
    let locked = chown(folder, Some(owner), None);
    locked.and_then(|()| fs::set_permissions(folder, Permissions::from_mode(mode))).map_err(|e| e.to_string())
}
