//! Two ends in one process.

use std::future::poll_fn;
use std::io::IoSlice;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{AsyncReadExt, AsyncWriteExt};
use shoal_yamux::{ACK, HEADER, Header, Kind, RST, STREAMS, SYN, WINDOW};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::output::LARGE;
use super::writing::FRAME;
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

async fn stream<C: AsyncRead + AsyncWrite + Send + Unpin + 'static>(muxer: &mut Muxer<C>) -> Stream<C> {
    poll_fn(|cx| Pin::new(&mut *muxer).poll_outbound(cx)).await.unwrap()
}

/// One end, whose other end echoes, and how often it writes.
fn pair() -> (Muxer<Counting>, Arc<AtomicUsize>) {
    let (one, other) = tokio::io::duplex(4 << 20);
    let writes = Arc::new(AtomicUsize::new(0));
    let other = Counting(other.compat(), Arc::default());
    tokio::spawn(echo(Muxer::new(other, Side::Listener)));
    (Muxer::new(Counting(one.compat(), writes.clone()), Side::Dialer), writes)
}

async fn echoed(stream: impl AsyncRead + AsyncWrite, bytes: Vec<u8>) {
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
    let mut dialer = Muxer::new(one.compat(), Side::Dialer);
    let mut listener = Muxer::new(other.compat(), Side::Listener);
    let mut output = stream(&mut dialer).await;
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
    let mut muxer = Muxer::new(one.compat(), Side::Dialer);
    let mut stream = stream(&mut muxer).await;
    stream.write_all(b"hello").await.unwrap();
    drop(muxer);
    assert!(matches!(stream.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    // The connection was the task's.
    let mut other = other.compat();
    let mut came = Vec::new();
    other.read_to_end(&mut came).await.unwrap();
}

/// One end of the crate `yamux`, which echoes.
async fn stock_echo<C: AsyncRead + AsyncWrite + Unpin + Send + 'static>(connection: C, mode: yamux::Mode) {
    let mut connection = yamux::Connection::new(connection, yamux::Config::default(), mode);
    while let Some(Ok(stream)) = poll_fn(|cx| connection.poll_next_inbound(cx)).await {
        tokio::spawn(async move {
            let (input, mut output) = stream.split();
            futures::io::copy(input, &mut output).await.unwrap();
            output.close().await.unwrap();
        });
    }
}

#[tokio::test]
async fn the_crate_yamux_understands_what_is_sent() {
    for (side, mode) in [(Side::Dialer, yamux::Mode::Server), (Side::Listener, yamux::Mode::Client)] {
        let (one, other) = tokio::io::duplex(100_000);
        tokio::spawn(stock_echo(other.compat(), mode));
        let mut muxer = Muxer::new(one.compat(), side);
        let mut all = tokio::task::JoinSet::new();
        for n in 1..10_usize {
            let bytes = (0..n * 200_111).map(|at| (at * (n + 1)) as u8).collect();
            all.spawn(echoed(stream(&mut muxer).await, bytes));
        }
        all.join_all().await;
    }
}

#[tokio::test]
async fn what_the_crate_yamux_sends_is_understood() {
    let (one, other) = tokio::io::duplex(100_000);
    tokio::spawn(echo(Muxer::new(Counting(one.compat(), Arc::default()), Side::Listener)));
    let mut stock = yamux::Connection::new(other.compat(), yamux::Config::default(), yamux::Mode::Client);
    let mut all = tokio::task::JoinSet::new();
    for n in 1..10_usize {
        let stream = poll_fn(|cx| stock.poll_new_outbound(cx)).await.unwrap();
        let bytes = (0..n * 200_111).map(|at| (at * (n + 1)) as u8).collect();
        all.spawn(echoed(stream, bytes));
    }
    tokio::spawn(async move { while poll_fn(|cx| stock.poll_next_inbound(cx)).await.is_some() {} });
    all.join_all().await;
}

/// The listening end, and the wire to it.
fn wire() -> (Muxer<Compat<tokio::io::DuplexStream>>, Compat<tokio::io::DuplexStream>) {
    let (one, other) = tokio::io::duplex(1 << 20);
    (Muxer::new(one.compat(), Side::Listener), other.compat())
}

async fn say(wire: &mut Compat<tokio::io::DuplexStream>, header: Header) {
    wire.write_all(&header.encode()).await.unwrap();
}

async fn next_frame(wire: &mut Compat<tokio::io::DuplexStream>) -> Header {
    let mut bytes = [0; HEADER];
    wire.read_exact(&mut bytes).await.unwrap();
    Header::decode(&bytes).unwrap()
}

#[tokio::test]
async fn a_body_arrives_as_it_comes() {
    let (mut muxer, mut wire) = wire();
    say(&mut wire, Header::new(Kind::Data, SYN, 1, 10)).await;
    wire.write_all(b"hel").await.unwrap();
    let mut stream = poll_fn(|cx| Pin::new(&mut muxer).poll_inbound(cx)).await.unwrap();
    let mut three = [0; 3];
    stream.read_exact(&mut three).await.unwrap();
    assert_eq!(&three, b"hel", "before the rest was sent");
    wire.write_all(b"lo you!").await.unwrap();
    let mut rest = [0; 7];
    stream.read_exact(&mut rest).await.unwrap();
    assert_eq!(&rest, b"lo you!");
}

/// Notes for how many bytes the connection was asked each time.
struct Noting(Compat<tokio::io::DuplexStream>, Arc<Mutex<Vec<usize>>>);

impl AsyncRead for Noting {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        self.1.lock().unwrap().push(into.len());
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Noting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

#[tokio::test]
async fn each_piece_of_a_slow_body_goes_straight_to_its_reader() {
    const PIECE: usize = 1001;
    const PIECES: usize = 20;
    let (one, other) = tokio::io::duplex(1 << 20);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let mut muxer = Muxer::new(Noting(one.compat(), asked.clone()), Side::Listener);
    let mut wire = other.compat();
    say(&mut wire, Header::new(Kind::Data, SYN, 1, (PIECE * PIECES) as u32)).await;
    let mut stream = poll_fn(|cx| Pin::new(&mut muxer).poll_inbound(cx)).await.unwrap();
    let (came, mut pieces) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        for _ in 0..PIECES {
            let mut piece = [0; PIECE];
            stream.read_exact(&mut piece).await.unwrap();
            came.send(piece[0]).unwrap();
        }
        stream
    });
    for n in 0..PIECES as u8 {
        // The reader waits for the next one by now.
        tokio::task::yield_now().await;
        wire.write_all(&[n; PIECE]).await.unwrap();
        assert_eq!(pieces.recv().await, Some(n));
    }
    let others = asked.lock().unwrap().iter().filter(|len| **len > HEADER && **len != PIECE).count();
    // It does so while nobody waits, at the start.
    assert!(others < PIECES / 4, "{others} times the connection's own task read of the body");
}

