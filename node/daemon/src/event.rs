//! What happens to the library.

use shoal_content::ContentId;

/// Something that happened to the library, beside what the node tells of its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DaemonEvent {
    /// A content is new in it.
    Added {
        /// Which.
        content: ContentId,
    },
    /// A content was taken out of it.
    Removed {
        /// Which.
        content: ContentId,
    },
    /// What is shared has changed: a new content took the place of an old one.
    Replaced {
        /// The content until now, which is not served any more.
        old: ContentId,
        /// The content from now on.
        new: ContentId,
    },
}
