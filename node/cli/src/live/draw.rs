//! The live screen as cells of a terminal: a pure function of what it shows.
//!
//! What always holds: text from elsewhere is escaped before it becomes cells, so no name moves a cursor or begins a line.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Row, Table, TableState, Wrap};
use shoal_api::model::{ChunkMapInfo, Content, NeighbourInfo};
use shoal_printable::Printable;

use super::super::{human, show};
use super::screen::{Screen, Share, View, stretches};

/// Lines of the chunk map, with its frame.
const MAP: u16 = 6;

/// Draws the screen.
pub(super) fn draw(screen: &Screen, frame: &mut Frame<'_>) {
    let map = if screen.view == View::Contents { MAP } else { 0 };
    let areas = Layout::vertical([
        Constraint::Length(2),
        Constraint::Min(3),
        Constraint::Length(map),
        Constraint::Length(1),
    ]);
    let [head, list, chunks, foot] = areas.areas(frame.area());
    frame.render_widget(Paragraph::new(heading(screen)), head);
    match screen.view {
        View::Contents => {
            contents(screen, frame, list);
            frame.render_widget(chunk_map(screen, chunks.width), chunks);
        }
        View::Peers => peers(screen, frame, list),
    }
    frame.render_widget(Paragraph::new(footing(screen)), foot);
}

fn heading(screen: &Screen) -> Vec<Line<'static>> {
    let Some(node) = &screen.node else { return vec![Line::from("shoal: looking at the node")] };
    let (up, down) =
        screen.contents.iter().fold((0, 0), |(up, down), it| (up + it.rate_up, down + it.rate_down));
    let first = format!("shoal {}", Printable(&node.peer));
    let second = format!(
        "up {}  down {}  {}  {}  running for {}",
        human::rate(up),
        human::rate(down),
        human::count(node.connections as u64, "peer"),
        human::count(node.contents as u64, "content"),
        human::time(std::time::Duration::from_secs(node.uptime)),
    );
    vec![Line::from(first), Line::from(second)]
}

fn footing(screen: &Screen) -> Line<'static> {
    match &screen.trouble {
        Some(trouble) => {
            Line::styled(Printable(trouble).to_string(), Style::new().add_modifier(Modifier::REVERSED))
        }
        None => Line::from("q quit   up/down select   tab contents/peers"),
    }
}

fn contents(screen: &Screen, frame: &mut Frame<'_>, area: Rect) {
    let widths = [10, 6, 11, 13, 13, 5].map(Constraint::Length).into_iter().chain([Constraint::Fill(1)]);
    let head = ["state", "done", "size", "down", "up", "peers", "name"];
    let rows = screen.contents.iter().map(content);
    list(frame, area, "contents", Table::new(rows, widths).header(header(head)), screen.selected());
}

fn content(it: &Content) -> Row<'static> {
    let why = it.why.as_ref().map(|why| format!(" ({})", Printable(why))).unwrap_or_default();
    Row::new([
        show::state(it.state).to_owned(),
        format!("{} %", show::percent(it)),
        human::bytes(it.size),
        human::rate(it.rate_down),
        human::rate(it.rate_up),
        it.peers.to_string(),
        show::name(it) + &why,
    ])
}

fn peers(screen: &Screen, frame: &mut Frame<'_>, area: Rect) {
    let widths = [12, 11, 11, 11, 12]
        .map(Constraint::Length)
        .into_iter()
        .chain([Constraint::Fill(1), Constraint::Fill(1)]);
    let head = ["peer", "round trip", "received", "sent", "transport", "address", "says it is"];
    let rows = screen.peers.iter().map(peer);
    list(frame, area, "peers", Table::new(rows, widths).header(header(head)), screen.selected());
}

fn peer(it: &NeighbourInfo) -> Row<'static> {
    let id = Printable(&it.peer).to_string();
    let end: String = id.chars().skip(id.chars().count().saturating_sub(10)).collect();
    Row::new([
        format!("…{end}"),
        it.round_trip_ms.map_or_else(|| "-".into(), |ms| format!("{ms:.1} ms")),
        human::bytes(it.received),
        human::bytes(it.sent),
        Printable(&it.transport).to_string(),
        Printable(&it.address).to_string(),
        Printable(it.agent.as_deref().unwrap_or_default()).to_string(),
    ])
}