#[tokio::test]
async fn a_reader_that_went_away_within_a_frame_holds_no_other_stream_up() {
    let (mut muxer, mut wire) = wire();
    for id in [1, 3] {
        say(&mut wire, Header::new(Kind::WindowUpdate, SYN, id, 0)).await;
    }
    let mut first = poll_fn(|cx| Pin::new(&mut muxer).poll_inbound(cx)).await.unwrap();
    let mut second = poll_fn(|cx| Pin::new(&mut muxer).poll_inbound(cx)).await.unwrap();
    say(&mut wire, Header::new(Kind::Data, 0, 1, 7)).await;
    wire.write_all(b"now").await.unwrap();
    let mut now = [0; 3];
    first.read_exact(&mut now).await.unwrap();
    // It waits for more, and does not come when it is woken.
    assert!(futures::poll!(first.read(&mut [0; 8])).is_pending());
    wire.write_all(b"late").await.unwrap();
    say(&mut wire, Header::new(Kind::Data, 0, 3, 5)).await;
    wire.write_all(b"found").await.unwrap();
    let mut found = [0; 5];
    second.read_exact(&mut found).await.unwrap();
    assert_eq!(&found, b"found");
    let mut late = [0; 4];
    first.read_exact(&mut late).await.unwrap();
    assert_eq!(&late, b"late");
}

