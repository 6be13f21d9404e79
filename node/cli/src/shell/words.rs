//! The words of the shell: one table, from which help and completion come too.

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::super::error::{CliError, Exit};
use super::acts;
use super::line::Kind;
use super::state::Shell;
use super::store_acts;
use super::tracker_acts;

/// What a word does.
type Act =
    for<'a> fn(&'a Shell, &'a [String], &'a CancellationToken) -> BoxFuture<'a, Result<Exit, CliError>>;

/// A word of the shell.
pub(super) struct Word {
    pub(super) name: &'static str,
    /// Other names of it.
    pub(super) aliases: &'static [&'static str],
    /// Its arguments, as they are shown.
    pub(super) usage: &'static str,
    pub(super) help: &'static str,
    /// How many arguments it takes.
    pub(super) least: usize,
    pub(super) most: usize,
    /// What they are, for completion; the last one repeats.
    pub(super) arguments: &'static [Kind],
    pub(super) act: Deed,
}

/// What a word is for.
#[derive(Clone, Copy)]
pub(super) enum Deed {
    /// To do something with the node.
    Act(Act),
    /// To show what words there are.
    Help,
    /// To end the shell.
    Leave,
}

/// As many arguments as the line holds.
const ANY: usize = usize::MAX;

/// A word without another name.
const fn word(
    name: &'static str,
    usage: &'static str,
    help: &'static str,
    counts: (usize, usize),
    arguments: &'static [Kind],
    act: Act,
) -> Word {
    Word { name, aliases: &[], usage, help, least: counts.0, most: counts.1, arguments, act: Deed::Act(act) }
}

/// A word that the shell itself is about.
const fn special(
    name: &'static str,
    usage: &'static str,
    help: &'static str,
    counts: (usize, usize),
    arguments: &'static [Kind],
) -> Word {
    Word { name, aliases: &[], usage, help, least: counts.0, most: counts.1, arguments, act: Deed::Leave }
}

