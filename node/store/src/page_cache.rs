//! Reads that wait for no disk.
//!
//! Linux can be asked for what it has in memory and nothing else (`RWF_NOWAIT`, preadv2(2)). File systems that do not know
//! that, tmpfs among them, and other systems say no. Then the read belongs on a thread that may wait.

use std::fs::File;

/// Fills `buf` from this place of a file, if all of it is in the system's memory. `false`: it is not, or nobody can tell; then
/// `buf` holds nothing of use.
#[cfg(target_os = "linux")]
pub(crate) fn read(file: &File, mut buf: &mut [u8], mut offset: u64) -> bool {
    use std::io::IoSliceMut;

    use rustix::io::{Errno, ReadWriteFlags, preadv2};

    while !buf.is_empty() {
        match preadv2(file, &mut [IoSliceMut::new(buf)], offset, ReadWriteFlags::NOWAIT) {
            Ok(0) => return false,
            Ok(read) => {
                buf = &mut buf[read..];
                offset += read as u64;
            }
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
    true
}

/// See above.
#[cfg(not(target_os = "linux"))]
pub(crate) fn read(_: &File, _: &mut [u8], _: u64) -> bool {
    false
}
