//! The map of the swarm: who is connected with whom, as far as this node sees and as others say.

use shoal_api::Client;
use shoal_api::model::MapBody;

use super::super::error::{CliError, Exit};
use super::super::output::Output;
use super::super::show;

/// How the map is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MapForm {
    /// As a table, or as one object with `--json`.
    Table,
    /// In Graphviz's language.
    Dot,
}

/// Draws the map and shows it.
pub(crate) async fn topo(
    client: &Client,
    body: &MapBody,
    form: MapForm,
    output: &Output,
) -> Result<Exit, CliError> {
    let map = client.topology(body).await?;
    match form {
        MapForm::Table => output.data(&map, || show::map(&map))?,
        MapForm::Dot => {
            if map.cut {
                output.warn("there is more: this is as far as the limits of the walk allow");
            }
            output.text(&show::dot(&map))?;
        }
    }
    Ok(Exit::Done)
}
