//! No circle of files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Item, ItemUse, Macro, Stmt, Visibility};

use crate::tree::{Crate, Target, for_each_import, is_for_tests, is_reexport};
use crate::{crates, packages, workspace};

/// Circles that are still there: the package's folder, and files beneath its `src`. Each may only get smaller.
const KNOWN: &[(&str, &[&str])] = &[];

/// Which files each file uses.
type Uses = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

#[test]
fn no_file_uses_itself_by_way_of_others() {
    let mut known: Vec<(&(&str, &[&str]), bool)> = KNOWN.iter().map(|it| (it, false)).collect();
    let mut new = vec![];
    for package in packages() {
        let folder = package.strip_prefix(workspace()).unwrap().to_str().unwrap();
        for circle in crates(&package).iter().flat_map(|it| circles(&uses(it))) {
            let files: Vec<String> = circle.iter().map(|file| name(&package, file)).collect();
            let listed = known.iter_mut().find(|((of, listed), _)| {
                *of == folder && files.iter().all(|file| listed.contains(&file.as_str()))
            });
            match listed {
                Some((_, seen)) => *seen = true,
                None => new.push(format!("{folder}: {}", files.join(" ↔ "))),
            }
        }
    }
    let gone = known.iter().filter(|(_, seen)| !seen).map(|((folder, files), _)| (folder, files.join(" ↔ ")));
    let gone: Vec<String> = gone.map(|(folder, files)| format!("{folder}: {files}")).collect();
    assert!(new.is_empty(), "circles of files:\n{}", new.join("\n"));
    assert!(gone.is_empty(), "these circles are gone; take them off the list:\n{}", gone.join("\n"));
}

fn name(package: &Path, file: &Path) -> String {
    file.strip_prefix(package.join("src")).unwrap().to_str().unwrap().to_owned()
}

/// Finds what each file of a crate uses.
fn uses(it: &Crate) -> Uses {
    let mut uses = Uses::new();
    for (path, module) in &it.modules {
        let mut finder = Finder { of: it, module: path, local: BTreeMap::new(), found: BTreeSet::new() };
        module.items.iter().for_each(|item| finder.visit_item(item));
        let found = finder.found.into_iter().filter(|file| *file != module.file);
        uses.entry(module.file.clone()).or_default().extend(found);
    }
    uses
}

struct Finder<'a> {
    of: &'a Crate,
    module: &'a [String],
    /// What a `use` within a function imports, by name.
    local: BTreeMap<String, Vec<String>>,
    found: BTreeSet<PathBuf>,
}

impl Finder<'_> {
    fn note(&mut self, path: &[String]) {
        let mut path = path.to_vec();
        if let Some(imported) = path.first().and_then(|first| self.local.get(first)) {
            path.splice(..1, imported.iter().cloned());
        }
        let Some(Target::DefinedIn(module)) = self.of.resolve(self.module, &path) else { return };
        // What a parent defines is its children's too.
        if !self.module.starts_with(&module) {
            self.found.insert(self.of.modules[&module].file.clone());
        }
    }

    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = vec![];
        let mut joins = false;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if !joins {
                        self.note(&std::mem::take(&mut path));
                    }
                    path.push(ident.to_string());
                    joins = false;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => joins = true,
                other => {
                    self.note(&std::mem::take(&mut path));
                    joins = false;
                    if let TokenTree::Group(group) = other {
                        self.note_tokens(group.stream());
                    }
                }
            }
        }
        self.note(&path);
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let segments: Vec<String> =
                path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.note(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if !is_reexport(&item.vis) && item.leading_colon.is_none() {
            for_each_import(&mut vec![], &item.tree, &mut |path, _| self.note(path));
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if let Stmt::Item(Item::Use(item)) = statement {
            for_each_import(&mut vec![], &item.tree, &mut |path, name| {
                self.local.extend(name.map(|name| (name, path.to_vec())));
            });
        }
        visit::visit_stmt(self, statement);
    }

    fn visit_macro(&mut self, it: &'ast Macro) {
        self.visit_path(&it.path);
        self.note_tokens(it.tokens.clone());
    }

    // `pub(in crate::net)` uses nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }
}

