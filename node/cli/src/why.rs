//! `shoal why`.

use serde::Serialize;
use shoal_api::Client;
use shoal_api::model::{FindingInfo, WhyInfo};
use shoal_printable::escaped_line;

use super::error::{CliError, Exit};
use super::output::Output;
use super::session::required;

/// Contents on a page that is asked for.
const PAGE: usize = 100;

/// Say why contents of the running node do not come, or come slowly
///
/// Names what holds each back, the most important first, with the figures that speak for it and what to do. Without a content, those
/// that are not complete, or that something is wrong with.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A content of the running node: its id, the beginning of its id (at least 8 characters), or its name
    content: Option<String>,
}

impl Args {
    pub(super) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        let act = |client| async move { why(&client, self.content.as_deref(), output).await };
        required().await?.with(act).await
    }
}

/// All that is told.
#[derive(Serialize)]
struct Told {
    contents: Vec<WhyInfo>,
}

/// Shows why a content, or any, does not come.
pub(super) async fn why(client: &Client, content: Option<&str>, output: &Output) -> Result<Exit, CliError> {
    let contents = match content {
        Some(content) => vec![client.why(content).await?],
        None => all(client).await?,
    };
    let told = Told { contents };
    output.data(&told, || shown(&told.contents))?;
    Ok(Exit::Done)
}

async fn all(client: &Client) -> Result<Vec<WhyInfo>, CliError> {
    let (mut all, mut after) = (vec![], None::<String>);
    loop {
        let page = client.library_why(after.as_deref(), Some(PAGE)).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

fn shown(contents: &[WhyInfo]) -> String {
    if contents.is_empty() {
        return "all contents are complete, and nothing is wrong with them".into();
    }
    contents.iter().map(content).collect::<Vec<_>>().join("\n")
}

/// A line with its name, and one for each finding.
fn content(why: &WhyInfo) -> String {
    let mut text = match &why.name {
        Some(name) => format!("{} ({})", escaped_line(name), why.content),
        None => why.content.clone(),
    };
    text.extend(why.findings.iter().map(|finding| format!("\n  {}", sentence(finding))));
    text
}

/// A finding as a sentence.
pub(super) fn sentence(finding: &FindingInfo) -> String {
    let FindingInfo { what, because, advice, .. } = finding;
    // Words of others begin no line of their own.
    let because = escaped_line(because);
    if because.is_empty() { format!("{what} {advice}") } else { format!("{what} ({because}) {advice}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_stay_on_their_line() {
        let finding = FindingInfo {
            cause: "tracker_refuses".into(),
            normal: false,
            what: "It refuses.".into(),
            evidence: Default::default(),
            because: "it says: a\nb".into(),
            advice: "Wait.".into(),
        };
        let bare = FindingInfo { because: String::new(), ..finding.clone() };
        let why =
            WhyInfo { content: "bafy".into(), name: Some("x\ny".into()), findings: vec![finding, bare] };
        assert_eq!(
            shown(&[why]),
            "x\\u{a}y (bafy)\n  It refuses. (it says: a\\u{a}b) Wait.\n  It refuses. Wait."
        );
        assert!(shown(&[]).contains("nothing is wrong"));
    }
}
