//! Vectors, limits, and bytes of all kinds.

use libp2p_identity::Keypair;
use multiaddr::Multiaddr;
use proptest::prelude::*;

use super::*;
use shoal_testing::bytes;

/// Signed by the Ed25519 key whose secret is 32 times 07.
const STANDARD: &str = "
0a 24                                           # public key, 36 bytes
08 01 12 20                                     #   Ed25519, 32 bytes
ea 4a 6c 63 e2 9c 52 0a be f5 50 7b 13 2e c5 f9 #   …
95 47 76 ae be be 7b 92 42 1e ea 69 14 46 d2 2c #   …
12 02 03 01                                     # payload type 0x0301
1a 36                                           # payload, 54 bytes
0a 26                                           #   peer id, 38 bytes
00 24                                           #     identity multihash of 36 bytes
08 01 12 20                                     #       the public key again
ea 4a 6c 63 e2 9c 52 0a be f5 50 7b 13 2e c5 f9 #       …
95 47 76 ae be be 7b 92 42 1e ea 69 14 46 d2 2c #       …
10 05                                           #   sequence number 5
1a 0a                                           #   address, 10 bytes
0a 08                                           #     multiaddr, 8 bytes
04 c0 00 02 01 06 0f a1                         #       /ip4/192.0.2.1/tcp/4001
2a 40                                           # signature, 64 bytes
9d 93 a9 8e 10 89 ef 44 97 55 3a 43 25 36 32 d2 #   …
5d ff 39 fa 1c 62 5d 3c 9e 4f 90 17 41 0f 40 6e #   …
fd 36 2e 1e 53 14 93 06 fc 67 76 1e b9 aa 97 c8 #   …
ed 69 47 51 6d c1 5a 99 50 aa 21 ff 11 8c 44 09 #   …
";

const LEGACY: &str = "
0a 24                                           # public key, 36 bytes
08 01 12 20                                     #   Ed25519, 32 bytes
ea 4a 6c 63 e2 9c 52 0a be f5 50 7b 13 2e c5 f9 #   …
95 47 76 ae be be 7b 92 42 1e ea 69 14 46 d2 2c #   …
12 1c                                           # payload type, 28 bytes
2f 6c 69 62 70 32 70 2f 72 6f 75 74 69 6e 67 2d #   \"/libp2p/routing-
73 74 61 74 65 2d 72 65 63 6f 72 64             #   state-record\"
1a 36                                           # payload, 54 bytes
0a 26                                           #   peer id, 38 bytes
00 24                                           #     identity multihash of 36 bytes
08 01 12 20                                     #       the public key again
ea 4a 6c 63 e2 9c 52 0a be f5 50 7b 13 2e c5 f9 #       …
95 47 76 ae be be 7b 92 42 1e ea 69 14 46 d2 2c #       …
10 05                                           #   sequence number 5
1a 0a                                           #   address, 10 bytes
0a 08                                           #     multiaddr, 8 bytes
04 c0 00 02 01 06 0f a1                         #       /ip4/192.0.2.1/tcp/4001
2a 40                                           # signature, 64 bytes
13 b1 f7 af 70 2f 77 de e6 c8 be 04 cc 25 27 0c #   …
06 43 ec bb e8 8a 28 43 e1 59 7c 52 c8 94 a8 70 #   …
d1 14 66 64 fc 5a 24 f7 a4 33 42 e1 1e 53 ad db #   …
2a f2 b3 d7 c0 fd fe 9c 26 6b 31 b3 93 b2 cf 03 #   …
";

const REGISTER: &str = "
0e                # length of the message: 14
08 00             # type: REGISTER
12 0a             # register, 10 bytes
0a 01 61          #   namespace \"a\"
12 03 01 02 03    #   signed peer record, 3 bytes here
18 3c             #   TTL: 60 seconds
";

const UNREGISTER: &str = "
07                # length of the message: 7
08 02             # type: UNREGISTER
22 03             # unregister, 3 bytes
0a 01 61          #   namespace \"a\"
";

const DISCOVER: &str = "
0d                # length of the message: 13
08 03             # type: DISCOVER
2a 09             # discover, 9 bytes
0a 01 61          #   namespace \"a\"
10 32             #   limit: 50
1a 02 c0 c1       #   cookie, 2 bytes here
";

const REGISTERED: &str = "
08                # length of the message: 8
08 01             # type: REGISTER_RESPONSE
1a 04             # registerResponse, 4 bytes
08 00             #   status: OK
18 3c             #   granted TTL: 60 seconds
";

