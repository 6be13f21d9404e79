//! Permissions on the way from one user to another: nothing gets wider than it was.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use shoal_content::Chunker;
use shoal_tests::files::{random, tree, write};
use shoal_tests::gate::{Gate, provide_gated};
use shoal_tests::process::{LOOPBACK, Process, get, program, share, shoal};

const CHUNK: usize = 64 << 10;

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().mode() & 0o7777
}

/// A private folder with a key in it, and beside the key a public file.
fn keys(folder: &Path) {
    write(&folder.join("id"), random(6 * CHUNK, 1));
    write(&folder.join("id.pub"), "public");
    for (path, mode) in [("id", 0o600), ("id.pub", 0o644), ("", 0o700)] {
        chmod(&folder.join(path), mode);
    }
}

/// `shoal get` under a mask.
fn get_under(umask: &str, ticket: &str, to: &Path) -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).arg(program("shoal"));
    command.args(["get", ticket, "--listen", LOOPBACK, "-o"]).arg(to);
    command.env("RUST_LOG", "shoal=debug").env("NO_COLOR", "1");
    Process::spawn(command)
}

#[test]
fn a_key_in_a_private_folder_stays_private() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("keys");
    keys(&from);
    let (_seed, ticket) = share(&from, &[]);
    for (umask, modes) in
        [("022", [0o700, 0o600, 0o644]), ("000", [0o700, 0o600, 0o666]), ("077", [0o700, 0o600, 0o600])]
    {
        let to = scratch.path().join(umask);
        fs::create_dir(&to).unwrap();
        get_under(umask, &ticket, &to).end().expect(0);
        let found = ["", "id", "id.pub"].map(|path| mode(&to.join("keys").join(path)));
        assert_eq!(found, modes, "umask {umask}: {found:?}");
    }
    let got = scratch.path().join("022/keys");
    assert_eq!(tree(&from), tree(&got));
    let verify = || shoal(["verify", got.to_str().unwrap(), &ticket, "--listen", LOOPBACK]);
    verify().expect(0);
    chmod(&got, 0o755);
    chmod(&got.join("id"), 0o644);
    let ended = verify().expect(4);
    assert_eq!(ended.stdout.matches("others than its owner can read it").count(), 2, "{}", ended.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_key_is_private_too_and_stays_so_after_a_crash() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("keys"), scratch.path().join("to"));
    keys(&from);
    let gate = Gate::new(&from, Chunker::Fixed { size: CHUNK as u32 });
    let provider = provide_gated(gate.clone()).await;
    let ticket = provider.ticket.to_string();
    gate.open(2);
    let mut getter = get_under("022", &ticket, &to);
    getter.stored(2);
    let part = fs::read_dir(&to).unwrap().map(|item| item.unwrap().path()).find(|path| path.is_dir());
    let part = part.expect("there is a part");
    assert_eq!(["", "id"].map(|path| mode(&part.join(path))), [0o700, 0o600]);
    getter.kill();
    gate.open_all();
    get(&ticket, &to, &[]).end().expect(0);
    assert_eq!(tree(&from), tree(&to.join("keys")));
    assert_eq!(["", "id"].map(|path| mode(&to.join("keys").join(path))), [0o700, 0o600]);
}
