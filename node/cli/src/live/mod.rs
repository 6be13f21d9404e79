//! `--watch`: what a node does, as a screen that changes; where there is no terminal, as a block of text every two seconds.
//!
//! What is shown is a [`Screen`]: the node is asked again and again, keys change it, and drawing is a pure
//! function of it. What always holds: however this ends, the terminal is as it was before.

mod draw;
mod keys;
mod screen;

use std::io::IsTerminal;
use std::time::Duration;

use ratatui::DefaultTerminal;
use shoal_api::Client;
use shoal_api::model::Content;
use tokio_util::sync::CancellationToken;

use self::keys::Keys;
pub(super) use self::screen::View;
use self::screen::{After, Look, Screen};
use super::error::{CliError, Exit};
use super::output::Output;
use super::{ask, library};

/// Between two looks at the node for a screen.
const LOOK: Duration = Duration::from_secs(1);
/// Between two blocks of text.
const BLOCK: Duration = Duration::from_secs(2);
/// Contents and peers that a screen shows.
const SHOWN: usize = 1000;

/// Shows what the node does until the user has seen enough.
pub(super) async fn watch(
    client: &Client,
    view: View,
    only: Option<String>,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Exit, CliError> {
    if output.is_json() || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return blocks(client, view, only, output, stop).await;
    }
    // The screen belongs to nothing else, and a panic restores it too.
    let mut terminal = ratatui::try_init().map_err(anyhow::Error::from)?;
    let result = follow(client, &mut terminal, Screen::new(view, only), stop).await;
    let restored = ratatui::try_restore();
    result?;
    restored.map_err(anyhow::Error::from)?;
    Ok(Exit::Done)
}

async fn blocks(
    client: &Client,
    view: View,
    only: Option<String>,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Exit, CliError> {
    loop {
        match view {
            View::Contents => library::status(client, only.as_deref(), output).await?,
            View::Peers => ask::peers(client, output).await?,
        };
        tokio::select! {
            () = stop.cancelled() => return Ok(Exit::Done),
            () = tokio::time::sleep(BLOCK) => {}
        }
        if !output.is_json() {
            output.data(&(), String::new)?;
        }
    }
}

async fn follow(
    client: &Client,
    terminal: &mut DefaultTerminal,
    mut screen: Screen,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut keys = Keys::new();
    let mut due = tokio::time::interval(LOOK);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        terminal.draw(|frame| draw::draw(&screen, frame))?;
        let after = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = due.tick() => After::Look,
            key = keys.next() => match key {
                Some((key, modifiers)) => screen.key(key, modifiers),
                // The size has changed, which drawing sees by itself.
                None => After::Draw,
            },
        };
        match after {
            After::Quit => return Ok(()),
            After::Nothing | After::Draw => {}
            After::Look => tokio::select! {
                () = stop.cancelled() => return Ok(()),
                seen = look(client, &screen) => match seen {
                    Ok(look) => screen.take(look),
                    Err(error) => screen.trouble = Some(format!("{:#}", error.error)),
                },
            },
        }
    }
}

async fn look(client: &Client, screen: &Screen) -> Result<Look, CliError> {
    let contents: Vec<Content> = match &screen.only {
        Some(content) => vec![client.content(content).await?],
        None => client.contents(None, Some(SHOWN), None).await?.items,
    };
    let peers = match screen.view {
        View::Peers => client.peers(None, Some(SHOWN)).await?.items,
        View::Contents => vec![],
    };
    let selected = screen.content().or_else(|| contents.first().map(|it| it.content.as_str()));
    let chunks = match (screen.view, selected) {
        // A content may be gone, or not have its manifest yet.
        (View::Contents, Some(id)) => client.chunks(id, None).await.ok(),
        _ => None,
    };
    Ok(Look { node: Some(client.node().await?), contents, peers, chunks })
}
