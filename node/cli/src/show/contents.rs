//! The library and what is in it.

use shoal_api::model::{Content, ContentStateInfo};
use shoal_printable::Printable;

use super::super::human;
use super::table::Table;

/// What is done for a content, in a word.
pub(crate) fn state(state: ContentStateInfo) -> &'static str {
    match state {
        ContentStateInfo::Looking => "looking",
        ContentStateInfo::Checking => "checking",
        ContentStateInfo::Fetching => "fetching",
        ContentStateInfo::Placing => "placing",
        ContentStateInfo::Serving => "serving",
        ContentStateInfo::Paused => "paused",
        ContentStateInfo::Ended => "ended",
        ContentStateInfo::Waiting => "waiting",
        ContentStateInfo::Failed => "failed",
    }
}

/// How much of what is wanted is here, in percent; 100 only if all of it is.
pub(crate) fn percent(content: &Content) -> u64 {
    match content.total {
        _ if content.complete => 100,
        0 => 0,
        total => (u128::from(content.done) * 100 / u128::from(total)).min(99) as u64,
    }
}

/// A content's name, as far as it is known.
pub(crate) fn name(content: &Content) -> String {
    Printable(content.name.as_deref().unwrap_or("(not known yet)")).to_string()
}

/// The library, a line for each content.
pub(crate) fn contents(all: &[Content]) -> String {
    if all.is_empty() {
        return "nothing is shared or fetched here".into();
    }
    let mut table = Table::new(&["content", "state", ">done", ">size", ">down", ">up", ">peers", "name"]);
    for it in all {
        let why = it.why.as_ref().map(|why| format!(" ({})", Printable(why))).unwrap_or_default();
        table.row([
            it.content.clone(),
            state(it.state).to_owned(),
            format!("{} %", percent(it)),
            human::bytes(it.size),
            human::rate(it.rate_down),
            human::rate(it.rate_up),
            it.peers.to_string(),
            name(it) + &why,
        ]);
    }
    table.text()
}

/// Everything about one content.
pub(crate) fn content(it: &Content) -> String {
    let mut lines = vec![
        format!("content   {}", Printable(&it.content)),
        format!("name      {}", name(it)),
        format!("state     {}{}", state(it.state), if it.complete { ", complete" } else { "" }),
        format!("size      {} ({} bytes)", human::bytes(it.size), it.size),
        format!("here      {} of {} ({} %)", human::bytes(it.done), human::bytes(it.total), percent(it)),
        format!(
            "received  {}, {} twice, {}",
            human::bytes(it.received),
            human::bytes(it.duplicate),
            human::rate(it.rate_down)
        ),
        format!("sent      {}, {}", human::bytes(it.sent), human::rate(it.rate_up)),
        format!(
            "peers     {}, who say they have it {} over",
            it.peers,
            human::count(it.copies as u64, "time")
        ),
    ];
    lines.extend((it.unavailable > 0).then(|| {
        format!("missing   {} that no connected peer has", human::count(it.unavailable as u64, "chunk"))
    }));
    lines.extend(it.why.iter().map(|why| format!("why       {}", Printable(why))));
    lines.extend(it.paths.iter().map(|path| format!("path      {}", Printable(&path.to_string_lossy()))));
    lines.join("\n")
}
