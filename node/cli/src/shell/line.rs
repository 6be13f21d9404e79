//! Lines of the shell: how one is cut into words, and what may complete it. Pure.

/// Cuts a line into words as a shell does: at spaces, except within quotes and after a backslash. A `#` at the start makes
/// it a comment.
///
/// # Errors
/// A quote is not closed, or a backslash ends the line; in words.
pub(super) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.trim_start().chars();
    if line.trim_start().starts_with('#') {
        return Ok(words);
    }
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => {
                let next = chars.next().ok_or("a backslash ends the line")?;
                word.get_or_insert_default().push(next);
            }
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if quote.is_some() { Err("a quote is not closed") } else { Ok(words) }
}

/// What an argument of a word names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word of the shell.
    Word,
    /// A content of the library.
    Content,
    /// A connected peer.
    Peer,
    /// A tracker of the node.
    Tracker,
    /// A file or folder.
    Path,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Nothing that could be known.
    Free,
}

/// What names may stand in a line, besides the words of the shell.
#[derive(Debug, Default, Clone)]
pub(super) struct Known {
    /// Names and ids of contents.
    pub(super) contents: Vec<String>,
    /// Ids of connected peers.
    pub(super) peers: Vec<String>,
    /// Addresses of trackers.
    pub(super) trackers: Vec<String>,
}

/// Where the word begins that is being written at the end of `line`, and what kind of thing it is: `arguments` says of a
/// word what its arguments are, the last of which repeats.
pub(super) fn place<'a>(line: &str, arguments: impl Fn(&str) -> Option<&'a [Kind]>) -> (usize, Kind) {
    let begin = line
        .rfind(char::is_whitespace)
        .map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8));
    let Ok(before) = split(&line[..begin]) else { return (begin, Kind::Free) };
    let Some((word, given)) = before.split_first() else { return (begin, Kind::Word) };
    let kinds = arguments(word).unwrap_or_default();
    let kind = kinds.get(given.len()).or(kinds.last()).copied();
    (begin, kind.unwrap_or(Kind::Free))
}

/// Of these, those that begin like that, written so that the shell reads them as one word. Sorted, each once.
pub(super) fn matching<'a>(begun: &str, all: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> =
        all.into_iter().filter(|name| name.starts_with(begun)).filter_map(quoted).collect();
    found.sort();
    found.dedup();
    found
}

/// A name as one word; none if it cannot be written on a terminal.
fn quoted(name: &str) -> Option<String> {
    if name.is_empty() || name.chars().any(shoal_printable::is_unprintable) {
        return None;
    }
    let plain = |c: char| !(c.is_whitespace() || matches!(c, '"' | '\'' | '\\' | '#'));
    if name.chars().all(plain) {
        return Some(name.to_owned());
    }
    let mut text = String::new();
    for c in name.chars() {
        if !plain(c) {
            text.push('\\');
        }
        text.push(c);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_like_those_of_a_shell() {
        let words = |line: &str| split(line).unwrap();
        assert_eq!(words("  find  a\tb "), ["find", "a", "b"]);
        assert_eq!(words("find 'a  b'\"c\\\"d\" e\\ f ''"), ["find", "a  bc\"d", "e f", ""]);
        assert_eq!(words("find it's\\ \\'".replace("it's", "its").as_str()), ["find", "its '"]);
        assert!(words(" # a comment").is_empty() && words("").is_empty());
        assert!(split("find 'a").is_err() && split("a\\").is_err());
    }

    #[test]
    fn what_completes_a_name_is_read_as_that_name() {
        for name in ["a", "a b", "it's", "a\\b", "\"x\"", "é 名"] {
            let shown = matching("", [name]);
            assert_eq!(split(&format!("find {}", shown[0])).unwrap()[1], name);
        }
        assert!(matching("", ["a\u{1b}[2J", ""]).is_empty());
        assert_eq!(matching("a", ["ab", "b", "aa", "ab"]), ["aa", "ab"]);
    }

    #[test]
    fn the_place_in_the_line_says_what_can_stand_there() {
        let arguments = |word: &str| -> Option<&[Kind]> {
            (word == "where").then_some(&[Kind::Content, Kind::Free, Kind::Peer])
        };
        assert_eq!(place("wh", arguments), (0, Kind::Word));
        assert_eq!(place("where ", arguments), (6, Kind::Content));
        assert_eq!(place("where c 0 p q", arguments), (12, Kind::Peer));
        assert_eq!(place("what é", arguments), (5, Kind::Free));
        assert_eq!(place("where 'a ", arguments), (9, Kind::Free));
    }
}
