//! Holes of sparse files: where they are, and what they hash to, without reading them.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use shoal_content::Hash;

/// Where the next data at or after `offset` starts; `None` if all the rest of the file is a hole. Where
/// the file system cannot tell, all is data. Moves the file's cursor.
pub(crate) fn next_data(file: &File, offset: u64) -> io::Result<Option<u64>> {
    match seek(file, SeekFrom::Data(offset)) {
        Ok(at) => Ok(Some(at.max(offset))),
        Err(Errno::NXIO) => Ok(None),
        Err(Errno::INVAL | Errno::NOTSUP | Errno::NOSYS) => Ok(Some(offset)),
        Err(error) => Err(error.into()),
    }
}

/// Where the next hole at or after `offset` starts: at the latest at the end of the file. Where the file
/// system cannot tell, nowhere. Moves the file's cursor.
pub(crate) fn next_hole(file: &File, offset: u64) -> u64 {
    seek(file, SeekFrom::Hole(offset)).unwrap_or(u64::MAX)
}

/// Whether `len` bytes at `offset` all lie in a hole. They are within the file.
pub(crate) fn is_hole(file: &File, offset: u64, len: u64) -> io::Result<bool> {
    Ok(next_data(file, offset)?.is_none_or(|data| data >= offset + len))
}

/// Writes zeros over what is data within `len` bytes at `offset`; holes stay holes. They are within the file. Returns how
/// many bytes were written.
pub(crate) fn write_zeros(file: &File, offset: u64, len: u64) -> io::Result<u64> {
    const BLOCK: [u8; 4096] = [0; 4096];
    let end = offset + len;
    let (mut at, mut written) = (offset, 0);
    while let Some(data) = next_data(file, at)?.filter(|data| *data < end) {
        let hole = next_hole(file, data).min(end);
        at = data;
        while at < hole {
            let now = (hole - at).min(BLOCK.len() as u64);
            file.write_all_at(&BLOCK[..now as usize], at)?;
            at += now;
        }
        written += hole - data;
    }
    Ok(written)
}

/// Whether all bytes are 0.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    let (blocks, rest) = bytes.as_chunks::<16>();
    blocks.iter().all(|b| u128::from_ne_bytes(*b) == 0) && rest.iter().all(|b| *b == 0)
}

/// SHA-256 of zeros, by length; each length is computed once.
#[derive(Debug, Default)]
pub(crate) struct ZeroHashes {
    known: HashMap<u32, Hash>,
}

impl ZeroHashes {
    /// No more lengths than these are remembered.
    const MOST: usize = 256;

    /// SHA-256 of `len` zeros.
    pub(crate) fn get(&mut self, len: u32) -> Hash {
        if self.known.len() >= Self::MOST {
            self.known.clear();
        }
        *self.known.entry(len).or_insert_with(|| hash_zeros(len))
    }
}

fn hash_zeros(len: u32) -> Hash {
    const BLOCK: [u8; 4096] = [0; 4096];
    let mut hasher = Sha256::new();
    let mut left = len as usize;
    while left > 0 {
        let now = left.min(BLOCK.len());
        hasher.update(&BLOCK[..now]);
        left -= now;
    }
    Hash::from_bytes(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_hash_like_zeros() {
        let mut hashes = ZeroHashes::default();
        for len in [1u32, 4096, 10_000] {
            assert_eq!(hashes.get(len), Hash::of(&vec![0; len as usize]));
            assert_eq!(hashes.get(len), Hash::of(&vec![0; len as usize]));
        }
    }

    #[test]
    fn zero_is_told_from_nearly_zero() {
        assert!(is_zero(&[]) && is_zero(&[0; 100]));
        for at in [0, 15, 16, 50, 99] {
            let mut bytes = [0; 100];
            bytes[at] = 1;
            assert!(!is_zero(&bytes), "{at}");
        }
    }

    #[test]
    fn zeros_do_not_spread_into_holes() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(4 << 20).unwrap();
        file.write_all_at(&[1; 10_000], 1 << 20).unwrap();
        // Both ends within blocks of data, one after another, as chunks come.
        let written = [(0u64, 1_050_000u64), (1_050_000, 8000), (1_058_000, 1 << 20)]
            .map(|(at, len)| write_zeros(&file, at, len).unwrap());
        assert!(written.iter().sum::<u64>() < 20_000, "{written:?}");
        let mut bytes = vec![1; 4 << 20];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert!(is_zero(&bytes));
    }

    #[test]
    fn data_is_never_taken_for_a_hole() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(4 << 20).unwrap();
        file.write_all_at(&[0; 5000], 1 << 20).unwrap();
        let at = next_data(&file, 0).unwrap();
        assert!(at.is_some_and(|at| at <= 1 << 20));
        assert!(!is_hole(&file, 1 << 20, 4096).unwrap());
        assert!(!is_hole(&file, 0, (1 << 20) + 1).unwrap());
        assert!(next_hole(&file, 1 << 20) >= (1 << 20) + 5000);
    }
}
