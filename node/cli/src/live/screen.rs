//! What the live screen shows, and what keys do to it. Pure: it reads no terminal and asks no node.

use ratatui::crossterm::event::{KeyCode, KeyModifiers};
use shoal_api::model::{ChunkMapInfo, ChunkStateInfo, Content, NeighbourInfo, NodeInfo};

/// What the screen is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// The library, and the selected content's chunks.
    Contents,
    /// Connected peers.
    Peers,
}

/// What is shown.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    pub(super) view: View,
    /// The content that alone is asked for, if one is.
    pub(super) only: Option<String>,
    pub(super) node: Option<NodeInfo>,
    pub(super) contents: Vec<Content>,
    pub(super) peers: Vec<NeighbourInfo>,
    /// The chunks of the selected content, as far as they are known.
    pub(super) chunks: Option<ChunkMapInfo>,
    /// Why the last look failed, in words.
    pub(super) trouble: Option<String>,
    selected: usize,
}

/// What is to be done after a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum After {
    Nothing,
    /// Draw it anew.
    Draw,
    /// Look at the node, for another content is selected.
    Look,
    Quit,
}

/// What a look at the node brought.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) node: Option<NodeInfo>,
    pub(super) contents: Vec<Content>,
    pub(super) peers: Vec<NeighbourInfo>,
    pub(super) chunks: Option<ChunkMapInfo>,
}

impl Screen {
    pub(super) fn new(view: View, only: Option<String>) -> Self {
        Self {
            view,
            only,
            node: None,
            contents: vec![],
            peers: vec![],
            chunks: None,
            trouble: None,
            selected: 0,
        }
    }

    /// The number of the selected line.
    pub(super) fn selected(&self) -> usize {
        self.selected
    }

    /// The id of the selected content.
    pub(super) fn content(&self) -> Option<&str> {
        self.contents.get(self.selected).map(|it| it.content.as_str())
    }

    /// Takes what a look brought. The same content stays selected, wherever it stands now.
    pub(super) fn take(&mut self, look: Look) {
        let selected = self.content().map(str::to_owned);
        let place = selected.and_then(|id| look.contents.iter().position(|it| it.content == id));
        let Look { node, contents, peers, chunks } = look;
        (self.node, self.contents, self.peers, self.trouble) = (node, contents, peers, None);
        self.selected = place.unwrap_or(self.selected).min(self.lines().saturating_sub(1));
        self.chunks = chunks.filter(|it| Some(it.content.as_str()) == self.content());
    }

    fn lines(&self) -> usize {
        match self.view {
            View::Contents => self.contents.len(),
            View::Peers => self.peers.len(),
        }
    }

    /// Does what a key asks for.
    pub(super) fn key(&mut self, key: KeyCode, modifiers: KeyModifiers) -> After {
        let before = self.selected;
        let last = self.lines().saturating_sub(1);
        match key {
            KeyCode::Char('q') | KeyCode::Esc => return After::Quit,
            KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => return After::Quit,
            KeyCode::Char('j') | KeyCode::Down => self.selected = (before + 1).min(last),
            KeyCode::Char('k') | KeyCode::Up => self.selected = before.saturating_sub(1),
            KeyCode::Home => self.selected = 0,
            KeyCode::End => self.selected = last,
            KeyCode::Tab => {
                self.view = match self.view {
                    View::Contents => View::Peers,
                    View::Peers => View::Contents,
                };
                (self.selected, self.chunks) = (0, None);
                return After::Look;
            }
            _ => return After::Nothing,
        }
        match self.view {
            View::Contents if before != self.selected => {
                self.chunks = None;
                After::Look
            }
            _ => After::Draw,
        }
    }
}

/// How much of a stretch of chunks is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    None,
    Some,
    All,
}

