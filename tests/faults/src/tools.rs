//! Tools of the system that faults are injected with.

use std::path::Path;
use std::process::Command;

/// The system calls that change files or make them durable. Reports of a child go by `write`, which is not among them:
/// the store writes by position alone.
pub(crate) const WRITING: [&str; 16] = [
    "pwrite64",
    "ftruncate",
    "fallocate",
    "copy_file_range",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "syncfs",
    "renameat",
    "renameat2",
    "unlinkat",
    "mkdirat",
    "symlinkat",
    "linkat",
    "fchmod",
    "fchmodat",
];

/// Of those, the ones that make durable.
pub(crate) const SYNCING: [&str; 3] = ["fsync", "fdatasync", "syncfs"];

/// A folder that goes with its handle; in memory where there is such a place. What is killed or refused does not depend on
/// the disk, and one that others keep busy would take most of the time.
pub(crate) fn scratch() -> Result<tempfile::TempDir, String> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).map_err(|e| e.to_string())
}

/// Why nothing can be traced here, if so.
pub(crate) fn no_strace() -> Option<String> {
    let runs = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    let works = runs.is_ok_and(|output| output.status.success());
    (!works).then(|| "strace is not installed, or may not trace".to_owned())
}

/// Why nothing can be mounted here, if so.
pub(crate) fn no_mounts() -> Option<String> {
    (!rustix::process::geteuid().is_root()).then(|| "only root may mount file systems".to_owned())
}

/// Why a program cannot be used, if so.
pub(crate) fn no_program(name: &str, argument: &str) -> Option<String> {
    let runs = Command::new(name).arg(argument).output().is_ok();
    (!runs).then(|| format!("{name} is not installed"))
}

/// A command under strace: each of `inject` is injected into system calls that write, and what strace saw goes to `log`.
pub(crate) fn traced(command: &Command, inject: &[String], log: &Path) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o"]).arg(log).arg(format!("--trace={}", WRITING.join(",")));
    traced.args(inject.iter().map(|it| format!("--inject={it}")));
    traced.arg("--").arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => traced.env(key, value),
            None => traced.env_remove(key),
        };
    }
    traced
}