/// All words, in the order of `help`.
pub(super) const WORDS: &[Word] = &[
    word(
        "share",
        "PATH…",
        "share files or a folder, and tell trackers the name",
        (1, ANY),
        &[Kind::Path],
        acts::share,
    ),
    word(
        "find",
        "NAME [HOPS]",
        "find contents by name, at the trackers and from peers so many connections away",
        (1, 2),
        &[Kind::Free],
        acts::find,
    ),
    word(
        "download",
        "NAME|ID|TICKET [DIR]",
        "fetch a content; Ctrl-C leaves it to the node",
        (1, 2),
        &[Kind::Free, Kind::Path],
        acts::download,
    ),
    word(
        "ls",
        "[PEER]",
        "list what is here, or what a peer says that it shares",
        (0, 1),
        &[Kind::Peer],
        acts::ls,
    ),
    word(
        "status",
        "[CONTENT]",
        "show the node and its contents, or one of them",
        (0, 1),
        &[Kind::Content],
        acts::status,
    ),
    word(
        "why",
        "[CONTENT]",
        "say why contents, or one of them, do not come",
        (0, 1),
        &[Kind::Content],
        acts::why,
    ),
    word("pause", "CONTENT…", "stop what is done for a content", (1, ANY), &[Kind::Content], acts::pause),
    word("resume", "CONTENT…", "go on with it", (1, ANY), &[Kind::Content], acts::resume),
    word(
        "rm",
        "CONTENT…",
        "take a content out of the library; its files stay",
        (1, ANY),
        &[Kind::Content],
        acts::remove,
    ),
    word(
        "limit",
        "[up RATE|none] [down RATE|none]",
        "show or change bandwidth limits",
        (0, 4),
        &[Kind::OneOf(&["up", "down", "none"])],
        acts::limit,
    ),
    word(
        "updatelist",
        "",
        "look for new files to share, and register everything at the trackers at once",
        (0, 0),
        &[],
        tracker_acts::update,
    ),
    word(
        "register",
        "[TRACKER]",
        "register everything at a tracker, or at all",
        (0, 1),
        &[Kind::Tracker],
        tracker_acts::register,
    ),
    word(
        "deregister",
        "[TRACKER]",
        "take everything out of a tracker, or of all",
        (0, 1),
        &[Kind::Tracker],
        tracker_acts::deregister,
    ),
    word(
        "payload",
        "put TEXT | get ID",
        "leave a small text with the trackers, or get one by its id",
        (2, 2),
        &[Kind::OneOf(&["put", "get"]), Kind::Free],
        tracker_acts::payload,
    ),
    word("peers", "", "list connected peers", (0, 0), &[], acts::peers),
    word(
        "ping",
        "PEER [COUNT]",
        "measure round trips to a peer",
        (1, 2),
        &[Kind::Peer, Kind::Free],
        acts::ping,
    ),
    word("getload", "PEER", "ask a peer what it has to do", (1, 1), &[Kind::Peer], acts::load),
    word(
        "counters",
        "[PEER]",
        "show what this node counts, or what a peer says that it counts",
        (0, 1),
        &[Kind::Peer],
        acts::counters,
    ),
    word(
        "where",
        "CONTENT CHUNK [PEER…]",
        "ask peers where a chunk is, given by its number or its SHA-256",
        (2, ANY),
        &[Kind::Content, Kind::Free, Kind::Peer],
        acts::locate,
    ),
    word(
        "topo",
        "[CONTENT]",
        "show which peers are connected with each other, and what they have of a content",
        (0, 1),
        &[Kind::Content],
        acts::topo,
    ),
    word(
        "store",
        "PATH [COPIES]",
        "have other nodes keep a file or folder for 30 days, as 3 copies unless told; Ctrl-C leaves it to the node",
        (1, 2),
        &[Kind::Path, Kind::Free],
        store_acts::store,
    ),
    word(
        "request",
        "NAME|ID [DIR]",
        "fetch what other nodes keep",
        (1, 2),
        &[Kind::Free, Kind::Path],
        store_acts::request,
    ),
    word(
        "stored",
        "",
        "list what is kept here for others, and by others for this node",
        (0, 0),
        &[],
        store_acts::stored,
    ),
    word(
        "drop",
        "NAME|ID",
        "have other nodes keep a content no longer",
        (1, 1),
        &[Kind::Free],
        store_acts::end_stored,
    ),
    Word { act: Deed::Help, ..special("help", "[WORD]", "show what there is", (0, 1), &[Kind::Word]) },
    Word {
        aliases: &["end", "exit"],
        ..special("quit", "", "leave in good order; a node of the shell's own ends with it", (0, 0), &[])
    },
];

/// The word with this name.
pub(super) fn find(name: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.name == name || word.aliases.contains(&name))
}

/// All names, aliases too.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    WORDS.iter().flat_map(|word| std::iter::once(word.name).chain(word.aliases.iter().copied()))
}

/// What the arguments of a word are.
pub(super) fn arguments(name: &str) -> Option<&'static [Kind]> {
    find(name).map(|word| word.arguments)
}

impl Word {
    /// How it is written.
    pub(super) fn written(&self) -> String {
        format!("{} {}", self.name, self.usage).trim_end().to_owned()
    }

    /// Whether it takes so many arguments.
    pub(super) fn takes(&self, count: usize) -> bool {
        (self.least..=self.most).contains(&count)
    }
}

/// What `help` says: of one word, or of all.
pub(super) fn help(of: Option<&Word>) -> String {
    let line = |word: &Word| {
        let others = match word.aliases {
            [] => String::new(),
            aliases => format!(" (also {})", aliases.join(", ")),
        };
        format!("{:36}{}{others}", word.written(), word.help)
    };
    match of {
        Some(word) => line(word),
        None => WORDS.iter().map(line).collect::<Vec<_>>().join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_word_is_there_once_and_helped() {
        let all: Vec<&str> = names().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        let wanted = "updatelist find download getload peers where counters register deregister payload ping share ls status \
            pause resume rm limit topo why store request stored drop help quit end exit";
        for name in wanted.split_whitespace() {
            let word = find(name).unwrap_or_else(|| panic!("{name}"));
            assert!(help(None).contains(&help(Some(word))), "{name}");
        }
        for word in WORDS {
            assert!(word.most == 0 || !word.arguments.is_empty(), "{}", word.name);
            assert_eq!(
                word.least == 0,
                word.usage.is_empty() || word.usage.starts_with('['),
                "{}",
                word.name
            );
        }
    }
}