const REFUSED: &str = "
0b                # length of the message: 11
08 01             # type: REGISTER_RESPONSE
1a 07             # registerResponse, 7 bytes
08 66             #   status: 102, E_INVALID_TTL
12 03 62 61 64    #   statusText \"bad\"
";

const DISCOVERED: &str = "
16                # length of the message: 22
08 04             # type: DISCOVER_RESPONSE
32 12             # discoverResponse, 18 bytes
0a 0a             #   registration, 10 bytes
0a 01 61          #     namespace \"a\"
12 03 01 02 03    #     signed peer record, 3 bytes here
18 1e             #     TTL: 30 seconds left
12 02 c0 c1       #   cookie, 2 bytes here
18 00             #   status: OK
";

fn key() -> Keypair {
    Keypair::ed25519_from_bytes([7; 32]).unwrap()
}

fn request(frame: &[u8]) -> Result<RendezvousRequest, Malformed> {
    let mut body = frame;
    let len = prost::decode_length_delimiter(&mut body).unwrap();
    RendezvousRequest::decode(body, len)
}

fn response(frame: &[u8]) -> Result<RendezvousResponse, ResponseError> {
    let mut body = frame;
    prost::decode_length_delimiter(&mut body).unwrap();
    RendezvousResponse::decode(body)
}

fn register(namespace: &str, record: Vec<u8>, ttl: Option<u64>) -> RendezvousRequest {
    RendezvousRequest::Register { namespace: namespace.to_owned(), record, ttl }
}

#[test]
fn records_of_both_formats() {
    let home: Multiaddr = "/ip4/192.0.2.1/tcp/4001".parse().unwrap();
    for (listing, format) in [(STANDARD, RecordFormat::Standard), (LEGACY, RecordFormat::Legacy)] {
        let sealed = PeerRecord::seal(&key(), 5, std::slice::from_ref(&home), format).unwrap();
        assert_eq!(sealed, bytes(listing));
        let peer = key().public().to_peer_id();
        let record = PeerRecord { peer, sequence: 5, addresses: vec![home.clone()], format };
        assert_eq!(PeerRecord::open(&sealed), Ok(record));
        assert_eq!(RecordFormat::of(&sealed), Some(format));
    }
}

#[test]
fn a_flipped_bit_of_a_record_is_noticed() {
    let whole = bytes(STANDARD);
    let good = PeerRecord::open(&whole).unwrap();
    for at in (0..whole.len() * 8).step_by(7) {
        let mut bad = whole.clone();
        bad[at / 8] ^= 1 << (at % 8);
        assert_ne!(PeerRecord::open(&bad).as_ref(), Ok(&good), "bit {at}");
        assert!(PeerRecord::open(&bad).is_err(), "bit {at}");
    }
}

#[test]
fn a_record_about_somebody_else_is_refused() {
    // The payload names the peer of the first key, and the second one signs it.
    let other = Keypair::ed25519_from_bytes([8; 32]).unwrap();
    let mut bytes = bytes(STANDARD);
    let payload = bytes[44..98].to_vec();
    let mut over = vec![18];
    over.extend_from_slice(b"libp2p-peer-record");
    over.extend_from_slice(&[2, 3, 1, payload.len() as u8]);
    over.extend_from_slice(&payload);
    bytes[2..38].copy_from_slice(&other.public().encode_protobuf());
    bytes.splice(100.., other.sign(&over).unwrap());
    assert_eq!(PeerRecord::open(&bytes), Err(RecordError::Signer));
}

#[test]
fn records_are_bounded() {
    assert_eq!(PeerRecord::open(&vec![0; MAX_RECORD + 1]), Err(RecordError::TooLarge));
    let address = |port: usize| format!("/ip4/8.8.8.8/tcp/{}", port + 1).parse().unwrap();
    let many = |n: usize| {
        let addresses: Vec<Multiaddr> = (0..n).map(address).collect();
        PeerRecord::seal(&key(), 1, &addresses, RecordFormat::Standard).unwrap()
    };
    assert_eq!(PeerRecord::open(&many(MAX_RECORD_ADDRESSES)).unwrap().addresses.len(), MAX_RECORD_ADDRESSES);
    assert_eq!(PeerRecord::open(&many(MAX_RECORD_ADDRESSES + 1)), Err(RecordError::TooLarge));
}

