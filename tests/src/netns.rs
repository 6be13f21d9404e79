//! Network namespaces: a network of a test's own. Linux, root, iproute2.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, ensure};

/// A namespace with loopback. Removed when dropped.
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one.
    pub fn new() -> anyhow::Result<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("shoal-test-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        ip(&format!("netns add {name}"))?;
        let made = Self { name };
        made.ip("link set lo up")?;
        Ok(made)
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` with these arguments in the namespace.
    pub fn ip(&self, args: &str) -> anyhow::Result<()> {
        ip(&format!("-n {} {args}", self.name))
    }

    /// Connects two namespaces by a line; each end is called `eth0` and has one of the addresses.
    pub fn connect(&self, other: &Self, addresses: [&[&str]; 2]) -> anyhow::Result<()> {
        self.ip(&format!("link add eth0 type veth peer name eth0 netns {}", other.name))?;
        for (end, addresses) in [self, other].into_iter().zip(addresses) {
            end.ip("link set eth0 up")?;
            // Without a look for duplicates an address is there at once.
            let nodad = |address: &str| if address.contains(':') { " nodad" } else { "" };
            addresses.iter().try_for_each(|it| end.ip(&format!("addr add {it} dev eth0{}", nodad(it))))?;
        }
        Ok(())
    }

    /// A program that will run in the namespace.
    pub fn command(&self, program: &Path) -> Command {
        inside(&self.name, program)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Err only says that it is gone already.
        drop(ip(&format!("netns del {}", self.name)));
    }
}

/// A namespace, or, where there can be none, the reason in words that nothing hides, for a test that is skipped then.
pub fn namespace_or_skip(test: &str) -> Option<Namespace> {
    let made = if rustix::process::geteuid().is_root() {
        Namespace::new().map_err(|error| format!("{error:#}"))
    } else {
        Err("it needs root".to_owned())
    };
    made.map_err(|why| {
        // Not by a macro, whose words the test harness would keep to itself.
        drop(writeln!(std::io::stderr(), "SKIPPED: {test}: {why}"));
    })
    .ok()
}

/// `ip` becomes the program, so that the process that is started is the one that is measured.
pub fn inside(namespace: &str, program: &Path) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(program);
    command
}

/// Runs `ip`.
pub fn ip(args: &str) -> anyhow::Result<()> {
    tool("ip", args).map(drop)
}

/// Runs a tool of the system, out of reach of a Ctrl-C on the terminal: that must not break the clean-up.
pub fn tool(program: &str, args: &str) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    let output = command.args(args.split_whitespace()).stdin(Stdio::null()).process_group(0).output();
    let output = output.with_context(|| format!("{program} does not run"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {args}: {}", complaint.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
