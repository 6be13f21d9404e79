//! Tickets.

use data_encoding::BASE32_NOPAD;
use shoal_content::{Hash, Ticket};

use super::input::Pieces;

/// A text as a user pastes it; or, behind a 1, what is in a ticket, to which checksum and letters are made.
pub(super) fn ticket(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let text = if pieces.byte() == 1 {
        let body = pieces.rest();
        let sum = Hash::of(body);
        format!("shoal1{}", BASE32_NOPAD.encode(&[body, &sum.as_bytes()[..4]].concat()).to_lowercase())
    } else {
        let Ok(text) = str::from_utf8(pieces.rest()) else { return };
        text.to_owned()
    };
    let Ok(ticket) = text.parse::<Ticket>() else { return };
    assert!(text.trim().len() <= 8192 && ticket.peers.len() <= 32 && ticket.rendezvous.len() <= 32);
    let addresses = ticket.peers.iter().chain(&ticket.rendezvous);
    for address in addresses {
        assert!(address.len() <= 256 && address.to_string().bytes().all(|byte| byte.is_ascii_graphic()));
    }
    let written = ticket.to_string();
    let again: Ticket = written.parse().expect("what was written can be read");
    assert_eq!(again.content, ticket.content);
    // The writer leaves out what would make a ticket too long; it puts nothing in.
    let most =
        |all: &[multiaddr::Multiaddr]| all.iter().map(multiaddr::Multiaddr::len).sum::<usize>() <= 2048;
    if most(&ticket.peers) && most(&ticket.rendezvous) {
        assert_eq!(again, ticket);
        assert_eq!(written, text.trim().to_ascii_lowercase(), "one ticket, two ways to write it");
    } else {
        assert!(again.peers.iter().all(|it| ticket.peers.contains(it)));
    }
}
