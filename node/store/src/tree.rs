//! A content's files beneath a folder, without ever leaving it.
//!
//! Every folder on the way is opened by itself, relative to the one above, and without following links;
//! so is the file at the end. A link that someone plants therefore leads nowhere: opening it fails.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, Metadata, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;
use shoal_content::{EntryKind, FileEntry, Manifest, SafePath, Shape};

use super::mode;
use super::serve::lock;

/// Where the entries of one manifest lie, or should.
#[derive(Debug)]
pub(crate) struct Tree {
    dir: Arc<Dir>,
    /// The path of `dir`, for messages only.
    shown: PathBuf,
    /// The name beneath `dir` of the content's folder, or of its only file.
    top: Option<String>,
    shape: Shape,
    /// The folder opened last: entries come in an order that makes it likely to be the next one too.
    near: Mutex<Option<(String, Arc<Dir>)>>,
}

impl Clone for Tree {
    /// The same tree, which remembers folders of its own.
    fn clone(&self) -> Self {
        Self::new(self.dir.clone(), self.shown.clone(), self.top.clone(), self.shape)
    }
}

impl Tree {
    /// The content's folder or file is called `top` beneath `dir`; without it, `dir` is its folder.
    pub(crate) fn new(dir: Arc<Dir>, shown: PathBuf, top: Option<String>, shape: Shape) -> Self {
        Self { dir, shown, top, shape, near: Mutex::default() }
    }

    /// The folder beneath which everything lies.
    pub(crate) fn dir(&self) -> &Arc<Dir> {
        &self.dir
    }

    /// The name of the content's folder or file beneath [`dir`](Self::dir); empty if it is `dir` itself.
    pub(crate) fn top(&self) -> &str {
        self.top.as_deref().unwrap_or("")
    }

    /// The path of the content's folder or file, for messages.
    pub(crate) fn root(&self) -> PathBuf {
        self.top.as_ref().map_or_else(|| self.shown.clone(), |top| self.shown.join(top))
    }

    /// The path of an entry, for messages.
    pub(crate) fn path(&self, path: &SafePath) -> PathBuf {
        if self.is_single() { self.root() } else { self.root().join(path.as_str()) }
    }

    fn is_single(&self) -> bool {
        self.shape == Shape::File && self.top.is_some()
    }

    /// The name of an entry in its [`parent`](Self::parent).
    pub(crate) fn leaf<'a>(&'a self, path: &'a SafePath) -> &'a str {
        if self.is_single() { self.top() } else { path.file_name() }
    }

    /// The folder that holds an entry; with a manifest to `make`, its folders on the way are made.
    pub(crate) fn parent(&self, path: &SafePath, make: Option<&Manifest>) -> io::Result<Arc<Dir>> {
        if self.is_single() { Ok(self.dir.clone()) } else { self.folder(path.parent().unwrap_or(""), make) }
    }

    /// The folder at a path inside of the content; the content's own for an empty path. With a manifest to
    /// `make`, its folders on the way are made.
    pub(crate) fn folder(&self, path: &str, make: Option<&Manifest>) -> io::Result<Arc<Dir>> {
        if let Some((near, dir)) = &*lock(&self.near)
            && near == path
        {
            return Ok(dir.clone());
        }
        let mut dir = self.dir.clone();
        if let Some(top) = &self.top {
            dir = step(&dir, top, make.map(|manifest| manifest.is_private_folder("")))?;
        }
        let mut end = 0;
        for name in path.split('/').filter(|n| !n.is_empty()) {
            end += name.len();
            dir = step(&dir, name, make.map(|manifest| manifest.is_private_folder(&path[..end])))?;
            end += 1;
        }
        *lock(&self.near) = Some((path.to_owned(), dir.clone()));
        Ok(dir)
    }

    /// Forgets open folders, because they have been moved or removed.
    pub(crate) fn forget(&self) {
        *lock(&self.near) = None;
    }

    /// What stands at an entry's place, if anything; a link is not followed.
    pub(crate) fn look(&self, path: &SafePath) -> io::Result<Option<Metadata>> {
        found(self.parent(path, None).and_then(|dir| dir.symlink_metadata(self.leaf(path))))
    }

    /// Opens an entry for reading. What is not a regular file is [`io::ErrorKind::NotFound`].
    pub(crate) fn open_read(&self, path: &SafePath) -> io::Result<File> {
        let mut options = OpenOptions::new();
        regular(self.open(path, options.read(true), None)?)
    }

