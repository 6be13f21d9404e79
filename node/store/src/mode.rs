//! The permissions that a manifest has: whether only the owner may read a file, and whether it may be executed.
//!
//! What always holds: what is private is made so that nobody else may read it, from the first moment on;
//! nothing is ever made wider than the system and the user's mask make new files and folders.

/// Permissions of the group and of others to read.
const READ_BY_OTHERS: u32 = 0o044;
/// All permissions of the owner.
const OWNER: u32 = 0o700;

/// Whether only its owner may read a file or folder with this mode.
pub(crate) fn is_private(mode: u32) -> bool {
    mode & READ_BY_OTHERS == 0
}

/// The mode to ask for when a file is made; the mask takes from it.
pub(crate) fn of_file(executable: bool, private: bool) -> u32 {
    let mode = if executable { 0o777 } else { 0o666 };
    if private { mode & OWNER } else { mode }
}

/// The mode to ask for when a folder is made; the mask takes from it.
pub(crate) fn of_folder(private: bool) -> u32 {
    of_file(true, private)
}

/// What the mode of something private that is there already becomes; `None` if it may stay.
pub(crate) fn narrowed(mode: u32) -> Option<u32> {
    (!is_private(mode)).then_some(mode & OWNER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reading_by_others_makes_it_public() {
        for private in [0o600, 0o700, 0o400, 0o000, 0o711, 0o4722] {
            assert!(is_private(private), "{private:o}");
        }
        for public in [0o640, 0o604, 0o644, 0o755, 0o040] {
            assert!(!is_private(public), "{public:o}");
        }
    }

    #[test]
    fn modes_of_what_is_made() {
        assert_eq!([of_file(false, false), of_file(true, false)], [0o666, 0o777]);
        assert_eq!([of_file(false, true), of_file(true, true)], [0o600, 0o700]);
        assert_eq!([of_folder(false), of_folder(true)], [0o777, 0o700]);
    }

    #[test]
    fn what_others_may_read_loses_all_that_is_not_its_owners() {
        assert_eq!(narrowed(0o644), Some(0o600));
        assert_eq!(narrowed(0o2775), Some(0o700));
        assert_eq!([narrowed(0o500), narrowed(0o711)], [None, None]);
    }
}
