//! One meaning for each name, and one name for each type.

use std::collections::BTreeMap;

use syn::{Item, Visibility};

use crate::tree::{Crate, for_each_import};
use crate::{packages, workspace};

/// Names that may stand several times, each with the reason.
const ALLOWED: &[(&str, &str)] = &[];

#[test]
fn no_name_of_a_public_type_stands_twice() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages() {
        let root = package.join("src/lib.rs");
        if !root.is_file() {
            continue;
        }
        for module in Crate::read(&root).modules.values() {
            let file = module.file.strip_prefix(workspace()).unwrap().display().to_string();
            for name in module.items.iter().flat_map(public_types) {
                places.entry(name).or_default().push(file.clone());
            }
        }
    }
    let twice = |name: &str| places.get(name).is_some_and(|files| files.len() > 1);
    let allowed = |name: &str| ALLOWED.iter().any(|(it, _)| *it == name);
    let found: Vec<String> = places
        .iter()
        .filter(|(name, _)| twice(name) && !allowed(name))
        .map(|(name, files)| format!("{name}: {}", files.join(", ")))
        .collect();
    assert!(found.is_empty(), "names of public types that stand several times:\n{}", found.join("\n"));
    let idle: Vec<&str> = ALLOWED.iter().map(|(name, _)| *name).filter(|name| !twice(name)).collect();
    assert!(idle.is_empty(), "these stand once; take them off the list: {idle:?}");
}

/// The names under which other crates may see what an item defines or re-exports: those of types and traits, and those
/// that a re-export gives to something that is called otherwise.
fn public_types(item: &Item) -> Vec<String> {
    let (visibility, name) = match item {
        Item::Enum(it) => (&it.vis, &it.ident),
        Item::Struct(it) => (&it.vis, &it.ident),
        Item::Trait(it) => (&it.vis, &it.ident),
        Item::TraitAlias(it) => (&it.vis, &it.ident),
        Item::Type(it) => (&it.vis, &it.ident),
        Item::Union(it) => (&it.vis, &it.ident),
        Item::Use(it) if is_public(&it.vis) => {
            let mut names = vec![];
            for_each_import(&mut vec![], &it.tree, &mut |path, name| {
                names.extend(name.filter(|name| name != "_" && path.last() != Some(name)));
            });
            return names;
        }
        _ => return vec![],
    };
    if is_public(visibility) { vec![name.to_string()] } else { vec![] }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

#[test]
fn all_that_can_be_public_is_counted() {
    let text = "pub enum A {} pub struct B; pub trait C {} pub type D = (); pub union E { e: () } pub use x::{F, G as H};
        pub use x::i::{self}; pub use x::*; pub use x::T as _; enum J {} pub(crate) struct K; use x::L as M; pub(crate) use x::N as O;
        pub fn p() {} pub const Q: () = (); pub mod r {}";
    let names: Vec<String> = syn::parse_file(text).unwrap().items.iter().flat_map(public_types).collect();
    assert_eq!(names, ["A", "B", "C", "D", "E", "H"]);
}
