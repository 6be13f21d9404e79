//! Writes the seeds of the corpora: `cargo run -p shoal-fuzz --example seeds`.
//!
//! The examples of PROTOCOL.md go to every target that reads what they are; what is not shown there is made here. Files
//! are called after what is in them, so a second run writes the same. What fuzzing found stays, as `found-…`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use libp2p_identity::Keypair;
use multiaddr::Multiaddr;
use serde::Serialize;
use shoal_content::{
    Chunker, ContentId, EntryKind, FileEntry, Hash, Manifest, ManifestBuilder, SafePath, Shape, Ticket,
};
use shoal_fuzz::corpus;
use shoal_store::{Selection, Source};
use shoal_wire::chunks::{ChunkReply, ChunkRequest};
use shoal_wire::frame::{Message, decode};
use shoal_wire::query::{QueryRequest, QueryResponse};
use shoal_wire::rendezvous::{
    Discovered, PeerRecord, RecordFormat, Refused, Registered, RendezvousRequest, RendezvousResponse, Status,
};
use shoal_wire::store::{Presence, SignedWords, StoreEnd, StoreRecord, StoreRequest, StoreResponse};
use shoal_wire::tracker::{TrackerRequest, TrackerResponse};

mod files;

type Seeds = BTreeMap<&'static str, Vec<Vec<u8>>>;

fn main() {
    let mut seeds = Seeds::new();
    documented(&mut seeds);
    texts(&mut seeds);
    manifests(&mut seeds);
    files::signed(&mut seeds);
    files::rendezvous(&mut seeds);
    files::stored(&mut seeds);
    scripts(&mut seeds);
    sessions(&mut seeds);
    for (target, inputs) in seeds {
        let folder = corpus::folder().join(target);
        fs::create_dir_all(&folder).expect("the folder can be made");
        for bytes in inputs {
            let name = Hash::of(&bytes).to_string();
            fs::write(folder.join(&name[..12]), bytes).expect("the file can be written");
        }
    }
}

/// A piece behind its length in two bytes.
fn piece(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_le_bytes(), bytes].concat()
}

/// What PROTOCOL.md shows, by who can read it.
fn documented(seeds: &mut Seeds) {
    for example in shoal_testing::documented() {
        let prefix = 1 + example.iter().take_while(|byte| **byte & 0x80 != 0).count();
        let body = &example[prefix.min(example.len())..];
        let mut put = |target, is_one: bool, bytes: &[u8]| {
            if is_one {
                seeds.entry(target).or_default().push(bytes.to_vec());
            }
        };
        put("chunk_reply", is::<ChunkReply>(body), body);
        put("chunk_request", is::<ChunkRequest>(body), body);
        put("query_request", is::<QueryRequest>(body), body);
        put("query_response", is::<QueryResponse>(body), body);
        put("store_request", is::<StoreRequest>(body), body);
        put("store_response", is::<StoreResponse>(body), body);
        put("tracker_request", is::<TrackerRequest>(body), body);
        put("tracker_response", is::<TrackerResponse>(body), body);
        put(
            "rendezvous_request",
            RendezvousRequest::decode(body, body.len()).is_ok(),
            &[&[0], body].concat(),
        );
        put("rendezvous_response", RendezvousResponse::decode(body).is_ok(), body);
        put("peer_record", PeerRecord::open(&example).is_ok(), &[&[0], &example[..]].concat());
    }
    let lengths: [&[u8]; 5] = [&[5], &[0xac, 2], &[0x85, 0], &[0xff, 0xff, 0xff], &[0xff, 0xff, 0x3f]];
    seeds.insert("frame_length", lengths.map(<[u8]>::to_vec).to_vec());
    let maps: [&[u8]; 4] =
        [&[10, 0, 1], &[40, 0, 0, 8, 0, 0, 2, 1, 3], &[11, 0, 0, 8, 0, 0, 1, 4], &[10, 0, 0, 8, 0, 0, 1, 4]];
    seeds.insert("have_map", maps.map(<[u8]>::to_vec).to_vec());
    let nested: [&[u8]; 4] = [
        &[3, 0x81, 0x81, 0x00],
        &[1, 0x81, 0x81, 0x00],
        &[9, 0xa2, 0x61, b'b', 0, 0x62, b'a', b'a', 0xf5],
        &[0, 0x18, 0x17],
    ];
    seeds.insert("cbor_form", nested.map(<[u8]>::to_vec).to_vec());
    seeds
        .entry("cbor_form")
        .or_default()
        .push([&[9], &shoal_testing::bytes(shoal_testing::example::ROOT)[..]].concat());
}

