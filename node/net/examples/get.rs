//! Fetches what a ticket stands for into the current folder: `cargo run -p shoal-net --example get -- TICKET`.

use shoal_content::Ticket;
use shoal_net::{FetchOptions, Node, NodeConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ticket: Ticket = std::env::args().nth(1).ok_or("usage: get TICKET")?.parse()?;
    let node = Node::start(NodeConfig::default()).await?;
    let options = FetchOptions {
        peers: ticket.peers,
        trackers: ticket.rendezvous,
        ..FetchOptions::new(ticket.content, ".")
    };
    let finished = node.fetch(options)?.finished().await?;
    println!("{}", finished.path.display());
    node.shutdown().await;
    Ok(())
}