#[tokio::test]
async fn a_reader_that_went_away_holds_no_other_stream_up() {
    let (mut muxer, mut wire) = wire();
    for id in [1, 3] {
        say(&mut wire, Header::new(Kind::WindowUpdate, SYN, id, 0)).await;
    }
    let mut first = poll_fn(|cx| Pin::new(&mut muxer).poll_inbound(cx)).await.unwrap();
    let mut second = poll_fn(|cx| Pin::new(&mut muxer).poll_inbound(cx)).await.unwrap();
    // It waits, and does not come when it is woken.
    assert!(futures::poll!(first.read(&mut [0; 8])).is_pending());
    say(&mut wire, Header::new(Kind::Data, 0, 1, 4)).await;
    wire.write_all(b"lost").await.unwrap();
    say(&mut wire, Header::new(Kind::Data, 0, 3, 5)).await;
    wire.write_all(b"found").await.unwrap();
    let mut found = [0; 5];
    second.read_exact(&mut found).await.unwrap();
    assert_eq!(&found, b"found");
    let mut late = [0; 4];
    first.read_exact(&mut late).await.unwrap();
    assert_eq!(&late, b"lost", "it was kept");
}

#[tokio::test]
async fn bytes_for_a_stream_that_is_gone_are_thrown_away() {
    let (mut muxer, mut wire) = wire();
    say(&mut wire, Header::new(Kind::WindowUpdate, SYN, 1, 0)).await;
    drop(poll_fn(|cx| Pin::new(&mut muxer).poll_inbound(cx)).await.unwrap());
    say(&mut wire, Header::new(Kind::Data, 0, 1, 100_000)).await;
    wire.write_all(&[0; 100_000]).await.unwrap();
    say(&mut wire, Header::new(Kind::Data, SYN, 3, 2)).await;
    wire.write_all(b"hi").await.unwrap();
    let mut stream = poll_fn(|cx| Pin::new(&mut muxer).poll_inbound(cx)).await.unwrap();
    let mut hi = [0; 2];
    stream.read_exact(&mut hi).await.unwrap();
    assert_eq!(&hi, b"hi");
}

#[tokio::test]
async fn a_side_that_breaks_the_protocol_loses_its_connection() {
    let breaks: [&[Header]; 6] = [
        &[Header::new(Kind::Data, SYN, 2, 0)],
        &[Header::new(Kind::Data, SYN, 0, 0)],
        &[Header::new(Kind::Data, SYN, 1, 0), Header::new(Kind::Data, SYN, 1, 0)],
        &[Header::new(Kind::Data, SYN, 1, WINDOW + 1)],
        &[Header::new(Kind::WindowUpdate, SYN, 1, u32::MAX)],
        &[Header::new(Kind::Ping, ACK, 0, 7)],
    ];
    for headers in breaks {
        let (mut muxer, mut wire) = wire();
        for header in headers {
            say(&mut wire, *header).await;
        }
        let ended = poll_fn(|cx| Pin::new(&mut muxer).poll(cx)).await;
        assert_eq!(ended.err().map(|error| error.kind()), Some(io::ErrorKind::InvalidData), "{headers:?}");
    }
    let (mut muxer, mut wire) = wire();
    wire.write_all(&[9; HEADER]).await.unwrap();
    assert!(poll_fn(|cx| Pin::new(&mut muxer).poll(cx)).await.is_err());
}

