//! Shares a file or folder until the program is ended: `cargo run -p shoal-net --example share -- PATH`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use shoal_content::Ticket;
use shoal_net::{Node, NodeConfig, ServeOptions};
use shoal_store::{ChunkStore, ImportOptions, import};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: share PATH")?;
    let options = ImportOptions { paths: vec![path.into()], ..ImportOptions::default() };
    let imported = import(&options, &|_| {}, &AtomicBool::new(false))?;
    let node = Node::start(NodeConfig::default()).await?;
    let content = imported.source.manifest().id();
    node.serve(Arc::new(imported.source), ServeOptions::default())?;
    println!("{}", Ticket { content, peers: node.addresses().await, rendezvous: vec![] });
    std::future::pending().await
}