fn header(names: [&'static str; 7]) -> Row<'static> {
    Row::new(names).style(Style::new().add_modifier(Modifier::BOLD))
}

fn list(frame: &mut Frame<'_>, area: Rect, title: &'static str, table: Table<'_>, selected: usize) {
    let table = table
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
        .block(Block::bordered().title(title));
    let mut state = TableState::new().with_selected(Some(selected));
    frame.render_stateful_widget(table, area, &mut state);
}

fn chunk_map(screen: &Screen, width: u16) -> Paragraph<'static> {
    let inner = usize::from(width.saturating_sub(2));
    let (title, text) = match &screen.chunks {
        Some(map) if map.chunks > 0 => (title(map), cells(map, inner * usize::from(MAP - 2))),
        _ => ("chunks".to_owned(), String::new()),
    };
    Paragraph::new(text).wrap(Wrap { trim: false }).block(Block::bordered().title(title))
}

fn title(map: &ChunkMapInfo) -> String {
    let rarest = map
        .rarity
        .iter()
        .min()
        .map(|peers| format!(", the rarest is at {}", human::count(u64::from(*peers), "connected peer")));
    format!("chunks: {} of {}{}", map.have, map.chunks, rarest.unwrap_or_default())
}

fn cells(map: &ChunkMapInfo, most: usize) -> String {
    let cell = |share: Share| match share {
        Share::None => '·',
        Share::Some => '▒',
        Share::All => '█',
    };
    stretches(map, most).into_iter().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use shoal_api::model::{ChunkRun, ChunkStateInfo, LimitsInfo, NodeInfo};
    use shoal_printable::is_unprintable;

    use super::super::screen::Look;
    use super::*;
    use crate::testing;

    fn drawn(screen: &Screen) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(100, 16)).unwrap();
        terminal.draw(|frame| draw(screen, frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let line = |y| (0..100).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..16).map(line).collect()
    }

    fn node() -> NodeInfo {
        NodeInfo {
            without_tracker: Default::default(),
            peer: "12D3KooWabc".into(),
            version: "0".into(),
            addresses: vec![],
            uptime: 3,
            contents: 1,
            connections: 2,
            trackers: vec![],
            limits: LimitsInfo::default(),
            data: None,
            activity_log: None,
        }
    }

    #[test]
    fn names_rates_and_chunks_are_shown() {
        let mut screen = Screen::new(View::Contents, None);
        let it = testing::content("photos");
        let chunks = ChunkMapInfo {
            content: it.content.clone(),
            chunks: 4,
            have: 2,
            runs: vec![ChunkRun { start: 0, len: 2, state: ChunkStateInfo::Have }],
            next: None,
            unavailable: 0,
            stretch: 1,
            rarity: vec![2, 1, 3, 3],
        };
        screen.take(Look { node: Some(node()), contents: vec![it], peers: vec![], chunks: Some(chunks) });
        let lines = drawn(&screen);
        assert!(lines[1].contains("up 2.00 KiB/s") && lines[1].contains("2 peers"), "{lines:#?}");
        assert!(
            lines.iter().any(|l| l.contains("photos") && l.contains("serving") && l.contains("100 %")),
            "{lines:#?}"
        );
        assert!(lines.iter().any(|l| l.contains("chunks: 2 of 4")), "{lines:#?}");
        assert!(lines.iter().any(|l| l.contains("██··")), "{lines:#?}");
        assert!(lines[15].contains("q quit"));
    }

    #[test]
    fn no_name_moves_a_cursor_and_trouble_is_shown() {
        let mut screen = Screen::new(View::Contents, None);
        let mut it = testing::content("a\u{1b}[2J\n\u{202e}b");
        it.why = Some("c\u{9b}d".into());
        screen.take(Look { node: Some(node()), contents: vec![it], ..Look::default() });
        screen.trouble = Some("gone\u{7}".into());
        let lines = drawn(&screen);
        assert!(lines.iter().all(|line| !line.chars().any(is_unprintable)), "{lines:#?}");
        assert!(lines.iter().any(|l| l.contains("a\\u{1b}[2J")), "{lines:#?}");
        assert!(lines[15].contains("gone\\u{7}"), "{lines:#?}");
    }

    #[test]
    fn peers_are_shown_and_no_size_is_too_small() {
        let peer = NeighbourInfo {
            peer: "12D3KooW1234567890".into(),
            address: "/ip4/192.0.2.1/tcp/1".into(),
            transport: "tcp".into(),
            inbound: true,
            since: 0,
            round_trip_ms: Some(1.25),
            agent: Some("shoal\u{1b}".into()),
            contents: vec![],
            received: 1 << 20,
            sent: 0,
        };
        let mut screen = Screen::new(View::Peers, None);
        screen.take(Look { node: Some(node()), peers: vec![peer], ..Look::default() });
        let lines = drawn(&screen);
        assert!(lines.iter().any(|l| l.contains("…1234567890") && l.contains("1.2 ms")), "{lines:#?}");
        for (width, height) in [(1, 1), (3, 2), (20, 5)] {
            for view in [View::Contents, View::Peers] {
                screen.view = view;
                let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
                terminal.draw(|frame| draw(&screen, frame)).unwrap();
            }
        }
    }
}
