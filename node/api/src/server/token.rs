//! The token that TCP requests bring, in a file of its own that only the daemon's user can read.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rand::TryRng;
use rand::rngs::SysRng;

use super::error::ApiError;

/// The token's file in the data folder.
pub(super) const FILE: &str = "api-token";
/// Bytes of a token; written with two digits each.
const BYTES: usize = 32;

/// A token: 64 hexadecimal digits.
pub(super) struct Token(String);

impl Token {
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let token = text.trim_end();
        let fine = token.len() == 2 * BYTES && token.bytes().all(|byte| byte.is_ascii_hexdigit());
        fine.then(|| Self(token.to_owned()))
    }

    /// Reads the token of a data folder; makes one if there is none.
    pub(super) fn hold(data: &Path) -> Result<Self, ApiError> {
        let path = data.join(FILE);
        let held = match read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => make(data, &path),
            other => other,
        };
        held.map_err(|source| ApiError::Token { path, source })
    }
}

fn read(path: &Path) -> io::Result<Token> {
    let file = File::open(path)?;
    let meta = file.metadata()?;
    if meta.mode() & 0o077 != 0 || meta.uid() != rustix::process::geteuid().as_raw() {
        let words =
            "others can read or change it; make it yours alone (chmod 600), or delete it for a new one";
        return Err(io::Error::new(ErrorKind::PermissionDenied, words));
    }
    let mut text = String::new();
    file.take(1024).read_to_string(&mut text)?;
    let damaged = || io::Error::new(ErrorKind::InvalidData, "it is damaged; delete it for a new one");
    Token::parse(&text).ok_or_else(damaged)
}

/// Makes a token that is whole, or not there.
fn make(data: &Path, path: &Path) -> io::Result<Token> {
    let mut bytes = [0; BYTES];
    SysRng.try_fill_bytes(&mut bytes).map_err(io::Error::other)?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    // A temporary file is its owner's alone from the beginning.
    let mut file = tempfile::NamedTempFile::new_in(data)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(Token(text)),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_is_made_once_and_for_its_owner_alone() {
        let data = tempfile::tempdir().unwrap();
        let token = Token::hold(data.path()).unwrap();
        assert_eq!(token.0.len(), 64);
        assert_eq!(fs::metadata(data.path().join(FILE)).unwrap().mode() & 0o777, 0o600);
        assert_eq!(Token::hold(data.path()).unwrap().0, token.0);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(Token::hold(other.path()).unwrap().0, token.0);
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_token_that_others_know_or_that_is_none_is_refused() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(FILE);
        Token::hold(data.path()).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Token::hold(data.path()), Err(ApiError::Token { .. })));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        for wrong in ["", "0123", &"g".repeat(64), &"0".repeat(65), &"0".repeat(5000)] {
            fs::write(&path, wrong).unwrap();
            assert!(matches!(Token::hold(data.path()), Err(ApiError::Token { .. })), "{wrong}");
        }
    }
}
