//! libFuzzer around the target that the environment variable `SHOAL_FUZZ_TARGET` names.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use shoal_fuzz::FuzzTarget;

static TARGET: LazyLock<&FuzzTarget> = LazyLock::new(|| {
    let name = std::env::var("SHOAL_FUZZ_TARGET").expect("SHOAL_FUZZ_TARGET names a target");
    shoal_fuzz::find(&name).expect("SHOAL_FUZZ_TARGET is one of shoal_fuzz::TARGETS")
});

fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