fn is<M: Message>(body: &[u8]) -> bool {
    decode::<M>(body).is_ok()
}

fn texts(seeds: &mut Seeds) {
    let paths = [
        "a",
        "deep/er/name.txt",
        "名前/имя",
        "..",
        "a/../b",
        "/etc/passwd",
        "a\\b",
        "a//b",
        "a/./b",
        "CON",
        "dir/nul.txt",
        "COM²",
        "C:",
        "a\u{202e}b",
        "a\u{85}",
        ".. ",
        "d/l\n../a",
        "l\na/../b",
        "d/e/l\n../..",
        "l\n..",
        "x.\n",
        "a/\u{feff}",
        "Aux .c",
    ];
    seeds.insert("path", paths.map(|text| text.as_bytes().to_vec()).to_vec());
    let shown =
        ["plain", "a\u{1b}[2Jb", "x\u{202e}y", "\u{9b}2J", "a\n\tb\r", "\u{2028}", "\"\\", "😀\u{feff}"];
    seeds.insert("printable", shown.map(|text| text.as_bytes().to_vec()).to_vec());
    seeds.entry("printable").or_default().push(b"a\xff\xfe\xc2b".to_vec());
    let address = |text: &str| text.parse::<Multiaddr>().expect("the address is a good one");
    let all = [
        "/ip4/8.8.8.8/tcp/4001",
        "/ip4/10.0.0.1/tcp/1",
        "/ip4/127.0.0.1/udp/9/quic-v1",
        "/ip6/::1/tcp/1",
        "/ip4/169.254.169.254/tcp/80",
        "/ip6/fe80::1/tcp/1",
        "/ip6/::ffff:10.0.0.1/tcp/1",
        "/dns4/example.org/tcp/1",
        "/dns/localhost/tcp/1",
        "/ip6/fd00::1/tcp/2",
        "/ip4/8.8.8.8/tcp/1/p2p/12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5/p2p-circuit",
        "/ip6/64:ff9b::a00:1/tcp/1",
    ];
    let pieces: Vec<u8> = all.iter().flat_map(|text| piece(&address(text).to_vec())).collect();
    let by_standing = (0..4).map(|standing| [&[standing], &pieces[..]].concat());
    seeds.insert("address_filter", by_standing.collect());
    let ticket = Ticket {
        content: ContentId::from_root_hash(Hash::of(b"root")),
        peers: vec![address(all[0]), address(all[2])],
        rendezvous: vec![address(all[7])],
    };
    let text = ticket.to_string();
    let body = data_encoding::BASE32_NOPAD
        .decode(text["shoal1".len()..].to_uppercase().as_bytes())
        .expect("it is base32");
    let texts = [[&[0], text.as_bytes()].concat(), b"\0shoal2u".to_vec(), b"\0 SHOAL1uaaa\n".to_vec()];
    let raw = [&[1], &body[..body.len() - 4]].concat();
    seeds.insert("ticket", texts.into_iter().chain([raw]).collect());
}

fn manifests(seeds: &mut Seeds) {
    use shoal_testing::{bytes, example};
    seeds.entry("manifest_root").or_default().push(bytes(example::ROOT));
    let (files, chunks) = (bytes(example::FILE_PAGE), bytes(example::CHUNK_PAGE));
    let whole = |flags: u8, name: &str, files: &[u8], chunks: &[u8]| {
        [&[flags][..], &piece(name.as_bytes()), &piece(files), chunks].concat()
    };
    let tricks = ["../x", "a/../../b", "/abs", "CON", "A.txt", "a.TXT/b", "bin/run/x", "\u{1b}", "e\u{301}"];
    let entry = |path: &str| Entry { path: path.to_owned(), size: 0, kind: "dir" };
    let all = tricks.map(|trick| {
        let page = shoal_cbor::encode(&[entry("bin/run"), entry(trick)]);
        whole(1, "demo", &page, &[])
    });
    let put = seeds.entry("manifest").or_default();
    put.push(whole(1, "demo", &files, &chunks));
    put.push(whole(1 | 8, "demo", &files, &chunks));
    put.push(whole(1 | 4, "demo", &files, &chunks));
    put.extend(all);
}

