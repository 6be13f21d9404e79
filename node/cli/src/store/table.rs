//! What is stored, for people.

use shoal_api::Client;
use shoal_api::model::{StoreInfo, StoredInfo};

use super::super::error::{CliError, Exit};
use super::super::human;
use super::super::output::Output;
use super::super::show::Table;
use super::placing::time_left;

/// Characters of a peer's id that tell it apart, from its end.
const SHORT: usize = 8;

/// Lists what the node keeps for others, and what others keep for it.
pub(crate) async fn stored(client: &Client, output: &Output) -> Result<Exit, CliError> {
    let store = client.store().await?;
    output.data(&store, || text(&store))?;
    Ok(Exit::Done)
}

fn text(store: &StoreInfo) -> String {
    let given = match store.donated {
        0 => "this node keeps nothing for others (--donate SIZE would)".to_owned(),
        donated => format!("{} of {} for others used", human::bytes(store.used), human::bytes(donated)),
    };
    let members = human::count(store.members as u64, "other node");
    let head = format!("{given}; {members} known, {} of them give space", store.willing);
    if store.contents.is_empty() {
        return head;
    }
    let mut table = Table::new(&["name", ">size", "here", "why", ">kept by", "still for", "content"]);
    for it in &store.contents {
        table.row([
            it.name.clone(),
            human::bytes(it.size),
            it.state.clone(),
            why(it),
            format!("{} of {}", it.holders.len() + usize::from(it.state == "held"), it.copies),
            time_left(it.expires),
            it.content.clone(),
        ]);
    }
    format!("{head}\n\n{}", table.text())
}

fn why(it: &StoredInfo) -> String {
    let owner = it.owners.first().map(String::as_str).unwrap_or_default();
    let short = owner.get(owner.len().saturating_sub(SHORT)..).unwrap_or(owner);
    match (it.owned, it.owners.len()) {
        (true, 0 | 1) => "yours".to_owned(),
        (true, others) => format!("yours, and for {} more", others - 1),
        (false, 0 | 1) => format!("for …{short}"),
        (false, others) => format!("for …{short} and {} more", others - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_shown_with_why_and_no_name_breaks_a_line() {
        let content = StoredInfo {
            content: "bafyrei".into(),
            name: "a\nb\u{1b}".into(),
            size: 1 << 20,
            copies: 3,
            expires: 0,
            state: "held".into(),
            owned: false,
            owners: vec!["12D3KooWabcdefgh".into()],
            holders: vec!["x".into()],
            proven: 1,
        };
        let store =
            StoreInfo { donated: 1 << 30, used: 1 << 20, members: 2, willing: 1, contents: vec![content] };
        let text = text(&store);
        assert!(text.contains("for …abcdefgh") && text.contains("2 of 3"), "{text}");
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(!text.contains('\u{1b}'));
        assert!(super::text(&StoreInfo::default()).contains("--donate"));
    }
}
