//! Messages by which protocols grow: capabilities, and requests of kinds that nobody knows yet.

use super::*;
use crate::Capabilities;
use crate::capabilities::Capability;
use crate::frame::{RequestMessage, UnknownKind};
use crate::tracker::{TrackerErrorCode, TrackerRequest, TrackerResponse};

const JOIN_NAMING: &str = r#"
74                                              # length of the body: 116
a1                                              # map of 1
64 6a 6f 69 6e                                  #   key "join"
a3                                              #     map of 3
64 68 61 76 65                                  #       key "have"
a2                                              #         map of 2
63 61 6c 6c                                     #           key "all"
f4                                              #             false
67 77 69 6e 64 6f 77 73                         #           key "windows"
80                                              #             empty array
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
6c 63 61 70 61 62 69 6c 69 74 69 65 73          #       key "capabilities"
a2                                              #         map of 2
67 65 78 61 6d 70 6c 65                         #           key "example"
a2                                              #             map of 2
62 6f 6e                                        #               key "on"
f5                                              #                 true
65 6c 69 6d 69 74                               #               key "limit"
08                                              #                 8
67 6f 74 68 65 72 2d 31                         #           key "other-1"
80                                              #             empty array
"#;

const ERROR_UNSUPPORTED: &str = r#"
19                                              # length of the body: 25
a1                                              # map of 1
65 65 72 72 6f 72                               #   key "error"
a1                                              #     map of 1
64 63 6f 64 65                                  #       key "code"
6b 75 6e 73 75 70 70 6f 72 74 65 64             #         "unsupported"
"#;

const REFUSED_UNSUPPORTED: &str = r#"
1e                                              # length of the body: 30
a1                                              # map of 1
67 72 65 66 75 73 65 64                         #   key "refused"
a2                                              #     map of 2
62 69 64                                        #       key "id"
07                                              #         7
63 77 68 79                                     #       key "why"
6b 75 6e 73 75 70 70 6f 72 74 65 64             #         "unsupported"
"#;

const UNKNOWN_QUERY: &str = r#"
07                                              # length of the body: 7
a1                                              # map of 1
64 6e 6f 70 65                                  #   key "nope"
a0                                              #     map of 0
"#;

const UNKNOWN_CHUNK_REQUEST: &str = r#"
3f                                              # length of the body: 63
a1                                              # map of 1
64 70 61 72 74                                  #   key "part"
a3                                              #     map of 3
62 69 64                                        #       key "id"
07                                              #         7, by which it is answered
64 66 72 6f 6d                                  #       key "from"
00                                              #         0
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const NAME_WITH_CAPITAL: &str = r#"
60                                              # length of the body: 96
a1                                              # map of 1
64 6a 6f 69 6e                                  #   key "join"
a3                                              #     map of 3
64 68 61 76 65                                  #       key "have"
a2                                              #         map of 2
63 61 6c 6c                                     #           key "all"
f4                                              #             false
67 77 69 6e 64 6f 77 73                         #           key "windows"
80                                              #             empty array
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
6c 63 61 70 61 62 69 6c 69 74 69 65 73          #       key "capabilities"
a1                                              #         map of 1
67 45 78 61 6d 70 6c 65                         #           key "Example"
01                                              #             1
"#;

const VALUE_TOO_DEEP: &str = r#"
64                                              # length of the body: 100
a1                                              # map of 1
64 6a 6f 69 6e                                  #   key "join"
a3                                              #     map of 3
64 68 61 76 65                                  #       key "have"
a2                                              #         map of 2
63 61 6c 6c                                     #           key "all"
f4                                              #             false
67 77 69 6e 64 6f 77 73                         #           key "windows"
80                                              #             empty array
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
6c 63 61 70 61 62 69 6c 69 74 69 65 73          #       key "capabilities"
a1                                              #         map of 1
67 65 78 61 6d 70 6c 65                         #           key "example"
81                                              #             array of 1
81                                              #               array of 1
81                                              #                 array of 1
81                                              #                   array of 1
80                                              #                     empty array
"#;

const NAMES_OUT_OF_ORDER: &str = r#"
69                                              # length of the body: 105
a1                                              # map of 1
64 6a 6f 69 6e                                  #   key "join"
a3                                              #     map of 3
64 68 61 76 65                                  #       key "have"
a2                                              #         map of 2
63 61 6c 6c                                     #           key "all"
f4                                              #             false
67 77 69 6e 64 6f 77 73                         #           key "windows"
80                                              #             empty array
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
6c 63 61 70 61 62 69 6c 69 74 69 65 73          #       key "capabilities"
a2                                              #         map of 2
67 6f 74 68 65 72 2d 31                         #           key "other-1"
01                                              #             1
67 65 78 61 6d 70 6c 65                         #           key "example"
01                                              #             1
"#;

pub(super) const LISTINGS: [&str; 8] = [
    JOIN_NAMING,
    ERROR_UNSUPPORTED,
    REFUSED_UNSUPPORTED,
    UNKNOWN_QUERY,
    UNKNOWN_CHUNK_REQUEST,
    NAME_WITH_CAPITAL,
    VALUE_TOO_DEEP,
    NAMES_OUT_OF_ORDER,
];

/// What the example names, by a program that knows of it.
struct Example;

impl Capability for Example {
    const NAME: &'static str = "example";
    type Value = Settings;
}

#[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Settings {
    on: bool,
    limit: u32,
}

