//! What `shoal` says when it is used wrongly, and what its help says.

use std::process::Command;

use insta::assert_snapshot;
use shoal_content::Ticket;

/// Runs `shoal` without anything of this machine's in its way; returns exit code, stdout and stderr.
fn shoal(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shoal"));
    command
        .args(args)
        .env("SHOAL_CACHE", "")
        .env("SHOAL_STATE", "")
        .env("SHOAL_SOCKET", "")
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100");
    let output = command.output().expect("shoal runs");
    let text = |bytes| String::from_utf8(bytes).expect("shoal prints text");
    (output.status.code().expect("no signal"), text(output.stdout), text(output.stderr))
}

/// A failure: its exit code and words. Nothing may be on standard output.
fn failure(args: &[&str]) -> String {
    let (code, stdout, stderr) = shoal(args);
    assert_eq!(stdout, "", "{args:?}");
    format!("exit code {code}\n{stderr}")
}

#[test]
fn help_of_every_command() {
    let tracker = ["", " peers", " find", " swarm", " report-dead", " put", " get", " stats"];
    let tracker = tracker.map(|command| format!("tracker{command}"));
    let others = ["", "share", "get", "inspect", "verify", "demo", "completions", "man"].map(str::to_owned);
    let of_nodes = ["node", "shell", "status", "peers", "find", "ls", "pause", "resume", "rm", "limit"];
    let asking = ["load", "counters", "where", "ping", "topo", "store", "request", "drop", "stored"];
    let others = others.into_iter().chain(of_nodes.into_iter().chain(asking).map(str::to_owned));
    for command in others.chain(tracker) {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let (code, stdout, _) = shoal(&args);
        assert_eq!(code, 0);
        assert_snapshot!(format!("help {command}").trim(), stdout);
    }
}

