//! Messages of the distributed hash table about the example content, as `PROTOCOL.md` shows them.
//!
//! The protocol is libp2p's Kademlia (specification `kad-dht`); each message is a protocol buffer behind its length. The
//! provider is the peer whose Ed25519 secret is 32 times the byte 7.

/// A peer tells that it has the content.
pub const ADD_PROVIDER: &str = "\
5e                                              # 94 bytes follow
08 02                                           # type: ADD_PROVIDER
12 22                                           # key, 34 bytes
12 20                                           #   multihash: sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #   SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #   …
4a 34                                           # providerPeers, 52 bytes
0a 26                                           #   id, 38 bytes
00 24 08 01 12 20                               #     an Ed25519 key, 32 bytes
ea 4a 6c 63 e2 9c 52 0a be f5 50 7b 13 2e c5 f9 #     the key
95 47 76 ae be be 7b 92 42 1e ea 69 14 46 d2 2c #     …
12 08                                           #   addrs, 8 bytes
04 7f 00 00 01 06 0f a1                         #     /ip4/127.0.0.1/tcp/4001
18 01                                           #   connection: CONNECTED
50 0a                                           # clusterLevelRaw, of no meaning
";

/// A peer asks who has the content.
pub const GET_PROVIDERS: &str = "\
28                                              # 40 bytes follow
08 03                                           # type: GET_PROVIDERS
12 22                                           # key, 34 bytes
12 20                                           #   multihash: sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #   SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #   …
50 0a                                           # clusterLevelRaw, of no meaning
";

/// The answer of a node that knows the provider, and nobody who is nearer to the key.
pub const PROVIDERS: &str = "\
3a                                              # 58 bytes follow
08 03                                           # type: GET_PROVIDERS
4a 34                                           # providerPeers, 52 bytes
0a 26                                           #   id, 38 bytes
00 24 08 01 12 20                               #     an Ed25519 key, 32 bytes
ea 4a 6c 63 e2 9c 52 0a be f5 50 7b 13 2e c5 f9 #     the key
95 47 76 ae be be 7b 92 42 1e ea 69 14 46 d2 2c #     …
12 08                                           #   addrs, 8 bytes
04 7f 00 00 01 06 0f a1                         #     /ip4/127.0.0.1/tcp/4001
18 01                                           #   connection: CONNECTED
50 09                                           # clusterLevelRaw, of no meaning
";

/// Every listing of this file.
pub fn listings() -> impl Iterator<Item = &'static str> {
    [ADD_PROVIDER, GET_PROVIDERS, PROVIDERS].into_iter()
}
