//! Text from elsewhere on its way to a terminal or a log.

use shoal_printable::{Printable, escaped, escaped_json, escaped_line, printable_bytes};

use super::oracle::assert_shows_plainly;

pub(super) fn all(bytes: &[u8]) {
    assert_shows_plainly(&printable_bytes(bytes));
    let text = String::from_utf8_lossy(bytes);
    let shown = Printable(&text).to_string();
    assert_shows_plainly(&shown);
    assert!(shown.chars().count() <= 512 * 10 + 1);
    assert_shows_plainly(&escaped_line(&text));
    assert_shows_plainly(&escaped(&text).replace(['\n', '\t'], ""));
    // JSON says the same afterwards.
    let json = serde_json::to_string(&*text).expect("a text is JSON");
    let safe = escaped_json(&json);
    assert_shows_plainly(&safe);
    assert_eq!(serde_json::from_str::<String>(&safe).expect("it is JSON still"), text);
}