#[test]
fn bad_tickets_and_ids() {
    assert_snapshot!(failure(&["get", "hello"]), @r"
    exit code 2
    error: neither a ticket nor a content id (not a CID: Failed to parse multihash)
    hint: tickets start with 'shoal1', content ids with 'bafyrei'
    ");
    assert_snapshot!(failure(&["get", "shoal2abcdef"]), @r"
    exit code 2
    error: this ticket is of version 2, and this Shoal reads version 1: please update Shoal
    ");
    assert_snapshot!(failure(&["get", "shoal1uotgszbauyysu2lgobsw"]), @r"
    exit code 2
    error: the ticket is damaged (not base32): please copy it again, whole
    ");
    assert_snapshot!(failure(&["get", "shoal1!"]), @r"
    exit code 2
    error: the ticket is damaged (not base32): please copy it again, whole
    ");
    assert_snapshot!(failure(&["inspect", "bafkreigaq3ws5q4psiopkyxfepqsukvpcxa46pmh564wvoqiew24gp67au"]), @r"
    exit code 2
    error: neither a ticket nor a content id (a CID, but of something else: want CIDv1, dag-cbor, sha2-256)
    hint: tickets start with 'shoal1', content ids with 'bafyrei'
    ");
}

#[test]
fn an_id_with_nobody_to_ask() {
    let id = "bafyreiezm75kpio3ghj3azmmk3wbrynpmgjhqfgppqn5kqg73zjzc57gke";
    assert_snapshot!(failure(&["get", id, "--no-mdns", "--dht", "off"]), @r"
    exit code 5
    nothing comes: There is neither a tracker nor an address of a peer to begin with. Give a ticket, an address with --peer or --bootstrap, or a tracker with --rendezvous.
    error: no peer could be reached that has this content
    hint: is the sharing side running and reachable? Give its address with --peer, or a rendezvous point with --rendezvous; a ticket holds both, a bare id neither
    ");
}

/// A ticket of a peer that is not there.
fn ticket() -> String {
    let peer = "12D3KooW9pP4Seg3kZYhySpuVjn1RPdQBsUFZKiFxGMGQN5MeL6A";
    let address = |text: &str| format!("{text}/p2p/{peer}").parse().expect("an address");
    let id = "bafyreiezm75kpio3ghj3azmmk3wbrynpmgjhqfgppqn5kqg73zjzc57gke";
    let ticket = Ticket {
        content: id.parse().expect("an id"),
        peers: vec![address("/ip4/127.0.0.1/tcp/1"), address("/dns4/nobody.invalid/tcp/2")],
        rendezvous: vec![address("/ip4/127.0.0.1/tcp/3")],
    };
    ticket.to_string()
}

/// What a ticket says by itself needs nobody.
#[test]
fn a_ticket_with_nobody_to_ask() {
    let (code, stdout, stderr) = shoal(&["inspect", &ticket(), "--wait", "1s"]);
    assert_eq!(code, 5);
    assert_snapshot!(stdout, @r"
    content   bafyreiezm75kpio3ghj3azmmk3wbrynpmgjhqfgppqn5kqg73zjzc57gke
    peer      /ip4/127.0.0.1/tcp/1/p2p/12D3KooW9pP4Seg3kZYhySpuVjn1RPdQBsUFZKiFxGMGQN5MeL6A
    peer      /dns4/nobody.invalid/tcp/2/p2p/12D3KooW9pP4Seg3kZYhySpuVjn1RPdQBsUFZKiFxGMGQN5MeL6A
    tracker   /ip4/127.0.0.1/tcp/3/p2p/12D3KooW9pP4Seg3kZYhySpuVjn1RPdQBsUFZKiFxGMGQN5MeL6A
    ");
    assert!(stderr.contains("no peer could be reached"), "{stderr}");
    let (code, stdout, _) = shoal(&["inspect", "--json", &ticket(), "--wait", "1s"]);
    assert_eq!(code, 5);
    assert!(stdout.trim_end().chars().all(|c| !c.is_control()), "{stdout:?}");
    let said: serde_json::Value = serde_json::from_str(&stdout).expect("one object");
    assert_eq!(said["content"], "bafyreiezm75kpio3ghj3azmmk3wbrynpmgjhqfgppqn5kqg73zjzc57gke");
    assert_eq!(said["rendezvous"].as_array().map(Vec::len), Some(1));
    assert_eq!(said["peers"].as_array().map(Vec::len), Some(2));
}

/// A ticket with an address whose name would clear the screen and set the title of the window.
const EVIL: &str = "shoal1unrgszcyeqaxceraaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaagk4dfmvzhhakrgyggcg23gjfbwxjqhn4aoyqgaaawu4tfnzsgk6twn52xhab7b72p2";

#[test]
fn an_address_that_is_no_plain_text_reaches_no_terminal() {
    let point = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooW9pP4Seg3kZYhySpuVjn1RPdQBsUFZKiFxGMGQN5MeL6A";
    for command in [
        &["inspect", EVIL] as &[_],
        &["inspect", "--json", EVIL],
        &["get", EVIL],
        &["tracker", "swarm", EVIL, "--rendezvous", point],
    ] {
        let (code, stdout, stderr) = shoal(command);
        assert_eq!((code, stdout.as_str()), (2, ""), "{command:?}");
        assert!(stderr.contains("a bad address"), "{stderr}");
        assert!(!stderr.chars().any(|c| c.is_control() && c != '\n'), "{stderr:?}");
    }
    let failure = failure(&["get", EVIL, "--peer", "/dns4/a b/tcp/1"]);
    assert!(failure.contains("visible ASCII"), "{failure}");
}

#[test]
fn names_that_cannot_be_shared_are_all_named_or_left_out() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("t");
    std::fs::create_dir(&base).unwrap();
    let names: [&[u8]; 4] = [b"good", b"bad \xff", b"aux", b"a\x1b[2J"];
    for name in names {
        std::fs::write(base.join(std::ffi::OsStr::from_bytes(name)), "x").unwrap();
    }
    let shown = |text: String| {
        let shown = text.replace(folder.path().to_str().unwrap(), "");
        let mut lines: Vec<_> = shown.lines().map(str::to_owned).collect();
        lines.sort();
        lines.join("\n")
    };
    assert_snapshot!(shown(failure(&["share", base.to_str().unwrap()])), @r"
      '/t/a\u{1b}[2J': the path contains a control character
      '/t/aux': the path contains a Windows device name
      '/t/bad \xff': its name is not UTF-8
    error: 3 names cannot be shared
    exit code 1
    hint: rename them, or leave them out with --skip-unsafe
    ");
    let (code, stdout, stderr) = shoal(&["inspect", "--skip-unsafe", base.to_str().unwrap()]);
    assert_eq!(code, 0);
    assert!(stdout.contains("files     1\n") && stdout.contains("good"), "{stdout}");
    assert_snapshot!(shown(stderr), @r"
    warning: left out '/t/a\u{1b}[2J': the path contains a control character
    warning: left out '/t/aux': the path contains a Windows device name
    warning: left out '/t/bad \xff': its name is not UTF-8
    ");
}

#[test]
fn paths_that_cannot_be_shared() {
    assert_snapshot!(failure(&["share", "/no/such/path"]), @r"
    exit code 1
    error: '/no/such/path' does not exist
    ");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("nul.txt"), "x").unwrap();
    let (code, _, stderr) = shoal(&["share", folder.path().to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(stderr.contains("nul.txt") && stderr.contains("Windows device name"), "{stderr}");
}

#[test]
fn usage() {
    assert_snapshot!(failure(&["share"]), @r"
    exit code 2
    error: the following required arguments were not provided:
      <PATH>...

    Usage: shoal share <PATH>...

    For more information, try '--help'.
    ");
    assert_snapshot!(failure(&["share", ".", "--chunker", "fixed:7"]), @r"
    exit code 2
    error: invalid value 'fixed:7' for '--chunker <CHUNKER>': chunk sizes must be between 16 KiB and 16 MiB; for fastcdc even, and in the order MIN:AVG:MAX

    For more information, try '--help'.
    ");
    assert_snapshot!(failure(&["get", "x", "--seed", "--seed-for", "1m"]), @r"
    exit code 2
    error: the argument '--seed' cannot be used with '--seed-for <TIME>'

    Usage: shoal get --seed <TICKET|ID>

    For more information, try '--help'.
    ");
}

#[test]
fn trackers_that_cannot_be_asked() {
    assert_snapshot!(failure(&["tracker", "stats"]), @r"
    exit code 2
    error: the following required arguments were not provided:
      --rendezvous <ADDR>

    Usage: shoal tracker stats --rendezvous <ADDR>

    For more information, try '--help'.
    ");
    let nobody = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWE9BybvUhbeZCuEqPQrep3R2Dp2w8fPejiP1G8gwhTejQ";
    let refused = failure(&["tracker", "stats", "--rendezvous", nobody]);
    assert!(refused.starts_with("exit code 5"), "{refused}");
    assert!(refused.contains("error: ") && refused.contains("cannot be reached"), "{refused}");
    assert!(refused.contains("hint: is the address right"), "{refused}");
    assert_snapshot!(failure(&["tracker", "get", "abc", "--rendezvous", nobody]), @r"
    exit code 2
    error: invalid value 'abc' for '<ID>': not a SHA-256: want 64 hexadecimal digits

    For more information, try '--help'.
    ");
    assert_snapshot!(failure(&["tracker", "put", "--rendezvous", nobody]), @r"
    exit code 2
    error: the following required arguments were not provided:
      <FILE|--text <TEXT>>

    Usage: shoal tracker put --rendezvous <ADDR> <FILE|--text <TEXT>>

    For more information, try '--help'.
    ");
    assert_snapshot!(failure(&["tracker", "put", "--text", "", "--rendezvous", nobody]), @r"
    exit code 1
    error: the payload is empty
    ");
    let long = "x".repeat(65_537);
    assert_snapshot!(failure(&["tracker", "put", "--text", &long, "--rendezvous", nobody]), @r"
    exit code 1
    error: the payload is longer than 64 KiB
    hint: share it with `shoal share`, which has no such limit
    ");
    assert_snapshot!(failure(&["share", ".", "--publish"]), @r"
    exit code 2
    error: --publish needs a rendezvous point to tell: --rendezvous <ADDR>
    ");
}

/// Bash, as it completes the last of `words` after it has read the script.
fn completed(words: &[&str]) -> Vec<String> {
    let (code, script, stderr) = shoal(&["completions", "bash"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let last = words.last().expect("a word");
    let ask = format!(
        "{script}\nCOMP_WORDS=({}); COMP_CWORD={}; _shoal shoal '{last}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words.len() - 1,
        words[words.len() - 2],
    );
    let output = Command::new("bash").args(["--norc", "-c", &ask]).output().expect("bash runs");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_options() {
    assert_eq!(completed(&["shoal", "sh"]), ["share", "shell"]);
    assert_eq!(completed(&["shoal", "tracker", "rep"]), ["report-dead"]);
    assert_eq!(completed(&["shoal", "share", "--seed-f"]), ["--seed-for"]);
    assert_eq!(completed(&["shoal", "get", "--seed"]), ["--seed-for", "--seed", "--seed-ratio"]);
    assert_eq!(completed(&["shoal", "get", "--topology", "s"]), ["star"]);
}

#[test]
fn every_shell_has_a_script() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, stderr) = shoal(&["completions", shell]);
        assert_eq!((code, stderr.as_str()), (0, ""), "{shell}");
        assert!(["report-dead", "seed-ratio"].iter().all(|word| script.contains(word)), "{shell}");
    }
}

/// What a reader of a manual page sees of it; `None` where no program is there to show it.
fn shown_page(page: &std::path::Path) -> Option<String> {
    let groff = ["-Kutf8", "-man", "-Tutf8", "-ww", "-P-cbou"];
    let programs: [(&str, &[&str]); 3] = [("groff", &groff), ("mandoc", &["-T", "utf8"]), ("man", &["-l"])];
    for (program, args) in programs {
        let mut command = Command::new(program);
        command.args(args).arg(page).env("LC_ALL", "C.UTF-8").env("MANPAGER", "cat").env("MANWIDTH", "100");
        let Ok(output) = command.output() else { continue };
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && complaints.is_empty(), "{program} on {page:?}: {complaints}");
        return Some(String::from_utf8(output.stdout).expect("text"));
    }
    None
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("man1");
    let (code, stdout, _) = shoal(&["man", "--dir", dir.to_str().unwrap()]);
    assert_eq!((code, stdout.as_str()), (0, ""));
    for page in ["shoal.1", "shoal-get.1", "shoal-tracker.1", "shoal-tracker-find.1", "shoal-man.1"] {
        assert!(dir.join(page).is_file(), "{page}");
    }
    let (code, get, _) = shoal(&["man", "get"]);
    assert_eq!(code, 0);
    assert_eq!(get, std::fs::read_to_string(dir.join("shoal-get.1")).unwrap());
    for page in std::fs::read_dir(&dir).unwrap() {
        let page = page.unwrap().path();
        let Some(text) = shown_page(&page) else {
            println!("skipped: neither groff nor mandoc nor man is here");
            return;
        };
        let name = page.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(text.contains("NAME") && text.contains("SYNOPSIS") && text.contains(&name), "{text}");
        if name == "shoal-get" {
            assert!(text.contains("--seed-ratio") && text.contains("Until it is complete"), "{text}");
        }
    }
}

#[test]
fn a_page_of_no_command() {
    assert_snapshot!(failure(&["man", "tracker", "fnd"]), @r"
    exit code 2
    error: 'shoal-tracker' has no command 'fnd'
    hint: its commands are peers, find, swarm, report-dead, put, get, stats
    ");
}

/// The options with which the unit starts a node are options of it.
#[test]
fn the_unit_of_a_node_names_options_that_there_are() {
    let unit = include_str!("../../../packaging/systemd/shoal-node.service");
    let starts: Vec<&str> =
        unit.lines().filter_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/shoal ")).collect();
    assert_eq!(starts.len(), 1);
    let words = starts[0].replace("%S", "/var/lib").replace("%t", "/run");
    let args: Vec<&str> = words.split_whitespace().chain(["--check-config"]).collect();
    let (code, stdout, stderr) = shoal(&args);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("data = \"/var/lib/shoal-node\""), "{stdout}");
    assert!(stdout.contains("socket = \"/run/shoal-node/node.sock\""), "{stdout}");
}