/// A chunk map in `cells` stretches of about the same length; fewer if there are fewer chunks.
pub(super) fn stretches(map: &ChunkMapInfo, cells: usize) -> Vec<Share> {
    let chunks = u64::from(map.chunks);
    let cells = (cells as u64).min(chunks);
    let mut here = vec![0_u64; cells as usize];
    // Chunk `n` lies in the cell `n * cells / chunks`, so cell `k` begins at `ceil(k * chunks / cells)`.
    let begin = |cell: u64| (cell * chunks).div_ceil(cells);
    for run in map.runs.iter().filter(|run| run.state == ChunkStateInfo::Have) {
        let (start, end) = (u64::from(run.start), (u64::from(run.start) + u64::from(run.len)).min(chunks));
        if start >= end {
            continue;
        }
        for cell in start * cells / chunks..=(end - 1) * cells / chunks {
            let (from, to) = (begin(cell).max(start), begin(cell + 1).min(end));
            here[cell as usize] += to.saturating_sub(from);
        }
    }
    let share = |(cell, here): (usize, &u64)| match begin(cell as u64 + 1) - begin(cell as u64) {
        all if *here >= all => Share::All,
        _ if *here == 0 => Share::None,
        _ => Share::Some,
    };
    here.iter().enumerate().map(share).collect()
}

#[cfg(test)]
mod tests {
    use shoal_api::model::ChunkRun;

    use super::*;
    use crate::testing::content;

    fn map(chunks: u32, have: &[(u32, u32)]) -> ChunkMapInfo {
        let run =
            |(start, len): &(u32, u32)| ChunkRun { start: *start, len: *len, state: ChunkStateInfo::Have };
        let runs: Vec<_> = have.iter().map(run).collect();
        let here = have.iter().map(|(_, len)| len).sum();
        ChunkMapInfo {
            content: content("a").content,
            chunks,
            have: here,
            runs,
            next: None,
            unavailable: 0,
            stretch: 1,
            rarity: vec![],
        }
    }

    #[test]
    fn a_stretch_is_whole_only_if_each_of_its_chunks_is_here() {
        use Share::{All, None, Some};
        assert_eq!(stretches(&map(4, &[(0, 1), (3, 1)]), 10), [All, None, None, All]);
        assert_eq!(stretches(&map(10, &[(0, 4), (5, 1)]), 3), [All, Some, None]);
        assert_eq!(stretches(&map(u32::MAX, &[(0, u32::MAX)]), 80), [All; 80]);
        assert_eq!(stretches(&map(u32::MAX, &[(7, 1)]), 2), [Some, None]);
        assert_eq!(stretches(&map(0, &[]), 10), []);
        assert_eq!(stretches(&map(2, &[(1, 9)]), 2), [None, All], "more than there can be does no harm");
    }

    #[test]
    fn the_selected_content_stays_selected_when_others_come() {
        let mut other = content("b");
        other.content = "0-before".into();
        let mut screen = Screen::new(View::Contents, None);
        screen.take(Look { contents: vec![content("a")], ..Look::default() });
        screen.take(Look { contents: vec![other.clone(), content("a")], ..Look::default() });
        assert_eq!((screen.selected(), screen.content()), (1, Some(content("a").content.as_str())));
        assert_eq!(screen.key(KeyCode::Up, KeyModifiers::NONE), After::Look);
        assert_eq!(screen.content(), Some("0-before"));
        screen.take(Look { contents: vec![other], chunks: Some(map(4, &[])), ..Look::default() });
        assert!(screen.chunks.is_none(), "they are another content's");
        screen.take(Look::default());
        assert_eq!((screen.selected(), screen.content()), (0, None));
    }

    #[test]
    fn keys_quit_and_move_within_the_lines() {
        let mut screen = Screen::new(View::Contents, None);
        assert_eq!(screen.key(KeyCode::Down, KeyModifiers::NONE), After::Draw);
        assert_eq!(screen.selected(), 0);
        assert_eq!(screen.key(KeyCode::Tab, KeyModifiers::NONE), After::Look);
        assert_eq!(screen.view, View::Peers);
        assert_eq!(screen.key(KeyCode::Char('c'), KeyModifiers::NONE), After::Nothing);
        for (key, modifiers) in [
            (KeyCode::Char('q'), KeyModifiers::NONE),
            (KeyCode::Esc, KeyModifiers::NONE),
            (KeyCode::Char('c'), KeyModifiers::CONTROL),
        ] {
            assert_eq!(screen.key(key, modifiers), After::Quit);
        }
    }
}
