//! Words of the store.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use futures::FutureExt;

use super::super::error::CliError;
use super::super::share::absolute;
use super::super::store::Placement;
use super::acts::{Doing, Stop};
use super::state::Shell;

/// Copies, and for how long, unless told otherwise.
const COPIES: u8 = 3;
const KEEP: Duration = Duration::from_secs(30 * 24 * 3600);

pub(super) fn store<'a>(shell: &'a Shell, args: &'a [String], stop: &'a Stop) -> Doing<'a> {
    async move {
        let copies = args.get(1).map_or(Ok(COPIES), |text| text.parse());
        let copies = copies.map_err(|_| CliError::usage(anyhow!("COPIES is a number from 1 to 16")))?;
        let paths = absolute(&[PathBuf::from(&args[0])])?;
        let it = Placement { paths, name: None, copies, keep: KEEP, waits: true, is_own: false };
        super::super::store::store(shell.client(), &it, &shell.output, stop).await
    }
    .boxed()
}

pub(super) fn request<'a>(shell: &'a Shell, args: &'a [String], stop: &'a Stop) -> Doing<'a> {
    async move {
        let dir = args.get(1).map_or_else(|| shell.dir.clone(), PathBuf::from);
        let dir = absolute(&[dir])?.remove(0);
        super::super::store::request(shell.client(), &args[0], dir, false, &shell.output, stop).await
    }
    .boxed()
}

pub(super) fn stored<'a>(shell: &'a Shell, _: &'a [String], _: &'a Stop) -> Doing<'a> {
    super::super::store::stored(shell.client(), &shell.output).boxed()
}

pub(super) fn end_stored<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    super::super::store::end(shell.client(), &args[0], &shell.output).boxed()
}
