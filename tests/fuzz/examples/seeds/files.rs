//! Seeds that are made here: what is signed, what is protobuf, what lies on a disk.

use super::*;

pub(super) fn signed(seeds: &mut Seeds) {
    let key = Keypair::ed25519_from_bytes([9; 32]).expect("32 bytes are a key");
    let content = ContentId::from_root_hash(Hash::of(b"root"));
    let times = [Duration::from_secs(1000), Duration::from_secs(2000)];
    let record = StoreRecord::new(&key, content, "demo", 30, 3, times).sign(&key).expect("the key signs");
    let end = StoreEnd { owner: record.owner.clone(), issued: 1500, content, signature: vec![] }
        .sign(&key)
        .expect("the key signs");
    let presence = Presence::new(&key, 7, times[0], times[1]).sign(&key).expect("the key signs");
    let words = [shoal_cbor::encode(&record), shoal_cbor::encode(&end), shoal_cbor::encode(&presence)];
    let put = seeds.entry("signed_words").or_default();
    for (kind, words) in (0..).zip(words) {
        put.extend(
            [[0, 0, 0], [20, 0, 1], [90, 0, 255]].map(|change| [&[kind][..], &change, &words].concat()),
        );
    }
    let addresses: Vec<Multiaddr> = ["/ip4/8.8.8.8/tcp/4001", "/dns4/example.org/tcp/1"]
        .map(|it| it.parse().expect("a good one"))
        .to_vec();
    let put = seeds.entry("peer_record").or_default();
    for (form, format) in [(1, RecordFormat::Standard), (2, RecordFormat::Legacy)] {
        let key = Keypair::ed25519_from_bytes([7; 32]).expect("32 bytes are a key");
        let envelope = PeerRecord::seal(&key, 3, &addresses, format).expect("the key signs");
        put.push([&[0], &envelope[..]].concat());
        // The payload by itself: peer, sequence, addresses.
        let mut payload = [&[0x0a, 38][..], &key.public().to_peer_id().to_bytes(), &[0x10, 3]].concat();
        for address in &addresses {
            payload.extend([0x1a, address.len() as u8 + 2, 0x0a, address.len() as u8]);
            payload.extend(address.to_vec());
        }
        put.extend([0, 1, 200].map(|spoil| [&[form, spoil][..], &payload].concat()));
    }
}

pub(super) fn rendezvous(seeds: &mut Seeds) {
    let namespace = || "shoal/demo".to_owned();
    let requests = [
        RendezvousRequest::Register { namespace: namespace(), record: vec![1; 40], ttl: Some(7200) },
        RendezvousRequest::Unregister { namespace: namespace() },
        RendezvousRequest::Discover {
            namespace: Some(namespace()),
            limit: Some(9),
            cookie: Some(vec![7; 18]),
        },
        RendezvousRequest::Discover { namespace: None, limit: None, cookie: None },
    ];
    let body = |frame: Vec<u8>| frame[1..].to_vec();
    let put = seeds.entry("rendezvous_request").or_default();
    put.extend(requests.iter().map(|it| [vec![0], body(it.encode())].concat()));
    put.push([vec![70], body(requests[0].encode())].concat());
    let refused = Refused { status: Status::InvalidNamespace, text: "no\u{1b}[2J".to_owned() };
    let registered = Registered { namespace: "shoal/demo".into(), record: vec![1; 9].into(), ttl: 60 };
    let found = Discovered { registrations: vec![registered.clone(), registered], cookie: vec![7; 18] };
    let responses = [
        RendezvousResponse::Register(Ok(7200)),
        RendezvousResponse::Register(Err(refused.clone())),
        RendezvousResponse::Discover(Ok(found)),
        RendezvousResponse::Discover(Err(refused)),
    ];
    seeds.insert("rendezvous_response", responses.map(|it| body(it.encode())).to_vec());
}

pub(super) fn stored(seeds: &mut Seeds) {
    let record = |kind: u8, body: &[u8]| [vec![kind], piece(body)].concat();
    let layout = Hash::of(&[1, 1, 1]);
    let epoch = |bits: u8| record(2, &[&[0; 16][..], layout.as_bytes(), &[bits]].concat());
    let chunk = |chunk: u32| record(1, &chunk.to_le_bytes());
    let hash = record(3, &[&1u32.to_le_bytes()[..], Hash::of(b"piece").as_bytes()].concat());
    let journals = [
        [vec![1, 0b1111], epoch(0), chunk(0), chunk(1), chunk(2)].concat(),
        [vec![3, 0b0101], epoch(0b1111)].concat(),
        [vec![3, 0b1001], epoch(1), chunk(9), chunk(1), hash].concat(),
        [vec![3, 0], chunk(0), epoch(0), chunk(3)].concat(),
        [vec![0, 0b1111], b"shoaljnl".to_vec()].concat(),
        [vec![0, 0b1111], b"something else".to_vec()].concat(),
        vec![0, 0b1111],
    ];
    seeds.insert("journal", journals.to_vec());
    let manifest = Arc::new(links_only());
    let put = seeds.entry("saved_source").or_default();
    for path in ["/", "/no/such/place"] {
        let saved = Source::placed(manifest.clone(), Path::new(path), &Selection::All).save();
        put.push([&[0], saved.as_bytes()].concat());
        put.push([&[1], &saved.as_bytes()[33..]].concat());
    }
}

/// No file of it is looked for, so it is the same on every machine.
fn links_only() -> Manifest {
    let folder = |path: &str| FileEntry {
        path: SafePath::new(path).expect("a good one"),
        size: 0,
        kind: EntryKind::Folder,
        private: false,
    };
    let builder = ManifestBuilder {
        name: SafePath::name("t").expect("a good one"),
        shape: Shape::Folder,
        chunker: Chunker::for_size(0),
        private: false,
        parent: None,
        entries: vec![folder("a"), folder("b/c")],
        chunks: vec![],
    };
    builder.build().expect("the manifest is a good one")
}
