//! The modules of a crate: in which file each is, what it defines, and where a path in it leads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::{Attribute, Item, UseTree, Visibility};

/// The names from the crate's root to a module.
pub(crate) type ModulePath = Vec<String>;

pub(crate) struct Crate {
    pub(crate) modules: BTreeMap<ModulePath, Module>,
}

pub(crate) struct Module {
    pub(crate) file: PathBuf,
    /// Those that are not for tests.
    pub(crate) items: Vec<Item>,
    names: BTreeMap<String, Name>,
    /// Modules everything of which is imported.
    globs: Vec<Vec<String>>,
}

/// What a name in a module stands for.
enum Name {
    Defined,
    Module,
    /// What stands at this path, seen from the module.
    Imported(Vec<String>),
}

/// Where a path leads within the crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Module(ModulePath),
    /// To something that is defined in this module.
    DefinedIn(ModulePath),
}

impl Crate {
    /// Reads a crate from its root file on.
    pub(crate) fn read(root: &Path) -> Self {
        let mut it = Self { modules: BTreeMap::new() };
        it.read_file(vec![], root, root.parent().expect("a file lies in a folder"));
        it
    }

    /// `folder` is where the files of the module's children are.
    fn read_file(&mut self, path: ModulePath, file: &Path, folder: &Path) {
        let text =
            std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let items =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display())).items;
        self.add(path, file, folder, items);
    }

    fn add(&mut self, path: ModulePath, file: &Path, folder: &Path, items: Vec<Item>) {
        let mut module =
            Module { file: file.to_owned(), items: vec![], names: BTreeMap::new(), globs: vec![] };
        for item in items.into_iter().filter(|item| !is_for_tests(attributes(item))) {
            let Item::Mod(child) = item else {
                module.note(&item);
                module.items.push(item);
                continue;
            };
            let name = child.ident.to_string();
            let below = folder.join(&name);
            let path: ModulePath = path.iter().cloned().chain([name.clone()]).collect();
            module.names.insert(name, Name::Module);
            match child.content {
                Some((_, items)) => self.add(path, file, &below, items),
                None => {
                    let beside = below.with_extension("rs");
                    let file = if beside.is_file() { beside } else { below.join("mod.rs") };
                    self.read_file(path, &file, &below);
                }
            }
        }
        self.modules.insert(path, module);
    }

    /// Follows a path that stands in a module; none if it leads out of the crate, or to a local name.
    pub(crate) fn resolve(&self, from: &[String], path: &[String]) -> Option<Target> {
        self.follow(from, path, 0)
    }

    fn follow(&self, from: &[String], path: &[String], depth: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.walk(vec![], rest, depth),
            "self" => self.walk(from.to_vec(), rest, depth),
            "super" => {
                let above = &from[..from.len().checked_sub(1)?];
                if rest.is_empty() {
                    Some(Target::Module(above.to_vec()))
                } else {
                    self.follow_here(above, rest, depth)
                }
            }
            _ => self.walk(from.to_vec(), path, depth),
        }
    }

    /// As [`follow`](Self::follow), for what comes behind a `super`, which may be another one.
    fn follow_here(&self, from: &[String], path: &[String], depth: usize) -> Option<Target> {
        match path[0].as_str() {
            "super" => self.follow(from, path, depth),
            _ => self.walk(from.to_vec(), path, depth),
        }
    }

    fn walk(&self, mut at: ModulePath, path: &[String], depth: usize) -> Option<Target> {
        // Imports of each other, which only code that does not compile can have.
        if depth > 32 {
            return None;
        }
        for (n, name) in path.iter().enumerate() {
            let module = &self.modules.get(&at)?;
            let found = match module.names.get(name) {
                Some(Name::Module) => {
                    at.push(name.clone());
                    continue;
                }
                Some(Name::Defined) => Some(Target::DefinedIn(at.clone())),
                Some(Name::Imported(import)) => self.follow(&at, import, depth + 1),
                None => module.globs.iter().find_map(|glob| {
                    let path: Vec<String> = glob.iter().chain([name]).cloned().collect();
                    self.follow(&at, &path, depth + 1)
                }),
            };
            match found? {
                Target::Module(module) => return self.walk_on(module, &path[n + 1..], depth),
                defined => return Some(defined),
            }
        }
        Some(Target::Module(at))
    }

    fn walk_on(&self, at: ModulePath, rest: &[String], depth: usize) -> Option<Target> {
        if rest.is_empty() { Some(Target::Module(at)) } else { self.walk(at, rest, depth + 1) }
    }
}

impl Module {
    /// Notes what an item defines or imports.
    fn note(&mut self, item: &Item) {
        let ident = match item {
            Item::Const(it) => &it.ident,
            Item::Enum(it) => &it.ident,
            Item::Fn(it) => &it.sig.ident,
            Item::Static(it) => &it.ident,
            Item::Struct(it) => &it.ident,
            Item::Trait(it) => &it.ident,
            Item::Type(it) => &it.ident,
            Item::Union(it) => &it.ident,
            Item::Use(it) => return self.note_import(&mut vec![], &it.tree),
            _ => return,
        };
        self.names.insert(ident.to_string(), Name::Defined);
    }

    fn note_import(&mut self, path: &mut Vec<String>, tree: &UseTree) {
        for_each_import(path, tree, &mut |path, name| match name {
            Some(name) => drop(self.names.entry(name).or_insert(Name::Imported(path.to_vec()))),
            None => self.globs.push(path.to_vec()),
        });
    }
}

/// Calls with each path that a `use` imports and the name that it gets; none for all names of a module.
pub(crate) fn for_each_import(
    path: &mut Vec<String>,
    tree: &UseTree,
    found: &mut impl FnMut(&[String], Option<String>),
) {
    match tree {
        UseTree::Path(it) => {
            path.push(it.ident.to_string());
            for_each_import(path, &it.tree, found);
            path.pop();
        }
        UseTree::Name(it) if it.ident == "self" => found(path, path.last().cloned()),
        UseTree::Name(it) => {
            path.push(it.ident.to_string());
            found(path, path.last().cloned());
            path.pop();
        }
        UseTree::Rename(it) => {
            path.push(it.ident.to_string());
            found(path, Some(it.rename.to_string()));
            path.pop();
        }
        UseTree::Glob(_) => found(path, None),
        UseTree::Group(it) => it.items.iter().for_each(|tree| for_each_import(path, tree, found)),
    }
}

/// Whether a `use` tells others of what it imports.
pub(crate) fn is_reexport(visibility: &Visibility) -> bool {
    !matches!(visibility, Visibility::Inherited)
}

pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Union(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}
