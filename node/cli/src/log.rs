//! `shoal log`.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use shoal_daemon::{LogFilter, LogLine, LogReader};
use tokio_util::sync::CancellationToken;

use super::error::{CliError, Exit};
use super::output::Output;
use super::session::running;

/// How often a log that is followed is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Lines that are read before it is seen whether the command is to end.
const AT_ONCE: usize = 1000;

/// Read an activity log, as --activity-log writes it
///
/// Without FILE: the log of the running node. Reads the file and those that it was rotated to, the oldest first. With --json lines are passed on as they are.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The file [default: that of the running node]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Go on with what is written from now on, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Only lines about this peer: its id, or the beginning or end of that
    #[arg(long, value_name = "PEER")]
    peer: Option<String>,
    /// Only lines about this content: its id, or the beginning or end of that
    #[arg(long, value_name = "CONTENT")]
    content: Option<String>,
    /// Only lines of this event, such as connected or chunk_received
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// Only lines since this time, such as 2026-01-31T12:00:00Z, or since so long ago, such as 10m
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<SystemTime>,
}

/// Reads a time, or how long ago it was.
fn since(text: &str) -> Result<SystemTime, String> {
    let ago = humantime::parse_duration(text).ok().and_then(|ago| SystemTime::now().checked_sub(ago));
    let time = ago.or_else(|| humantime::parse_rfc3339(text).ok());
    time.ok_or_else(|| "not a time; write 2026-01-31T12:00:00Z, or how long ago, such as 10m".into())
}

pub(super) async fn run(args: Args, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
    let filter = LogFilter { peer: args.peer, content: args.content, event: args.event, since: args.since };
    let file = match args.file {
        Some(file) => file,
        None => of_running_node().await?,
    };
    let mut reader = open(&file)?;
    loop {
        let more = show(&mut reader, &filter, output)?;
        if stop.is_cancelled() || (!more && !args.follow) {
            return Ok(Exit::Done);
        }
        if !more {
            tokio::select! {
                () = stop.cancelled() => return Ok(Exit::Done),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}

/// Where the running node writes.
async fn of_running_node() -> Result<PathBuf, CliError> {
    let hint = "name the file: `shoal log FILE`; what writes one: `shoal node --activity-log FILE`, likewise share and get";
    let Some(client) = running().await? else {
        return Err(CliError::from(anyhow!("no shoal node is running whose log could be read")).hint(hint));
    };
    let file = client.node().await?.activity_log;
    file.ok_or_else(|| CliError::from(anyhow!("the running node writes no activity log")).hint(hint))
}

fn open(file: &Path) -> Result<LogReader, CliError> {
    let opened = LogReader::open(file);
    let name = shoal_printable::printable_bytes(file.as_os_str().as_encoded_bytes());
    Ok(opened.with_context(|| format!("cannot read the log '{name}'"))?)
}

/// Shows some lines. Returns whether there may be more.
fn show(reader: &mut LogReader, filter: &LogFilter, output: &Output) -> Result<bool, CliError> {
    for _ in 0..AT_ONCE {
        let Some(text) = reader.next_line().context("cannot read the log")? else { return Ok(false) };
        // What was cut off when a disk was full, or was written by something else, is no line.
        if let Some(line) = LogLine::parse(&text).filter(|line| filter.takes(line)) {
            output.passed_on(&text, || words(&line))?;
        }
    }
    Ok(true)
}

fn words(line: &LogLine) -> String {
    let [time, event] = ["time", "event"].map(|name| line.text(name).unwrap_or("-"));
    format!("{time} {event} {}", line.details())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_by_itself_or_by_how_long_ago_it_was() {
        let told = since("2026-01-31T12:00:00Z").unwrap();
        assert_eq!(humantime::format_rfc3339(told).to_string(), "2026-01-31T12:00:00Z");
        assert!(since("10m").unwrap() <= SystemTime::now() - Duration::from_secs(600));
        assert!(since("yesterday").is_err());
    }

    #[test]
    fn a_line_is_shown_with_time_and_event_first() {
        let line =
            LogLine::parse(r#"{"chunk":7,"event":"chunk_sent","time":"2026-01-31T12:00:00.000Z"}"#).unwrap();
        assert_eq!(words(&line), "2026-01-31T12:00:00.000Z chunk_sent chunk=7");
        assert_eq!(words(&LogLine::parse("{}").unwrap()), "- - ");
    }
}