#[tokio::test]
async fn no_more_streams_may_stand_than_is_said() {
    let (mut muxer, mut wire) = wire();
    let mut kept = Vec::new();
    for n in 0..STREAMS as u32 {
        say(&mut wire, Header::new(Kind::Data, SYN, 2 * n + 1, 0)).await;
        kept.push(poll_fn(|cx| Pin::new(&mut muxer).poll_inbound(cx)).await.unwrap());
    }
    let opening = tokio::spawn(async move {
        let ours = poll_fn(|cx| Pin::new(&mut muxer).poll_outbound(cx)).await;
        (ours.unwrap(), muxer)
    });
    tokio::task::yield_now().await;
    assert!(!opening.is_finished());
    kept.pop();
    let (ours, mut muxer) = opening.await.unwrap();
    say(&mut wire, Header::new(Kind::Data, SYN, 5001, 0)).await;
    assert!(poll_fn(|cx| Pin::new(&mut muxer).poll(cx)).await.is_err());
    drop(ours);
}

#[tokio::test]
async fn streams_that_nobody_takes_are_closed() {
    let (_muxer, mut wire) = wire();
    for n in 0..300 {
        say(&mut wire, Header::new(Kind::Data, SYN, 2 * n + 1, 0)).await;
    }
    let broken = loop {
        let frame = next_frame(&mut wire).await;
        if frame.kind == Kind::Data {
            break frame;
        }
    };
    assert_eq!((broken.stream, broken.has(RST)), (513, true));
}

#[tokio::test]
async fn a_side_that_only_asks_is_not_read_for_ever() {
    let (_muxer, mut wire) = wire();
    let ping = Header::new(Kind::Ping, SYN, 0, 1).encode().repeat(1000);
    let mut said = 0;
    // Answers wait until the wire takes them: a megabyte, and what waits before it.
    let more = async {
        while said < 16 << 20 {
            wire.write_all(&ping).await.unwrap();
            said += ping.len();
        }
    };
    let stuck = tokio::select! {
        biased;
        () = more => false,
        // Whatever can be done is done when nothing but this is left.
        () = async { for _ in 0..100_000 { tokio::task::yield_now().await; } } => true,
    };
    assert!(stuck, "{said} bytes of questions were read");
}

#[tokio::test]
async fn each_of_two_writers_gets_its_turn() {
    let (one, other) = tokio::io::duplex(32 << 10);
    let mut muxer = Muxer::new(one.compat(), Side::Dialer);
    let mut wire = other.compat();
    let (sent, mut counts) = (100 * FRAME, [0_usize; 2]);
    for _ in 0..2 {
        let mut stream = stream(&mut muxer).await;
        tokio::spawn(async move { stream.write_all(&vec![0; sent]).await });
    }
    while counts.iter().sum::<usize>() < 60 * FRAME {
        let frame = next_frame(&mut wire).await;
        if frame.kind == Kind::Data {
            wire.read_exact(&mut vec![0; frame.length as usize]).await.unwrap();
            counts[(frame.stream / 2) as usize] += frame.length as usize;
            say(&mut wire, Header::new(Kind::WindowUpdate, 0, frame.stream, frame.length)).await;
        }
    }
    let (least, most) = (counts[0].min(counts[1]), counts[0].max(counts[1]));
    assert!(most <= 3 * least, "{counts:?}");
}

#[tokio::test]
async fn a_stream_that_was_reset_takes_nothing_more_and_ends() {
    let (mut muxer, mut wire) = wire();
    say(&mut wire, Header::new(Kind::WindowUpdate, SYN, 1, 0)).await;
    let mut stream = poll_fn(|cx| Pin::new(&mut muxer).poll_inbound(cx)).await.unwrap();
    say(&mut wire, Header::new(Kind::Data, RST, 1, 0)).await;
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(stream.write(&[0; 1]).await.is_err());
}
