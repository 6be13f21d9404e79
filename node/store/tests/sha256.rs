//! SHA-256 takes the instructions that a processor has for it.
//!
//! What this cannot see is the choice at run time, which the crate `sha2` makes by what the processor says of itself. It sees that the
//! code with the instructions is there and that no build setting takes the choice away.

use shoal_content::Hash;

#[test]
#[expect(unexpected_cfgs, reason = "settings of the crate `sha2`")]
fn sha256_uses_the_instructions_that_the_processor_has() {
    const { assert!(!cfg!(any(sha2_backend = "soft", sha2_256_backend = "soft")), "a setting forces slow code") };
    let instruction: &[u8] = if cfg!(target_arch = "x86_64") {
        // `sha256rnds2 xmm, xmm` (Intel SDM, volume 2).
        &[0x0f, 0x38, 0xcb]
    } else {
        println!("skipped: no pattern is known for this architecture");
        return;
    };
    assert_ne!(Hash::of(b"linked"), Hash::of(b""));
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let found = program.windows(instruction.len()).filter(|bytes| *bytes == instruction).count();
    // 64 rounds, two at a time; a few such bytes may be there by chance.
    assert!(found >= 32, "{found} places");
}