struct Other;

impl Capability for Other {
    const NAME: &'static str = "other-1";
    type Value = Vec<u32>;
}

fn read_request<M: RequestMessage>(listing: &str) -> Result<frame::Received<M>, FrameError> {
    let bytes = bytes(listing);
    let (_, body) = read_length(&bytes, M::MAX)?;
    frame::decode_request(body)
}

#[test]
fn capabilities_that_nobody_here_knows_are_carried() {
    let mut capabilities = Capabilities::own();
    capabilities.name::<Other>(&vec![]);
    capabilities.name::<Example>(&Settings { on: true, limit: 8 });
    both_ways(
        &QueryRequest::Join { have: Have::default(), content: example_id(), capabilities },
        JOIN_NAMING,
    );
    let Ok(Ok(QueryRequest::Join { capabilities, .. })) = read_request(JOIN_NAMING) else { panic!("a join") };
    assert_eq!(capabilities.get::<Example>(), Ok(Some(Settings { on: true, limit: 8 })));
}

#[test]
fn capabilities_out_of_bounds_are_refused() {
    for listing in [NAME_WITH_CAPITAL, VALUE_TOO_DEEP, NAMES_OUT_OF_ORDER] {
        let error = refused::<QueryRequest>(listing);
        assert!(matches!(error, FrameError::Value(_) | FrameError::Cbor(_)), "{error:?}");
        assert!(read_request::<QueryRequest>(listing).is_err(), "its kind is known, so there is no way out");
    }
}

#[test]
fn unknown_kinds_are_told_from_malformed_requests() {
    fn unknown<M: RequestMessage>(listing: &str) -> Option<UnknownKind> {
        read_request::<M>(listing).unwrap().err()
    }
    assert_eq!(unknown::<QueryRequest>(UNKNOWN_QUERY), Some(UnknownKind { id: None }));
    assert_eq!(unknown::<TrackerRequest>(UNKNOWN_QUERY), Some(UnknownKind { id: None }));
    assert_eq!(unknown::<ChunkRequest>(UNKNOWN_QUERY), Some(UnknownKind { id: None }));
    assert_eq!(unknown::<ChunkRequest>(UNKNOWN_CHUNK_REQUEST), Some(UnknownKind { id: Some(7) }));
    assert_eq!(unknown::<QueryRequest>(LEAVE), None);
    assert!(read_request::<QueryRequest>(OTHER_CID).is_err());
    for listing in [MISSING_FIELD, TRAILING, EMPTY_BODY, TRUNCATED] {
        assert!(read_request::<ChunkRequest>(listing).is_err(), "{listing}");
    }
}

#[test]
fn what_has_not_the_form_of_a_request_is_malformed() {
    let kind = |name: &str, value: &[u8]| {
        let text: &[u8] = &[&[0x78, name.len() as u8], name.as_bytes()].concat();
        let text =
            if name.len() < 24 { &[&[0x60 + name.len() as u8], name.as_bytes()].concat() } else { text };
        [&[0xa1], text, value].concat()
    };
    let read = |body: &[u8]| frame::decode_request::<QueryRequest>(body).map(|read| read.map(drop));
    let unknown = Ok(Err(UnknownKind { id: None }));
    assert_eq!(read(&kind(&"x".repeat(32), &[0xa0])), unknown);
    assert_eq!(
        read(&kind("x", &[0xa1, 0x62, b'i', b'd', 0x61, b'7'])),
        unknown,
        "an id of another type is none"
    );
    let nested = |depth| [vec![0xa1, 0x61, b'a'], vec![0x81; depth], vec![0x00]].concat();
    assert_eq!(read(&kind("x", &nested(14))), unknown);
    for bad in [
        kind("", &[0xa0]),
        kind(&"x".repeat(33), &[0xa0]),
        kind("x", &[0x00]),
        kind("x", &[0xf6]),
        kind("x", &nested(15)),
        kind("x", &[0xb8, 0x00]),
        kind("x", &[0xa2, 0x61, b'b', 0x00, 0x61, b'a', 0x00]),
        vec![0xa0],
        vec![0xa2, 0x61, b'x', 0xa0, 0x61, b'y', 0xa0],
        vec![0x61, b'x'],
        vec![0xa1, 0x00, 0xa0],
    ] {
        assert!(read(&bad).is_err(), "{bad:x?}");
    }
}

/// Else a known kind with a mistake in it would be taken for an unknown one.
#[test]
fn the_kinds_are_those_of_the_messages() {
    fn of<M: RequestMessage + Debug>() {
        let nobody = frame::decode::<M>(&[0xa1, 0x61, b'?', 0xa0]).unwrap_err().to_string();
        let known = nobody.split_once("expected one of ").unwrap().1;
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        assert_eq!(known, M::KINDS);
    }
    of::<QueryRequest>();
    of::<ChunkRequest>();
    of::<TrackerRequest>();
}

#[test]
fn an_unknown_kind_is_reported_as_such() {
    both_ways(&QueryResponse::Error { code: QueryErrorCode::Unsupported }, ERROR_UNSUPPORTED);
    let code = TrackerErrorCode::Unsupported;
    both_ways(&TrackerResponse::Error { code }, ERROR_UNSUPPORTED);
    both_ways(&ChunkReply::Refused { id: 7, why: ChunkRefusal::Unsupported }, REFUSED_UNSUPPORTED);
}
