//! Beside the crate `sha2`, and the examples of the standard.

use proptest::prelude::*;

use super::*;

fn hex(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_examples_of_the_standard_have_their_digests() {
    let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    let digests = digest_each(&[b"abc", long]);
    assert_eq!(hex(digests[0]), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(hex(digests[1]), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

#[test]
fn every_length_of_the_last_block_is_padded_right() {
    let bytes: Vec<u8> = (0..=255).collect();
    for len in 0..=bytes.len() {
        let pair = [&bytes[..len], &bytes[len..]];
        assert_eq!(
            digest_each(&pair),
            pair.map(|message| <[u8; 32]>::from(Sha256::digest(message))),
            "{len}"
        );
    }
}

/// A machine that has the instructions and does not use them hashes at half the rate.
#[test]
#[cfg(target_arch = "x86_64")]
fn pairs_are_used_where_the_processor_has_the_instructions() {
    assert_eq!(has_pairs(), is_x86_feature_detected!("sha"));
}

proptest! {
    #[test]
    fn digests_are_those_of_each_alone(
        messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..2000), 0..7),
    ) {
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let expected: Vec<[u8; 32]> = messages.iter().map(|message| Sha256::digest(message).into()).collect();
        prop_assert_eq!(digest_each(&messages), expected);
    }
}
