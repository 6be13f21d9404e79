//! File systems of a test's own: in memory, sharing blocks, and such that lose their power. Linux, root.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tempfile::{NamedTempFile, TempDir};

/// What `EXT4_IOC_SHUTDOWN` does, in Perl: no crate of this workspace may make a raw system call, and every system that can
/// mount has Perl. It waits for a line, so that the cut comes at once when it is asked for. 2: what the file system's own
/// log has in memory is lost too.
const CUT: &str = "$| = 1; open F, '<', $ARGV[0] or die; print qq(ready\n); <STDIN>; \
    ioctl(F, 0x8004587d, my $how = pack('L', 2)) or die; print qq(cut\n)";

/// A file system, mounted at a folder. Unmounted when dropped.
pub struct Disk {
    folder: TempDir,
    /// What it lies in, unless it lies in memory.
    image: Option<NamedTempFile>,
}

impl Disk {
    /// One in memory, of such a size as `2m`.
    pub fn in_memory(size: &str) -> Self {
        let options = format!("size={size}");
        Self::mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], None)
    }

    /// One that can share blocks between files.
    pub fn that_shares_blocks() -> Self {
        let tool = block_sharing_tool().expect("looked for before");
        Self::made_by(&[tool, "-q"], 400 << 20)
    }

    /// An ext4 that can lose its power.
    pub fn with_a_plug(bytes: u64) -> Self {
        Self::made_by(&["mkfs.ext4", "-q", "-F"], bytes)
    }

    fn made_by(tool: &[&str], bytes: u64) -> Self {
        // In memory where there is such a place: what survives is decided by the file system, not by what holds its image.
        let image = NamedTempFile::new_in("/dev/shm").or_else(|_| NamedTempFile::new()).unwrap();
        image.as_file().set_len(bytes).unwrap();
        run(Command::new(tool[0]).args(&tool[1..]).arg(image.path()));
        let path = image.path().to_str().unwrap().to_owned();
        Self::mount(&["-o", "loop", &path], Some(image))
    }

    fn mount(args: &[&str], image: Option<NamedTempFile>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        run(Command::new("mount").args(args).arg(folder.path()));
        Self { folder, image }
    }

    /// Changes how it is mounted.
    pub fn remount(&self, options: &str) {
        run(Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(self.path()));
    }

    /// Has an ext4 find itself damaged: it is read-only from now on, until it is [mounted anew](Self::power_up).
    pub fn turn_read_only(&self) {
        self.remount("errors=remount-ro");
        let device = run(Command::new("findmnt").args(["-no", "SOURCE"]).arg(self.path()));
        let device = device.trim().trim_start_matches("/dev/");
        std::fs::write(format!("/sys/fs/ext4/{device}/trigger_fs_error"), "shoal").expect("it can be told");
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What it lies in.
    pub fn image(&self) -> &Path {
        self.image.as_ref().expect("it lies in no memory").path()
    }

    /// Brings all that was written to the disk.
    pub fn sync(&self) {
        rustix::fs::syncfs(File::open(self.path()).unwrap()).unwrap();
    }

    /// Bytes that are taken.
    pub fn used(&self) -> u64 {
        self.sync();
        let stat = rustix::fs::statvfs(self.path()).unwrap();
        (stat.f_blocks - stat.f_bfree) * stat.f_frsize
    }

    /// What cuts its power.
    pub fn plug(&self) -> Plug {
        let mut command = Command::new("perl");
        command.args(["-e", CUT]).arg(self.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("perl runs");
        let input = child.stdin.take().expect("piped");
        let mut plug = Plug { input, output: BufReader::new(child.stdout.take().expect("piped")), child };
        plug.expect("ready");
        plug
    }

    /// Takes up its work again after a loss of power, with what had reached the disk. Nobody may have files open there.
    pub fn power_up(&self) {
        run(Command::new("umount").arg(self.path()));
        run(Command::new("mount").args(["-o", "loop"]).args([self.image(), self.path()]));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What still has files open there is about to be ended.
        drop(Command::new("umount").arg("-l").arg(self.path()).status());
    }
}

/// The plug of a disk, in a hand that is ready to pull it.
pub struct Plug {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    child: Child,
}

impl Plug {
    /// From now on nothing reaches the disk, and nothing that has not reached it yet ever will.
    pub fn pull(mut self) {
        self.input.write_all(b"\n").expect("it waits");
        self.expect("cut");
        self.child.wait().expect("can be waited for");
    }

    fn expect(&mut self, word: &str) {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it speaks");
        assert_eq!(line.trim(), word, "the power cannot be cut");
    }
}

/// What makes a file system that shares blocks, if there is such a tool.
pub fn block_sharing_tool() -> Option<&'static str> {
    let is_there = |tool: &&str| Command::new(tool).arg("-V").output().is_ok();
    ["mkfs.xfs", "mkfs.btrfs"].into_iter().find(is_there)
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("can be run");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