/// The sets of files that use each other, as large as they are.
fn circles(uses: &Uses) -> Vec<BTreeSet<PathBuf>> {
    let reached: BTreeMap<&PathBuf, BTreeSet<&PathBuf>> =
        uses.keys().map(|file| (file, reached_from(uses, file))).collect();
    let mut circles: Vec<BTreeSet<PathBuf>> = vec![];
    for (file, others) in &reached {
        let circle = others.iter().filter(|other| reached[**other].contains(file));
        let circle: BTreeSet<PathBuf> = circle.map(|other| (*other).clone()).collect();
        if !circle.is_empty() && !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}

fn reached_from<'a>(uses: &'a Uses, file: &'a PathBuf) -> BTreeSet<&'a PathBuf> {
    let mut reached = BTreeSet::new();
    let mut next = vec![file];
    while let Some(file) = next.pop() {
        next.extend(uses[file].iter().filter(|used| reached.insert(*used)));
    }
    reached
}

mod checks {
    use super::*;

    /// The circles of a crate with these files, by name.
    fn circles_in(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join("src").join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let it = Crate::read(&folder.path().join("src/lib.rs"));
        let names = |circle: BTreeSet<PathBuf>| circle.iter().map(|file| name(folder.path(), file)).collect();
        circles(&uses(&it)).into_iter().map(names).collect()
    }

    #[test]
    fn a_circle_is_found_whatever_its_files_use_each_other_by() {
        let circle = [["a.rs", "b.rs"]];
        let root = ("lib.rs", "mod a; mod b;");
        for (a, b) in [
            ("use crate::b::B; pub struct A;", "use crate::a::A; pub struct B;"),
            ("use super::b::{B}; pub struct A;", "pub struct B(super::a::A);"),
            ("use super::b; fn a() { b::b() }", "pub fn b() { crate::a::a() }"),
            ("use super::b::*; fn a() { b() }", "pub fn b() { print!(\"{}\", [crate::a::a()]) }"),
            ("pub fn a() { use crate::b as c; c::B::new(); }", "use crate::a::a; pub struct B;"),
        ] {
            assert_eq!(circles_in(&[root, ("a.rs", a), ("b.rs", b)]), circle, "{a}  and  {b}");
        }
    }

    #[test]
    fn a_reexport_leads_to_what_is_behind_it() {
        let root = ("lib.rs", "mod a; mod b; pub use a::A; pub use self::b::B;");
        let (a, b) = (("a.rs", "pub struct A(super::B);"), ("b.rs", "use crate::A; pub struct B;"));
        assert_eq!(circles_in(&[root, a, b]), [["a.rs", "b.rs"]]);
        let (a, b) =
            (("a.rs", "pub use crate::b::B; pub struct A;"), ("b.rs", "use crate::A; pub struct B;"));
        assert_eq!(circles_in(&[root, a, b]), [[""; 0]; 0], "a re-export by itself uses nothing");
    }

    #[test]
    fn a_longer_way_round_is_one_circle() {
        let root = ("lib.rs", "mod a; mod b; mod c;");
        let a = ("a/mod.rs", "pub mod inner; use crate::b::B; pub struct A;");
        let b = ("b.rs", "pub struct B(crate::c::C);");
        let c = ("c.rs", "use crate::a::inner::Inner; pub struct C;");
        let inner = ("a/inner.rs", "use crate::b::B; pub struct Inner;");
        assert_eq!(circles_in(&[root, a, b, c, inner]), [["a/inner.rs", "b.rs", "c.rs"]]);
    }

    #[test]
    fn children_may_use_their_parents_and_tests_what_they_like() {
        let root = ("lib.rs", "mod a; pub struct Root(a::A);");
        let a = ("a/mod.rs", "mod child; use child::Child; pub struct A; pub struct Shared;");
        let child = ("a/child.rs", "use super::Shared; use crate::Root; pub struct Child;");
        assert_eq!(circles_in(&[root, a, child]), [[""; 0]; 0]);
        let root = ("lib.rs", "mod a; mod b;");
        let a = ("a.rs", "pub struct A; #[cfg(test)] mod tests { use crate::b::B; }");
        let b = ("b.rs", "use crate::a::A; pub struct B; #[cfg(test)] mod more { use crate::a::A; }");
        assert_eq!(circles_in(&[root, a, b]), [[""; 0]; 0]);
        let (a, b) = (("a.rs", "pub(in crate::b) struct A;"), ("b.rs", "use crate::a::A; pub struct B;"));
        assert_eq!(circles_in(&[root, a, b]), [[""; 0]; 0], "who may see it is not used");
    }
}
