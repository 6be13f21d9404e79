//! Writes events to a file, by a thread of its own.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use super::format::LogEvent;
use super::rotating::RotatingFile;

/// Events that may wait for the disk.
const WAITING: usize = 4096;
/// Events that are written at once, at most.
const AT_ONCE: usize = 256;
/// How large a file may become, in bytes.
const MOST: u64 = 64 << 20;
/// How long to wait before a disk that took nothing is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Takes events; cheap to clone. Never waits.
#[derive(Clone)]
pub struct ActivitySender {
    events: SyncSender<LogEvent>,
    lost: Arc<AtomicU64>,
}

impl ActivitySender {
    /// Writes an event soon, or counts it as lost if too many wait.
    pub fn log(&self, event: LogEvent) {
        if self.events.try_send(event).is_err() {
            self.lose(1);
        }
    }

    /// Counts events that did not even come here.
    pub fn lose(&self, events: u64) {
        self.lost.fetch_add(events, Ordering::Relaxed);
    }
}

/// A log that is written. Dropping it writes what waits, once every [`ActivitySender`] is gone.
pub struct ActivityLog {
    sender: Option<ActivitySender>,
    thread: Option<JoinHandle<()>>,
}

impl ActivityLog {
    /// Opens the file, or makes it. Fails if it cannot be written to now; later failures are waited out.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        Self::open_with(path, MOST)
    }

    /// `most`: how large a file may become, in bytes.
    fn open_with(path: PathBuf, most: u64) -> io::Result<Self> {
        let file = RotatingFile::open(path, most)?;
        let (sender, events) = sync_channel(WAITING);
        let lost = Arc::<AtomicU64>::default();
        let writer = Writer { file, events, lost: lost.clone() };
        let thread = std::thread::Builder::new().name("activity log".into()).spawn(|| writer.run())?;
        Ok(Self { sender: Some(ActivitySender { events: sender, lost }), thread: Some(thread) })
    }

    /// Where events go.
    pub fn sender(&self) -> ActivitySender {
        self.sender.clone().expect("it is taken only when this is dropped")
    }
}

impl Drop for ActivityLog {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            // Err would be a panic of the writer, which has nothing that could.
            let _ = thread.join();
        }
    }
}

struct Writer<F> {
    file: F,
    events: Receiver<LogEvent>,
    lost: Arc<AtomicU64>,
}

/// Where lines go. All of them, or none with an error.
trait Lines {
    fn append(&mut self, lines: &[u8]) -> io::Result<()>;
}

impl Lines for RotatingFile {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        Self::append(self, lines)
    }
}

impl<F: Lines> Writer<F> {
    /// Writes until nobody is left that could log.
    fn run(mut self) {
        loop {
            match self.events.recv_timeout(AGAIN) {
                Ok(first) => self.write_with(first),
                Err(RecvTimeoutError::Timeout) => self.tell_lost(),
                Err(RecvTimeoutError::Disconnected) => return self.tell_lost(),
            }
        }
    }

    fn write_with(&mut self, first: LogEvent) {
        self.tell_lost();
        let mut lines = first.line();
        let mut count = 1;
        while count < AT_ONCE
            && let Ok(event) = self.events.try_recv()
        {
            lines += &event.line();
            count += 1;
        }
        if let Err(error) = self.file.append(lines.as_bytes()) {
            tracing::debug!(%error, "the activity log takes nothing");
            self.lost.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    /// Writes how many events were lost, if some were. If that fails too, it is told later.
    fn tell_lost(&mut self) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let event = || LogEvent::new(SystemTime::now(), "lost").with("events", lost);
        if lost > 0 && self.file.append(event().line().as_bytes()).is_err() {
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A disk that is full for as many writes as a test likes.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(usize, String)>>);

    impl Lines for Disk {
        fn append(&mut self, lines: &[u8]) -> io::Result<()> {
            let (failures, text) = &mut *self.0.lock().unwrap();
            if *failures > 0 {
                *failures -= 1;
                return Err(io::ErrorKind::StorageFull.into());
            }
            text.push_str(std::str::from_utf8(lines).unwrap());
            Ok(())
        }
    }

    fn event(n: u64) -> LogEvent {
        LogEvent::new(SystemTime::UNIX_EPOCH, "test").with("n", n)
    }

    fn values(text: &str) -> Vec<serde_json::Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn writer(disk: &Disk, room: usize) -> (ActivitySender, Writer<Disk>) {
        let (events, receiver) = sync_channel(room);
        let lost = Arc::<AtomicU64>::default();
        let writer = Writer { file: disk.clone(), events: receiver, lost: lost.clone() };
        (ActivitySender { events, lost }, writer)
    }

    #[test]
    fn what_finds_no_room_is_counted_and_the_number_is_written() {
        let disk = Disk::default();
        let (sender, writer) = writer(&disk, 2);
        (0..5).for_each(|n| sender.log(event(n)));
        sender.lose(4);
        drop(sender);
        writer.run();
        let lines = values(&disk.0.lock().unwrap().1);
        let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["lost", "test", "test"]);
        assert_eq!(lines[0]["events"], 7);
    }

    #[test]
    fn after_a_full_disk_it_goes_on_and_says_what_is_missing() {
        let disk = Disk::default();
        disk.0.lock().unwrap().0 = 3;
        let (sender, mut writer) = writer(&disk, 8);
        for n in 0..2 {
            writer.write_with(event(n));
        }
        assert_eq!(disk.0.lock().unwrap().1, "");
        sender.log(event(2));
        drop(sender);
        writer.run();
        let lines = values(&disk.0.lock().unwrap().1);
        assert_eq!((&lines[0]["event"], &lines[0]["events"]), (&"lost".into(), &2.into()), "{lines:?}");
        assert_eq!(lines[1]["n"], 2);
    }

    #[test]
    fn all_is_written_before_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = ActivityLog::open_with(path.clone(), 1 << 20).unwrap();
        let sender = log.sender();
        (0..1000).for_each(|n| sender.log(event(n)));
        drop(sender);
        drop(log);
        let lines = values(&std::fs::read_to_string(&path).unwrap());
        assert_eq!(
            lines.iter().map(|line| line["n"].as_u64().unwrap()).collect::<Vec<_>>(),
            (0..1000).collect::<Vec<_>>()
        );
    }
}