    /// Opens an entry for reading and writing, if it is there.
    pub(crate) fn open_write(&self, path: &SafePath) -> io::Result<File> {
        let mut options = OpenOptions::new();
        regular(self.open(path, options.read(true).write(true), None)?)
    }

    /// Makes a file of a manifest that is not there yet, with the folders above it. The umask applies.
    pub(crate) fn create(&self, entry: &FileEntry, manifest: &Manifest) -> io::Result<File> {
        let executable = entry.kind == EntryKind::File { executable: true };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        options.mode(mode::of_file(executable, entry.private));
        self.open(&entry.path, &mut options, Some(manifest))
    }

    fn open(&self, path: &SafePath, options: &mut OpenOptions, make: Option<&Manifest>) -> io::Result<File> {
        // Without NONBLOCK, opening a pipe that someone put there would wait for a writer.
        options.custom_flags(OFlags::NONBLOCK.bits() as i32).follow(FollowSymlinks::No);
        let dir = self.parent(path, make)?;
        Ok(dir.open_with(self.leaf(path), options)?.into_std())
    }
}

/// Opens a folder inside of another one. If told whether it is private, it is made unless something of that
/// name is there.
fn step(dir: &Dir, name: &str, make: Option<bool>) -> io::Result<Arc<Dir>> {
    if let Some(private) = make {
        let mut builder = DirBuilder::new();
        builder.mode(mode::of_folder(private));
        match dir.create_dir_with(name, &builder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => done?,
        }
    }
    dir.open_dir_nofollow(name).map(Arc::new)
}

/// Turns "not found" into `None`; so too if something on the way is not a folder.
pub(crate) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    use io::ErrorKind::{NotADirectory, NotFound};
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        // A link where a folder should be.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => Ok(None),
        Err(error) => Err(error),
    }
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::NotFound, "it is not a regular file"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use cap_std::ambient_authority;
    use shoal_content::{Chunker, ManifestBuilder};

    use super::*;

    fn path(text: &str) -> SafePath {
        SafePath::new(text).unwrap()
    }

    /// Makes the only file of a content.
    fn create(tree: &Tree, text: &str) -> io::Result<File> {
        let kind = EntryKind::File { executable: false };
        let entry = FileEntry { path: path(text), size: 0, kind, private: false };
        let manifest = ManifestBuilder {
            name: path("top"),
            shape: Shape::Folder,
            chunker: Chunker::for_size(0),
            private: false,
            parent: None,
            entries: vec![entry.clone()],
            chunks: vec![],
        };
        tree.create(&entry, &manifest.build().unwrap())
    }

    #[test]
    fn no_link_is_followed_anywhere() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("f"), "secret").unwrap();
        std::fs::create_dir(inside.path().join("top")).unwrap();
        symlink(outside.path(), inside.path().join("top/d")).unwrap();
        symlink(outside.path().join("f"), inside.path().join("top/l")).unwrap();
        std::fs::write(inside.path().join("top/g"), "also beneath").unwrap();
        symlink("g", inside.path().join("top/near")).unwrap();
        let dir = Dir::open_ambient_dir(inside.path(), ambient_authority()).unwrap();
        let tree = Tree::new(Arc::new(dir), inside.path().into(), Some("top".into()), Shape::Folder);
        for text in ["d/f", "l", "near"] {
            assert!(tree.open_read(&path(text)).is_err(), "{text}");
            assert!(tree.open_write(&path(text)).is_err(), "{text}");
            assert!(create(&tree, text).is_err(), "{text}");
        }
        assert!(create(&tree, "d/new").is_err());
        assert!(tree.look(&path("d/f")).unwrap().is_none());
        assert!(tree.look(&path("l")).unwrap().unwrap().is_symlink());
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
        create(&tree, "a/b/c").unwrap();
        assert!(inside.path().join("top/a/b/c").is_file());
    }

    #[test]
    fn a_pipe_does_not_block() {
        let inside = tempfile::tempdir().unwrap();
        let pipe = inside.path().join("p");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let dir = Dir::open_ambient_dir(inside.path(), ambient_authority()).unwrap();
        let tree = Tree::new(Arc::new(dir), inside.path().into(), None, Shape::Folder);
        assert_eq!(tree.open_read(&path("p")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
