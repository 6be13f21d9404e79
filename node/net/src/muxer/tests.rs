//! Two ends in one process.

use std::future::poll_fn;
use std::io::IoSlice;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{AsyncReadExt, AsyncWriteExt};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::collecting::LARGE;
use super::*;

/// No divisor of any frame, and less than two.
const TAKES: usize = 100_003;

/// Counts how often something is written, and takes no more than [`TAKES`] bytes each time.
struct Counting(Compat<tokio::io::DuplexStream>, Arc<AtomicUsize>);

impl AsyncRead for Counting {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let bytes = &bytes[..bytes.len().min(TAKES)];
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        self.poll_write(cx, &all)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

/// Drives one end: echoes what comes on streams of the other side.
async fn echo(mut muxer: Muxer<Counting>) {
    loop {
        let stream = poll_fn(|cx| {
            if let Poll::Ready(Err(error)) = Pin::new(&mut muxer).poll(cx) {
                return Poll::Ready(Err(error));
            }
            Pin::new(&mut muxer).poll_inbound(cx)
        });
        let Ok(stream) = stream.await else { return };
        tokio::spawn(async move {
            let (input, mut output) = stream.split();
            futures::io::copy(input, &mut output).await.unwrap();
            output.close().await.unwrap();
        });
    }
}

async fn stream(muxer: &mut Muxer<Counting>) -> yamux::Stream {
    poll_fn(|cx| Pin::new(&mut *muxer).poll_outbound(cx)).await.unwrap()
}

/// One end, whose other end echoes, and how often it writes.
fn pair() -> (Muxer<Counting>, Arc<AtomicUsize>) {
    let (one, other) = tokio::io::duplex(4 << 20);
    let writes = Arc::new(AtomicUsize::new(0));
    let config = Config::default().0;
    let other = Counting(other.compat(), Arc::default());
    tokio::spawn(echo(Muxer::new(other, config.clone(), Mode::Server)));
    (Muxer::new(Counting(one.compat(), writes.clone()), config, Mode::Client), writes)
}

async fn echoed(stream: yamux::Stream, bytes: Vec<u8>) {
    let (mut input, mut output) = stream.split();
    let expected = bytes.clone();
    let sent = async move {
        output.write_all(&bytes).await.unwrap();
        output.close().await.unwrap();
    };
    let mut came = Vec::new();
    let (_, read) = tokio::join!(sent, input.read_to_end(&mut came));
    read.unwrap();
    assert!(came == expected, "{} bytes came back of {}", came.len(), expected.len());
}

#[tokio::test]
async fn what_goes_through_many_streams_comes_back() {
    let (mut muxer, _) = pair();
    let mut all = tokio::task::JoinSet::new();
    for n in 1..20_usize {
        let bytes = (0..n * 20_011).map(|at| (at * (n + 1)) as u8).collect();
        all.spawn(echoed(stream(&mut muxer).await, bytes));
    }
    all.join_all().await;
}

#[tokio::test]
async fn frames_go_out_together() {
    let (mut muxer, writes) = pair();
    let size = 4 << 20;
    let stream = stream(&mut muxer).await;
    echoed(stream, vec![7; size]).await;
    let writes = writes.load(Ordering::Relaxed);
    assert!(writes < 2 * size / FRAME, "{writes} writes: a header and a body each time would be more");
}

#[tokio::test]
async fn words_of_any_length_keep_their_order() {
    let (mut muxer, _) = pair();
    let (mut input, mut output) = stream(&mut muxer).await.split();
    let lens = [1, 20, 300_000, 5, LARGE - 1, LARGE, LARGE + 1, FRAME, FRAME + 1, 12, 1_000_000];
    let words: Vec<Vec<u8>> = (0_u8..).zip(lens).map(|(n, len)| vec![n; len]).collect();
    let expected = words.concat();
    let sent = async move {
        for word in words {
            output.write_all(&word).await.unwrap();
            output.flush().await.unwrap();
        }
        output.close().await.unwrap();
    };
    let mut came = Vec::new();
    let (_, read) = tokio::join!(sent, input.read_to_end(&mut came));
    read.unwrap();
    assert!(came == expected, "{} bytes came back of {}", came.len(), expected.len());
}

#[tokio::test]
async fn what_was_written_arrives_before_a_close_and_the_other_side_sees_the_end() {
    let (one, other) = tokio::io::duplex(1 << 20);
    let config = Config::default().0;
    let mut dialer = Muxer::new(one.compat(), config.clone(), Mode::Client);
    let mut listener = Muxer::new(other.compat(), config, Mode::Server);
    let mut output = poll_fn(|cx| Pin::new(&mut dialer).poll_outbound(cx)).await.unwrap();
    output.write_all(&[9; 100_000]).await.unwrap();
    output.close().await.unwrap();
    poll_fn(|cx| Pin::new(&mut dialer).poll_close(cx)).await.unwrap();
    let mut input = poll_fn(|cx| Pin::new(&mut listener).poll_inbound(cx)).await.unwrap();
    let mut came = Vec::new();
    input.read_to_end(&mut came).await.unwrap();
    assert_eq!(came.len(), 100_000);
    assert!(poll_fn(|cx| Pin::new(&mut listener).poll(cx)).await.is_err());
}

#[tokio::test]
async fn with_the_muxer_its_streams_end_and_so_does_its_task() {
    let (one, other) = tokio::io::duplex(1 << 20);
    let mut muxer = Muxer::new(one.compat(), Config::default().0, Mode::Client);
    let mut stream = poll_fn(|cx| Pin::new(&mut muxer).poll_outbound(cx)).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    drop(muxer);
    assert!(matches!(stream.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    // The connection was the task's.
    let mut other = other.compat();
    let mut came = Vec::new();
    other.read_to_end(&mut came).await.unwrap();
}
