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
