//! What is kept of a stream for those that use it: bytes that came while nobody read, and whom to wake.

use std::collections::VecDeque;
use std::task::Waker;

/// See the module.
#[derive(Default)]
pub(super) struct Ends {
    unread: VecDeque<Vec<u8>>,
    /// How many of the first ones are read.
    taken: usize,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

impl Ends {
    pub(super) fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }

    /// Copies what came. Returns how many bytes.
    pub(super) fn take(&mut self, into: &mut [u8]) -> usize {
        let mut copied = 0;
        while let Some(first) = self.unread.front() {
            let bytes = &first[self.taken..];
            let fits = bytes.len().min(into.len() - copied);
            into[copied..copied + fits].copy_from_slice(&bytes[..fits]);
            copied += fits;
            if fits < bytes.len() {
                self.taken += fits;
                break;
            }
            self.unread.pop_front();
            self.taken = 0;
        }
        copied
    }

    /// The last bytes, to be added to and [put back](Self::put), if they have room; else none, with room for `most`.
    pub(super) fn last(&mut self, most: usize) -> Vec<u8> {
        match self.unread.pop_back() {
            Some(last) if last.len() < last.capacity() => last,
            full => {
                self.unread.extend(full);
                Vec::with_capacity(most)
            }
        }
    }

    /// Puts bytes at the end. Whoever reads is woken.
    pub(super) fn put(&mut self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.unread.push_back(bytes);
            self.reader.take().into_iter().for_each(Waker::wake);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_taken_in_the_order_in_which_they_came() {
        let mut ends = Ends::default();
        let mut last = ends.last(4);
        last.extend([1, 2, 3]);
        ends.put(last);
        let mut last = ends.last(4);
        assert_eq!(last, [1, 2, 3], "it has room for one more");
        last.push(4);
        ends.put(last);
        let mut next = ends.last(2);
        assert_eq!(next, []);
        next.extend([5, 6]);
        ends.put(next);
        let mut into = [0; 5];
        assert_eq!((ends.take(&mut into[..3]), ends.take(&mut into[3..])), (3, 2));
        assert_eq!(into, [1, 2, 3, 4, 5]);
        assert_eq!((ends.take(&mut into), into[0], ends.take(&mut into)), (1, 6, 0));
    }
}
