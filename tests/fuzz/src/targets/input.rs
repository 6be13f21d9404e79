//! Takes bytes apart for targets that need more than one piece of them.

/// Bytes of which pieces are taken from the front. Where nothing is left, there are zeros.
pub(super) struct Pieces<'a>(&'a [u8]);

impl<'a> Pieces<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    /// A number of two bytes, little-endian.
    pub(super) fn short(&mut self) -> u16 {
        u16::from(self.byte()) | u16::from(self.byte()) << 8
    }

    /// As many bytes as there are, at most `len`.
    pub(super) fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (piece, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        piece
    }

    /// A piece behind its length in two bytes.
    pub(super) fn piece(&mut self) -> &'a [u8] {
        let len = self.short();
        self.bytes(len.into())
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }
}
