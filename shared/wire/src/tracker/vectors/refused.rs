//! Bytes that must be refused.

pub(in crate::tracker) const REQUEST_TOO_LONG: &str = r#"
81 80 08                                        # length of the body: 131073
"#;

pub(in crate::tracker) const EMPTY_PAYLOAD: &str = r#"
0d                                              # length of the body: 13
a1                                              # map of 1
63 70 75 74                                     #   key "put"
a1                                              #     map of 1
65 62 79 74 65 73                               #       key "bytes"
40                                              #         byte string of 0
"#;

pub(in crate::tracker) const NAME_WITH_CONTROL: &str = r#"
5a                                              # length of the body: 90
a1                                              # map of 1
67 70 75 62 6c 69 73 68                         #   key "publish"
a1                                              #     map of 1
67 65 6e 74 72 69 65 73                         #       key "entries"
81                                              #         array of 1
a4                                              #           map of 4
64 6e 61 6d 65                                  #             key "name"
64 1b 5b 32 4a                                  #               "ESC[2J"
64 73 69 7a 65                                  #             key "size"
18 1e                                           #               30
65 66 69 6c 65 73                               #             key "files"
04                                              #               4
67 63 6f 6e 74 65 6e 74                         #             key "content"
58 24                                           #               byte string of 36
01 71 12 20                                     #                 CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #                 SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #                 …
"#;

pub(in crate::tracker) const BARE_KIND: &str = r#"
06                                              # length of the body: 6
65 73 74 61 74 73                               # "stats"
"#;

/// Every listing of this file.
pub(in crate::tracker) const LISTINGS: [&str; 4] =
    [REQUEST_TOO_LONG, EMPTY_PAYLOAD, NAME_WITH_CONTROL, BARE_KIND];
