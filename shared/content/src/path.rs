//! Paths that are safe to create beneath a folder, on any system.
//!
//! A path in a manifest comes from a stranger. This is the one place where it becomes something that
//! may be joined to a folder of ours; nothing else in Shoal turns remote text into a path.

use std::fmt;

use shoal_printable::{is_bidi_control, is_unprintable};

/// Longest component, in bytes: what Linux, macOS and (in UTF-16 units) Windows allow.
const MAX_COMPONENT: usize = 255;
/// Longest path, in bytes.
const MAX_PATH: usize = 4096;
/// Deepest path, in components.
const MAX_DEPTH: usize = 128;

/// A relative path of one or more plain names, written with `/` between them.
///
/// Always holds: no component is empty or made of dots and spaces alone; none contains `/`, `\`, NUL, a control or a
/// bidirectional formatting character, starts like a drive (`C:`), or is a Windows device name; each is
/// at most 255 bytes, the whole at most 4096 bytes and 128 components.
///
/// Order is by components, bytewise: the canonical order of a manifest. All that lies beneath `a` comes
/// straight after `a`, before `a.txt`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SafePath(Box<str>);

/// Why a path is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No name at all, or two separators in a row, or one at an end. Absolute paths are of this kind.
    #[error("the path has an empty component (or is absolute)")]
    Empty,
    /// `.` or `..`, or another name of dots and spaces alone.
    #[error("the path has a component of dots and spaces alone, such as '..'")]
    Dots,
    /// A backslash: a separator on Windows.
    #[error("the path contains a backslash")]
    Backslash,
    /// NUL or another control character, or a line or paragraph separator.
    #[error("the path contains a control character")]
    Control,
    /// A character that reverses how text is shown.
    #[error("the path contains a bidirectional formatting character")]
    Bidi,
    /// `CON`, `NUL`, `COM1` and the like, with or without an extension.
    #[error("the path contains a Windows device name")]
    Device,
    /// A drive letter.
    #[error("the path contains a drive letter")]
    Drive,
    /// A name, the path or its depth is over the limit.
    #[error("the path is too long or too deep")]
    TooLong,
}

impl SafePath {
    /// Checks a path written with `/`.
    pub fn new(text: impl Into<String>) -> Result<Self, PathError> {
        let text = text.into();
        if text.len() > MAX_PATH || text.split('/').count() > MAX_DEPTH {
            return Err(PathError::TooLong);
        }
        text.split('/').try_for_each(check_component)?;
        Ok(Self(text.into()))
    }

    /// Checks a single name.
    pub fn name(text: impl Into<String>) -> Result<Self, PathError> {
        let path = Self::new(text)?;
        if path.depth() == 1 { Ok(path) } else { Err(PathError::Empty) }
    }

    /// The path with `/` between its components.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The components, first to last; at least one.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// How many components there are.
    pub fn depth(&self) -> usize {
        self.components().count()
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.components().next_back().expect("a path has a component")
    }

    /// The path without its last component; `None` for a single name.
    pub fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// Where `self` stands to the path in `text`, in canonical order.
    pub(crate) fn cmp_str(&self, text: &str) -> std::cmp::Ordering {
        // The same as comparing component by component: no component has a byte as low as 0.
        let rank = |b: u8| if b == b'/' { 0 } else { b };
        self.0.bytes().map(rank).cmp(text.bytes().map(rank))
    }

    /// Whether `self` lies beneath `other`.
    pub fn is_beneath(&self, other: &SafePath) -> bool {
        self.0.strip_prefix(other.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }
}

fn check_component(name: &str) -> Result<(), PathError> {
    match name {
        "" => return Err(PathError::Empty),
        // Windows drops dots and spaces at the end: `.. ` would become `..` there.
        _ if name.trim_matches(['.', ' ']).is_empty() => return Err(PathError::Dots),
        _ if name.len() > MAX_COMPONENT => return Err(PathError::TooLong),
        _ => {}
    }
    for c in name.chars() {
        match c {
            '\\' => return Err(PathError::Backslash),
            c if is_bidi_control(c) => return Err(PathError::Bidi),
            c if is_unprintable(c) => return Err(PathError::Control),
            _ => {}
        }
    }
    let bytes = name.as_bytes();
    if bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
        return Err(PathError::Drive);
    }
    if is_device_name(name) { Err(PathError::Device) } else { Ok(()) }
}

/// The reserved names of Windows ("Naming Files, Paths, and Namespaces"), which are reserved with any
/// extension and with trailing spaces too. The superscript digits count as digits.
fn is_device_name(name: &str) -> bool {
    /// `CONOUT$`, the longest.
    const LONGEST: usize = 7;
    let stem = name.split(['.', ':']).next().unwrap_or(name).trim_end();
    if stem.len() > LONGEST {
        return false;
    }
    let upper = stem.to_uppercase();
    if matches!(upper.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$") {
        return true;
    }
    let digit = upper.strip_prefix("COM").or_else(|| upper.strip_prefix("LPT"));
    matches!(digit, Some("0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"))
}

impl Ord for SafePath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.cmp_str(other.as_str())
    }
}

impl PartialOrd for SafePath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for SafePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SafePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What a symbolic link points to: a relative path that stays inside the content.
///
/// Always holds: some `..` (at most as many as the link is deep), then plain names that follow the rules
/// of [`SafePath`]. A `..` after a name is refused, because the name may itself be a link and the `..`
/// would then start from wherever that leads. With that rule, following links can never leave the
/// content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTarget(Box<str>);

impl LinkTarget {
    /// Checks the target of the link at `link`.
    pub fn new(link: &SafePath, text: impl Into<String>) -> Result<Self, PathError> {
        let text = text.into();
        if text.len() > MAX_PATH || text.split('/').count() > MAX_DEPTH {
            return Err(PathError::TooLong);
        }
        let ups = text.split('/').take_while(|c| *c == "..").count();
        if ups >= link.depth() {
            return Err(PathError::Dots);
        }
        text.split('/').skip(ups).try_for_each(check_component)?;
        Ok(Self(text.into()))
    }

    /// The target as it is written into the link.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests;
