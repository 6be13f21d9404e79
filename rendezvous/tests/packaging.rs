//! What is packaged fits the workspace.

use std::path::Path;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// A workspace of which a member is missing cannot be built, whichever package is asked for.
#[test]
fn the_container_is_built_from_every_member_of_the_workspace() {
    let workspace: toml::Table = read("Cargo.toml").parse().unwrap();
    let members = workspace["workspace"]["members"].as_array().unwrap();
    let (dockerfile, ignored) = (read("packaging/Dockerfile"), read("packaging/Dockerfile.dockerignore"));
    // Crates of one house lie in one folder, which is copied whole.
    let folders = members.iter().map(|member| member.as_str().unwrap().split('/').next().unwrap());
    for folder in folders {
        assert!(dockerfile.lines().any(|line| line == format!("COPY {folder} {folder}")), "{folder}");
        assert!(ignored.lines().any(|line| line == format!("!{folder}")), "{folder}");
    }
}

/// The directives of a unit that keep the program from the rest of the machine.
fn hardening(unit: &str) -> Vec<String> {
    let text = read(unit);
    let of_its_own = ["StateDirectory=", "RuntimeDirectory=", "CacheDirectory="];
    let from =
        text.lines().skip_while(|line| *line != "DynamicUser=yes").take_while(|line| *line != "[Install]");
    let directives = from.filter(|line| line.contains('=') && !line.starts_with('#'));
    let same = directives.filter(|line| !of_its_own.iter().any(|own| line.starts_with(own)));
    same.map(str::to_owned).collect()
}

#[test]
fn the_node_is_kept_in_like_the_tracker() {
    let tracker = hardening("packaging/systemd/shoal-rendezvous.service");
    let node = hardening("packaging/systemd/shoal-node.service");
    assert!(tracker.len() > 20, "{tracker:?}");
    for directive in tracker {
        assert!(node.contains(&directive), "{directive}");
    }
}

#[test]
fn units_and_containers_start_programs_that_are_built() {
    let dockerfile = read("packaging/Dockerfile");
    for (program, package, unit, target) in [
        ("shoal-rendezvous", "shoal-rendezvous", "shoal-rendezvous", "tracker"),
        ("shoal", "shoal-cli", "shoal-node", "node"),
    ] {
        let path = format!("/usr/local/bin/{program}");
        let unit = read(&format!("packaging/systemd/{unit}.service"));
        assert!(unit.lines().any(|line| line.starts_with(&format!("ExecStart={path} "))), "{path}");
        assert!(unit.contains("Type=notify") && unit.contains("RestartPreventExitStatus=2"), "{path}");
        assert!(dockerfile.contains(&format!(" AS {target}\n")), "{target}");
        assert!(dockerfile.contains(&format!("--package {package}")), "{package}");
        assert!(dockerfile.contains(&format!("ENTRYPOINT [\"{path}\"")), "{path}");
    }
}
