//! The rounds of two messages in turn, with the SHA instructions of x86 (Intel, "Intel SHA Extensions", 2013).
//!
//! These instructions hold the eight words of a state as ABEF and CDGH; each does two rounds.

use std::arch::x86_64::*;

use super::BLOCK;

const LANES: usize = 2;

/// The constants of the rounds (FIPS 180-4, 4.2.2), four in a row.
#[rustfmt::skip]
const K: [[i32; 4]; 16] = words([
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

const fn words(all: [u32; 64]) -> [[i32; 4]; 16] {
    let mut rows = [[0; 4]; 16];
    let mut at = 0;
    while at < 64 {
        rows[at / 4][at % 4] = all[at] as i32;
        at += 1;
    }
    rows
}

/// The halves of the states of both messages.
#[derive(Clone, Copy)]
struct Halves {
    abef: [__m128i; LANES],
    cdgh: [__m128i; LANES],
}

/// Takes blocks of both messages, of which there are as many, into their states.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
pub(super) fn compress(states: &mut [[u32; 8]; LANES], blocks: [&[[u8; BLOCK]]; LANES]) {
    let mut halves = load(states);
    for (one, other) in blocks[0].iter().zip(blocks[1]) {
        halves = block(halves, [one, other]);
    }
    store(halves, states);
}

#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
#[inline]
fn block(before: Halves, blocks: [&[u8; BLOCK]; LANES]) -> Halves {
    let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    // The last sixteen words of each message's schedule.
    let mut schedule = [[_mm_setzero_si128(); 4]; LANES];
    for (words, block) in schedule.iter_mut().zip(blocks) {
        for (four, bytes) in words.iter_mut().zip(block.as_chunks::<16>().0) {
            *four = _mm_shuffle_epi8(vector(u128::from_le_bytes(*bytes)), swap);
        }
    }
    let mut now = before;
    // Each step is four rounds. The loop has to be unrolled, for the schedule to stay in registers.
    macro_rules! steps {
        ($($step:literal)*) => {$(
            let [a, b, c, d] = K[$step];
            let constants = _mm_setr_epi32(a, b, c, d);
            for lane in 0..LANES {
                let words = &mut schedule[lane];
                if $step >= 4 {
                    words[$step % 4] = next(words, $step);
                }
                rounds(&mut now, lane, _mm_add_epi32(words[$step % 4], constants));
            }
        )*};
    }
    steps!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    for lane in 0..LANES {
        now.abef[lane] = _mm_add_epi32(now.abef[lane], before.abef[lane]);
        now.cdgh[lane] = _mm_add_epi32(now.cdgh[lane], before.cdgh[lane]);
    }
    now
}

/// The next four words of a schedule, which take the place of the oldest ones.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
#[inline]
fn next(words: &[__m128i; 4], step: usize) -> __m128i {
    let [oldest, second, third, last] = [0, 1, 2, 3].map(|age| words[(step + age) % 4]);
    let middle = _mm_alignr_epi8(last, third, 4);
    _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(oldest, second), middle), last)
}

/// Four rounds of one message.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
#[inline]
fn rounds(now: &mut Halves, lane: usize, words: __m128i) {
    let cdgh = _mm_sha256rnds2_epu32(now.cdgh[lane], now.abef[lane], words);
    let abef = _mm_sha256rnds2_epu32(now.abef[lane], cdgh, _mm_shuffle_epi32(words, 0x0e));
    (now.cdgh[lane], now.abef[lane]) = (cdgh, abef);
}

#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
fn load(states: &[[u32; 8]; LANES]) -> Halves {
    let mut halves = Halves { abef: [_mm_setzero_si128(); LANES], cdgh: [_mm_setzero_si128(); LANES] };
    for (lane, state) in states.iter().enumerate() {
        let [a, b, c, d, e, f, g, h] = state.map(|word| word as i32);
        halves.abef[lane] = _mm_set_epi32(a, b, e, f);
        halves.cdgh[lane] = _mm_set_epi32(c, d, g, h);
    }
    halves
}

#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
fn store(halves: Halves, states: &mut [[u32; 8]; LANES]) {
    for (lane, state) in states.iter_mut().enumerate() {
        let [a, b, e, f] = four(halves.abef[lane]);
        let [c, d, g, h] = four(halves.cdgh[lane]);
        *state = [a, b, c, d, e, f, g, h];
    }
}

#[target_feature(enable = "sse2")]
#[inline]
fn vector(bits: u128) -> __m128i {
    _mm_set_epi64x((bits >> 64) as i64, bits as i64)
}

/// The four words of a vector, the highest one first.
#[target_feature(enable = "sse2,sse4.1")]
fn four(vector: __m128i) -> [u32; 4] {
    [
        _mm_extract_epi32(vector, 3) as u32,
        _mm_extract_epi32(vector, 2) as u32,
        _mm_extract_epi32(vector, 1) as u32,
        _mm_extract_epi32(vector, 0) as u32,
    ]
}
