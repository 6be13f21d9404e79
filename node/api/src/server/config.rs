//! How the API is served.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::error::ApiError;

/// How the API is served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiConfig {
    /// The path of the Unix socket; missing folders are made for its owner alone. None: no such socket.
    pub socket: Option<PathBuf>,
    /// Where to listen on TCP; port 0: the system chooses. None: nowhere.
    pub tcp: Option<SocketAddr>,
    /// Whether TCP may be other than loopback. Requests, with the token, are then read by everybody on the way.
    pub allow_remote: bool,
    /// Names beside localhost that requests over TCP may give as `Host`, such as that of a reverse proxy; without a port.
    pub names: Vec<String>,
    /// What stands before all paths on TCP, such as `/shoal` behind a reverse proxy. Empty: nothing.
    pub base: String,
    /// The daemon's data folder, which holds the token for TCP.
    pub data: Option<PathBuf>,
}

impl ApiConfig {
    /// The base with a slash at its beginning and none at its end, or empty.
    pub(crate) fn base(&self) -> Result<String, ApiError> {
        let inner = self.base.trim_matches('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        if !inner.chars().all(plain) || inner.split('/').any(|part| part.is_empty() && !inner.is_empty()) {
            return Err(ApiError::Base(self.base.clone()));
        }
        Ok(if inner.is_empty() { String::new() } else { format!("/{inner}") })
    }

    /// Checks what needs no look at the world.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        self.base()?;
        match self.tcp {
            Some(address) if !address.ip().is_loopback() && !self.allow_remote => {
                Err(ApiError::Remote(address))
            }
            Some(_) if self.data.is_none() => Err(ApiError::NoData),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_a_path_or_nothing() {
        let base = |text: &str| ApiConfig { base: text.into(), ..ApiConfig::default() }.base();
        for (text, expected) in [("", ""), ("/", ""), ("shoal", "/shoal"), ("/a/b/", "/a/b")] {
            assert_eq!(base(text).unwrap(), expected, "{text}");
        }
        for wrong in ["/{id}", "/a b", "/a?b", "/a//b", "/ä", "/*"] {
            assert!(base(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn other_machines_are_let_in_only_if_that_is_said() {
        let data = Some(PathBuf::from("/data"));
        let config = |tcp: &str| ApiConfig {
            tcp: Some(tcp.parse().unwrap()),
            data: data.clone(),
            ..ApiConfig::default()
        };
        for fine in ["127.0.0.1:0", "127.9.9.9:1", "[::1]:1"] {
            assert!(config(fine).check().is_ok(), "{fine}");
        }
        for far in ["0.0.0.0:1", "[::]:1", "192.168.1.2:1"] {
            assert!(matches!(config(far).check(), Err(ApiError::Remote(_))), "{far}");
            assert!(ApiConfig { allow_remote: true, ..config(far) }.check().is_ok());
        }
        assert!(matches!(ApiConfig { data: None, ..config("[::1]:1") }.check(), Err(ApiError::NoData)));
    }
}
