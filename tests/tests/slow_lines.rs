//! Lines on which one block of a manifest takes seconds.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use shoal_content::Ticket;
use shoal_tests::files::write;
use shoal_tests::process::{LOOPBACK, share, shoal};

/// Bytes per second.
const RATE: usize = 48 << 10;
/// Files with long names.
const FILES: usize = 4000;
/// Bytes that pass at once.
const STEP: usize = 4 << 10;

/// Passes connections on; what comes back passes at [`RATE`], all connections one after the other.
fn slow_way_to(home: SocketAddr) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let Ok(other) = TcpStream::connect(home) else { return };
            let (mut there, mut back) = (stream.try_clone().unwrap(), other.try_clone().unwrap());
            let (mut stream, mut other) = (stream, other);
            std::thread::spawn(move || {
                // An error only says that one of the two has gone.
                let _ = std::io::copy(&mut there, &mut other);
            });
            std::thread::spawn(move || {
                let mut piece = [0; STEP];
                while let Ok(len @ 1..) = back.read(&mut piece) {
                    std::thread::sleep(Duration::from_secs_f64(len as f64 / RATE as f64));
                    if stream.write_all(&piece[..len]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

#[test]
fn a_manifest_of_large_blocks_comes_over_a_slow_line() {
    let scratch = tempfile::tempdir().unwrap();
    let set = scratch.path().join("set");
    // Four pages of up to 256 KiB: each takes five seconds, and all at once eighteen.
    let name = "n".repeat(190);
    (0..FILES).for_each(|n| write(&set.join(format!("{name}{n}")), "x"));
    let (_share, ticket) = share(&set, &[]);
    let ticket: Ticket = ticket.parse().unwrap();
    let address = ticket.peers[0].to_string();
    let mut parts = address.split('/').skip(2);
    let (ip, port) = (parts.next().unwrap(), parts.nth(1).unwrap());
    let slow = slow_way_to(format!("{ip}:{port}").parse().unwrap());
    let peer = format!("/ip4/127.0.0.1/tcp/{slow}/p2p/{}", parts.nth(1).unwrap());
    let content = ticket.content.to_string();
    let ended = shoal(["inspect", &content, "--json", "--peer", &peer, "--listen", LOOPBACK]).expect(0);
    assert_eq!(ended.json()["bytes"], FILES);
}
