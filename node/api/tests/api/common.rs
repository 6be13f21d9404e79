//! A daemon with its API, and requests by hand.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use shoal_api::model::{Content, ImportInfo, ImportStateInfo, Share};
use shoal_api::{ApiConfig, ApiServer, Client, serve};
use shoal_daemon::{Daemon, DaemonConfig};
use shoal_net::NodeConfig;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

/// How long anything may take before a test gives up.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for `it`; panics with `what` after [`DEADLINE`].
pub(crate) async fn within<T>(what: &str, it: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(DEADLINE, it).await;
    result.unwrap_or_else(|_| panic!("not within {DEADLINE:?}: {what}"))
}

/// Looks until `look` finds something; panics with `what` after [`DEADLINE`].
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A daemon on loopback with nothing in it.
pub(crate) async fn daemon(dir: &Path) -> Daemon {
    let node = NodeConfig { listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()], ..NodeConfig::default() };
    let config = DaemonConfig { data: Some(dir.join("data")), node, ..DaemonConfig::default() };
    Daemon::start(config).await.unwrap()
}

/// A daemon and its API.
pub(crate) struct Running {
    pub(crate) dir: TempDir,
    pub(crate) daemon: Daemon,
    pub(crate) stop: CancellationToken,
    pub(crate) server: ApiServer,
    pub(crate) client: Client,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::with(ApiConfig::default()).await
    }

    /// With the token's folder and the socket set, and TCP on any port.
    pub(crate) async fn with(config: ApiConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let daemon = daemon(dir.path()).await;
        let stop = CancellationToken::new();
        let socket = dir.path().join("node.sock");
        let config = ApiConfig {
            socket: Some(socket.clone()),
            tcp: Some("127.0.0.1:0".parse().unwrap()),
            data: Some(dir.path().join("data")),
            ..config
        };
        let server = serve(daemon.clone(), config, stop.clone()).await.unwrap();
        Self { client: Client::unix(socket), dir, daemon, stop, server }
    }

    pub(crate) fn tcp(&self) -> SocketAddr {
        self.server.tcp().unwrap()
    }

    pub(crate) fn token(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("data/api-token")).unwrap()
    }

    /// Makes a file of some size, and returns its path.
    pub(crate) fn file(&self, name: &str, bytes: usize) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text: Vec<u8> = (0..bytes).map(|n| (n / 7 + name.len()) as u8).collect();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Shares a file and waits until that is done.
    pub(crate) async fn share(&self, path: &Path) -> Content {
        share(&self.client, path).await
    }
}

pub(crate) async fn share(client: &Client, path: &Path) -> Content {
    let share = Share { paths: vec![path.to_owned()], ..Share::default() };
    let import = client.share(&share).await.unwrap();
    let id = eventually("it is shared", || async {
        let ImportInfo { state, .. } = client.import(import.id).await.unwrap();
        match state {
            ImportStateInfo::Done { content, ticket, .. } => {
                assert!(ticket.unwrap().starts_with("shoal1"));
                Some(content)
            }
            ImportStateInfo::Failed { why } => panic!("{why}"),
            _ => None,
        }
    });
    client.content(&id.await).await.unwrap()
}

/// Sends a request by hand over TCP; returns the status, and for `whole` the whole answer.
pub(crate) async fn by_hand(to: SocketAddr, request: &str, whole: bool) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![];
    let mut some = [0; 4096];
    within("an answer", async {
        loop {
            let read = stream.read(&mut some).await.unwrap();
            answer.extend_from_slice(&some[..read]);
            if read == 0 || (!whole && answer.windows(4).any(|end| end == b"\r\n\r\n")) {
                break;
            }
        }
    })
    .await;
    let answer = String::from_utf8(answer).unwrap();
    let status =
        answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer to {request}")).parse().unwrap();
    (status, answer)
}