#[derive(Serialize)]
struct Entry {
    path: String,
    size: u64,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// Steps of a session of yamux: what happens, on which stream, and a number.
fn sessions(seeds: &mut Seeds) {
    let (data, update, ping) = (0, 16, 32);
    let (syn, ack, fin, rst) = (16, 32, 64, 128);
    let step =
        |what: u8, stream: u8, number: u16| [[what, stream].as_slice(), &number.to_le_bytes()].concat();
    let (open, read, write, close, forget, wait) = (3, 4, 5, 6, 7, 135);
    let taken = [
        step(syn, data | 1, 9),
        step(0, data | 1, 60_000),
        step(0, data | 1, 60_000),
        step(0, data | 1, 60_000),
    ];
    let drained = [step(read, 1, 60_000), step(read, 1, 60_000), step(read, 1, 60_000)];
    let ours = [
        step(open, 0, 0),
        step(write, 2, 700),
        step(ack, update | 2, 5),
        step(fin, data | 2, 3),
        step(close, 2, 0),
    ];
    let round = [step(wait, 0, 1), step(ack, ping, 0), step(syn, ping, 4), step(wait, 0, 60_000)];
    let ends =
        [step(syn | fin, update | 3, 0), step(rst, data | 3, 0), step(forget, 3, 0), step(0, data | 3, 5)];
    let too_much = [step(syn, data | 5, 0), step(2, data | 5, 40_000)];
    let all = [&round[..], &taken, &drained, &ours, &taken[1..], &drained, &ends];
    let listener = |steps: &[Vec<u8>]| [&[1], &steps.concat()[..]].concat();
    let put = seeds.entry("yamux_session").or_default();
    put.push(listener(&all.concat()));
    put.push(listener(&[&round[..], &taken, &drained].concat()));
    put.push(listener(&[&taken[..1], &too_much].concat()));
    put.push([&[0], &[step(open, 0, 0), step(write, 1, 9), step(ack, data | 1, 4), step(syn, data | 2, 4)].concat()[..]].concat());
}

/// Steps of a script: what happens, and to whom or how much.
fn scripts(seeds: &mut Seeds) {
    let peer = |peer: u8, more: u8| peer - 1 + 6 * more;
    let befriend = |who: u8, has: u8| {
        let (it, map) = (peer(who, 4), peer(who, has));
        [0, it, 1, it, 4, map, 13, peer(who, 1)]
    };
    let download: Vec<u8> = (0..40).flat_map(|n| [17, peer(1, n), 18, peer(1, n)]).collect();
    let blocks = [0, peer(1, 4), 1, peer(1, 4), 21, peer(1, 2), 21, peer(1, 2), 21, peer(1, 2)];
    let put = seeds.entry("peer_script").or_default();
    put.push([&[1][..], &befriend(1, 0), &download].concat());
    put.push([&[0][..], &blocks, &[4, peer(1, 0), 13, peer(1, 1)], &download].concat());
    put.push(
        [
            &[1][..],
            &befriend(1, 0),
            &befriend(2, 2),
            &[17, peer(1, 0), 18, peer(1, 7), 23, 200, 20, peer(2, 1)],
        ]
        .concat(),
    );
    put.push(
        [&[3][..], &befriend(3, 0), &[17, peer(3, 0), 3, peer(3, 0), 18, peer(3, 0), 23, 255, 0, peer(3, 4)]]
            .concat(),
    );
    put.push(
        [&[1][..], &befriend(1, 0), &[22, 0, 23, 200, 22, 1, 12, peer(1, 0), 0, peer(1, 4), 23, 255]]
            .concat(),
    );
    put.push(
        [
            &[0][..],
            &[
                0,
                peer(2, 4),
                1,
                peer(2, 4),
                21,
                peer(2, 1),
                0,
                peer(2, 4),
                7,
                peer(2, 0),
                10,
                peer(4, 0),
                23,
                255,
            ],
        ]
        .concat(),
    );
}