#[test]
fn requests_have_these_bytes() {
    let cases = [
        (REGISTER, register("a", vec![1, 2, 3], Some(60))),
        (UNREGISTER, RendezvousRequest::Unregister { namespace: "a".to_owned() }),
        (
            DISCOVER,
            RendezvousRequest::Discover {
                namespace: Some("a".to_owned()),
                limit: Some(50),
                cookie: Some(vec![0xc0, 0xc1]),
            },
        ),
    ];
    for (listing, it) in cases {
        assert_eq!(it.encode(), bytes(listing));
        assert_eq!(request(&bytes(listing)), Ok(it));
    }
}

#[test]
fn responses_have_these_bytes() {
    let refused = Refused { status: Status::InvalidTtl, text: "bad".to_owned() };
    let registered = Registered { namespace: "a".into(), record: vec![1, 2, 3].into(), ttl: 30 };
    let cases = [
        (REGISTERED, RendezvousResponse::Register(Ok(60))),
        (REFUSED, RendezvousResponse::Register(Err(refused))),
        (
            DISCOVERED,
            RendezvousResponse::Discover(Ok(Discovered {
                registrations: vec![registered],
                cookie: vec![0xc0, 0xc1],
            })),
        ),
    ];
    for (listing, it) in cases {
        assert_eq!(it.encode(), bytes(listing));
        assert_eq!(response(&bytes(listing)), Ok(it));
    }
}

#[test]
fn zeros_may_be_left_out() {
    let mut frame = bytes(REGISTER);
    frame.drain(1..3);
    frame[0] -= 2;
    assert_eq!(request(&frame), Ok(register("a", vec![1, 2, 3], Some(60))));
    assert_eq!(response(&bytes("06 08 01 1a 02 18 3c")), Ok(RendezvousResponse::Register(Ok(60))));
}

#[test]
fn what_is_out_of_bounds_is_refused_by_its_status() {
    let frame = |it: RendezvousRequest| request(&it.encode());
    let namespace = |len| "n".repeat(len);
    let discover = |len, cookie: usize| RendezvousRequest::Discover {
        namespace: Some(namespace(len)),
        limit: None,
        cookie: Some(vec![0; cookie]),
    };
    assert!(frame(register(&namespace(255), vec![0; MAX_RECORD], None)).is_ok());
    assert_eq!(
        frame(register(&namespace(256), vec![], None)),
        Err(Malformed::Register(RendezvousRefusal::Namespace))
    );
    assert_eq!(
        frame(register("a", vec![0; MAX_RECORD + 1], None)),
        Err(Malformed::Register(RendezvousRefusal::RecordSize))
    );
    assert_eq!(
        frame(register("a", vec![0; 1 << 18], None)),
        Err(Malformed::Register(RendezvousRefusal::RecordSize))
    );
    let huge = register(&namespace(100_000), vec![0; 100], None);
    assert_eq!(frame(huge), Err(Malformed::Register(RendezvousRefusal::Namespace)));
    let both = register(&namespace(100_000), vec![0; 100_000], None);
    assert_eq!(frame(both), Err(Malformed::Register(RendezvousRefusal::Namespace)), "what comes first");
    assert!(frame(discover(255, MAX_COOKIE)).is_ok());
    assert_eq!(frame(discover(256, 0)), Err(Malformed::Discover(RendezvousRefusal::Namespace)));
    assert_eq!(frame(discover(1, MAX_COOKIE + 1)), Err(Malformed::Discover(RendezvousRefusal::Cookie)));
    assert_eq!(frame(discover(1, 1 << 18)), Err(Malformed::Discover(RendezvousRefusal::Cookie)));
    assert_eq!(frame(discover(100_000, 8)), Err(Malformed::Discover(RendezvousRefusal::Namespace)));
    assert_eq!(
        frame(RendezvousRequest::Unregister { namespace: namespace(256) }),
        Err(Malformed::Unregister)
    );
    assert_eq!(
        frame(RendezvousRequest::Unregister { namespace: namespace(100_000) }),
        Err(Malformed::Unregister)
    );
    assert_eq!(
        request(&bytes("07 08 00 12 03 0a 01 ff")),
        Err(Malformed::Register(RendezvousRefusal::Namespace))
    );
    assert_eq!(
        request(&bytes("07 08 00 12 03 0a 01 61")),
        Err(Malformed::Register(RendezvousRefusal::Record))
    );
    assert_eq!(request(&bytes("04 08 00 12 00")), Err(Malformed::Register(RendezvousRefusal::Namespace)));
}

