//! The live screen and the shell on a terminal.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use shoal_tests::eventually;
use shoal_tests::files::write;
use shoal_tests::node::RunningNode;
use shoal_tests::process::{LOOPBACK, program};

const SIZE: PtySize = PtySize { rows: 24, cols: 120, pixel_width: 0, pixel_height: 0 };

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has some")
}

/// `shoal` on a terminal, whose screen is kept as a person would see it. Killed when dropped.
struct OnTerminal {
    child: Box<dyn Child + Send + Sync>,
    input: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    _master: Box<dyn MasterPty + Send>,
}

impl OnTerminal {
    fn start(args: &[&str], socket: &str) -> Self {
        let pair = native_pty_system().openpty(SIZE).unwrap();
        let mut command = CommandBuilder::new(program("shoal"));
        command.args(args);
        for (name, value) in
            [("SHOAL_CACHE", ""), ("SHOAL_STATE", ""), ("SHOAL_SOCKET", socket), ("TERM", "xterm")]
        {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(SIZE.rows), cells(SIZE.cols), 0)));
        let (shown, mut output) = (screen.clone(), pair.master.try_clone_reader().unwrap());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..count]);
            }
        });
        let input = pair.master.take_writer().unwrap();
        Self { child, input, screen, _master: pair.master }
    }

    /// Waits until this stands on the screen.
    fn shows(&self, text: &str) -> String {
        eventually(text, || {
            Some(self.screen.lock().unwrap().screen().contents()).filter(|all| all.contains(text))
        })
    }

    /// Waits until the shell reads again: what is typed before that is not its to complete.
    fn asks(&self) {
        eventually("the shell asks", || {
            let all = self.screen.lock().unwrap().screen().contents();
            all.trim_end().ends_with("shoal>").then_some(())
        });
    }

    fn is_full_screen(&self) -> bool {
        self.screen.lock().unwrap().screen().alternate_screen()
    }

    fn types(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    /// Waits for its end; its exit code.
    fn ends(&mut self) -> u32 {
        eventually("it ends", || self.child.try_wait().unwrap()).exit_code()
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        // Err only says that it has ended already.
        drop(self.child.kill());
    }
}

/// A node that shares a file.
fn node(folder: &std::path::Path) -> RunningNode {
    let node = RunningNode::start(&folder.join("node"), &[]);
    let file = folder.join("holiday photos");
    write(&file, "x");
    node.run(["share", file.to_str().unwrap()]).expect(0);
    node
}

#[test]
fn the_live_screen_shows_a_name_and_gives_the_terminal_back() {
    let scratch = tempfile::tempdir().unwrap();
    let node = node(scratch.path());
    let socket = node.said["socket"].as_str().unwrap();
    let mut screen = OnTerminal::start(&["status", "--watch"], socket);
    screen.shows("holiday photos");
    screen.shows("chunks: 1 of 1");
    assert!(screen.is_full_screen());
    screen.types("\t");
    screen.shows("says it is");
    screen.types("q");
    assert_eq!(screen.ends(), 0);
    eventually("the terminal is as before", || (!screen.is_full_screen()).then_some(()));
}

#[test]
fn the_live_screen_ends_with_ctrl_c_and_says_when_the_node_is_gone() {
    let scratch = tempfile::tempdir().unwrap();
    let node = node(scratch.path());
    let socket = node.said["socket"].as_str().unwrap().to_owned();
    let mut screen = OnTerminal::start(&["peers", "--watch"], &socket);
    screen.shows("says it is");
    node.end().expect(0);
    screen.shows("no shoal node is running here");
    screen.types("\u{3}");
    assert_eq!(screen.ends(), 0);
    eventually("the terminal is as before", || (!screen.is_full_screen()).then_some(()));
}

#[test]
fn the_shell_completes_a_name_and_survives_ctrl_c() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("holiday photos");
    write(&file, "x");
    let mut shell = OnTerminal::start(&["shell", "--own", "--listen", LOOPBACK], "");
    shell.asks();
    shell.types(&format!("sha\tre '{}'\r", file.display()).replace("\tre", "\t"));
    shell.shows("shoal1");
    shell.asks();
    shell.types("status hol\t\r");
    shell.shows("state     serving");
    shell.asks();
    shell.types("half a line");
    shell.shows("half a line");
    shell.types("\u{3}");
    shell.asks();
    shell.types("getload nobody\r");
    shell.shows("error:");
    shell.asks();
    shell.types("end\r");
    shell.ends();
}