#[test]
fn a_long_request_in_which_nothing_known_is_long_is_malformed() {
    // A field that is known to nobody, longer than a request may be, within a registration and beside it.
    let long: Vec<u8> = [0x7a, 0x80, 0x80, 0x08].into_iter().chain(vec![0; 1 << 17]).collect();
    let inside = [&[0x08, 0x00, 0x12, 0x84, 0x80, 0x08], &long[..]].concat();
    let beside = [&[0x08, 0x00, 0x12, 0x03, 0x0a, 0x01, 0x61], &long[..]].concat();
    for body in [inside, beside] {
        let read = RendezvousRequest::decode(&body[..MAX_REQUEST], body.len());
        assert_eq!(read, Err(Malformed::Register(RendezvousRefusal::Malformed)));
    }
}

#[test]
fn what_cannot_be_read_is_answered_by_its_kind() {
    assert_eq!(request(&bytes("04 08 03 2a 05")), Err(Malformed::Discover(RendezvousRefusal::Malformed)));
    assert_eq!(request(&bytes("04 08 02 22 05")), Err(Malformed::Unregister));
    for other in ["00", "02 ff ff", "02 08 07", "08 08 01 1a 04 08 00 18 3c"] {
        assert_eq!(request(&bytes(other)), Err(Malformed::Register(RendezvousRefusal::Malformed)), "{other}");
    }
}

#[test]
fn the_fullest_answer_fits() {
    const RECORD: usize = 2048;
    let registration =
        Registered { namespace: "n".repeat(255).into(), record: vec![1; RECORD].into(), ttl: u64::MAX };
    let answer = |n| {
        let registrations = vec![registration.clone(); n];
        RendezvousResponse::Discover(Ok(Discovered { registrations, cookie: vec![1; 263] })).encode()
    };
    let count = |frame: &[u8]| match response(frame) {
        Ok(RendezvousResponse::Discover(Ok(it))) => it.registrations.len(),
        other => panic!("{other:?}"),
    };
    let room = RendezvousResponse::room_for(RECORD);
    assert_eq!(count(&answer(room)), room);
    let full = answer(2 * room);
    assert!(full.len() <= MAX_RESPONSE + 3, "{}", full.len());
    assert!(count(&full) >= room);
}

#[test]
fn broken_registrations_are_left_out_of_an_answer() {
    // A good one, then one each without namespace, without record, and with a namespace that is no text.
    let frame =
        bytes("1e 08 04 32 1a 0a 06 0a 01 61 12 01 01 0a 03 12 01 01 0a 03 0a 01 61 0a 06 0a 01 ff 12 01 01");
    let Ok(RendezvousResponse::Discover(Ok(it))) = response(&frame) else { panic!("a response") };
    assert_eq!(it.registrations.len(), 1);
    assert_eq!(RendezvousResponse::decode(&vec![0; MAX_RESPONSE + 1]), Err(ResponseError::TooLong));
    assert_eq!(RendezvousResponse::decode(&bytes(REGISTER)[1..]), Err(ResponseError::Malformed));
}

#[test]
fn a_refusal_is_shown_without_what_could_move_a_cursor() {
    let refused = Refused { status: Status::Unavailable, text: "full\u{1b}[2J".to_owned() };
    assert_eq!(refused.to_string(), "E_UNAVAILABLE: full\\u{1b}[2J");
    assert_eq!(Refused::from(RendezvousRefusal::Ttl).to_string(), "E_INVALID_TTL: the TTL is out of bounds");
}

proptest! {
    #[test]
    fn no_bytes_make_decoding_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), more in 0..20usize) {
        drop(RendezvousRequest::decode(&bytes, bytes.len() + more));
        drop(RendezvousResponse::decode(&bytes));
        drop(PeerRecord::open(&bytes));
        let _ = RecordFormat::of(&bytes);
    }

    /// Mostly right bytes get further.
    #[test]
    fn no_change_to_a_message_makes_decoding_panic(
        which in 0..8usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let all = [STANDARD, LEGACY, REGISTER, UNREGISTER, DISCOVER, REGISTERED, REFUSED, DISCOVERED];
        let mut bytes = bytes(all[which]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        drop(RendezvousRequest::decode(&bytes[1..], bytes.len() - 1));
        drop(RendezvousResponse::decode(&bytes[1..]));
        drop(PeerRecord::open(&bytes));
    }
}
