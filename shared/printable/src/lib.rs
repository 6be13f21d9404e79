//! Text from elsewhere, made fit for a terminal or a log.
//!
//! What this is not: it does not judge whether a text is a good name, and translates nothing. What always holds: what
//! comes out moves no cursor, hides nothing and turns no line round.

use std::fmt;

/// Shows a string with everything escaped that could move a cursor, hide text or reverse it: control
/// characters, line and paragraph separators, and the bidirectional controls. Letters of any script
/// stay as they are. At most 512 characters are shown; a cut is marked with `…`.
#[derive(Debug, Clone, Copy)]
pub struct Printable<'a>(pub &'a str);

const SHOWN: usize = 512;

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for (n, c) in self.0.chars().enumerate() {
            if n == SHOWN {
                return f.write_char('…');
            }
            if is_unprintable(c) { write!(f, "{}", c.escape_unicode())? } else { f.write_char(c)? }
        }
        Ok(())
    }
}

/// Bytes that should be text, as a text with the same things escaped as in [`Printable`], and what is not UTF-8 as
/// `\xNN`.
pub fn printable_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for piece in bytes.utf8_chunks() {
        text += piece.valid();
        text.extend(piece.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    Printable(&text).to_string()
}

/// A whole text with the same things escaped as in [`Printable`], but for line feeds and tabs.
pub fn escaped(text: &str) -> String {
    escape(text, |c| !matches!(c, '\n' | '\t'), |c, shown| shown.extend(c.escape_unicode()))
}

/// A whole text as one line, with the same things escaped as in [`Printable`].
pub fn escaped_line(text: &str) -> String {
    escape(text, |_| true, |c, shown| shown.extend(c.escape_unicode()))
}

/// JSON of one line with the same things written as JSON's own escapes, so that it says the same. They stand in strings
/// alone.
pub fn escaped_json(json: &str) -> String {
    let unit = |unit: &u16| format!("\\u{unit:04x}");
    escape(json, |_| true, |c, shown| shown.extend(c.encode_utf16(&mut [0; 2]).iter().map(unit)))
}

/// Writes what is unprintable and also `counts` by `write`, the rest as it is.
fn escape(text: &str, counts: impl Fn(char) -> bool, write: impl Fn(char, &mut String)) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unprintable(c) && counts(c) { write(c, &mut shown) } else { shown.push(c) }
    }
    shown
}

/// Whether a character may change how the text around it is shown.
pub fn is_unprintable(c: char) -> bool {
    c.is_control() || is_bidi_control(c) || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// The explicit bidirectional formatting characters of Unicode (UAX #9, table "Explicit Directional
/// Embedding, Override and Isolate", and the implicit marks).
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_can_be_told_apart() {
        assert_eq!(printable_bytes("a\u{1b}名".as_bytes()), "a\\u{1b}名");
        assert_eq!(printable_bytes(b"a\xff\xfeb"), "a\\xff\\xfeb");
    }

    #[test]
    fn escapes_what_moves_the_cursor_and_keeps_scripts() {
        assert_eq!(Printable("a\u{1b}[2Jb").to_string(), "a\\u{1b}[2Jb");
        assert_eq!(Printable("x\u{202e}y").to_string(), "x\\u{202e}y");
        assert_eq!(Printable("名前 имя نام").to_string(), "名前 имя نام");
        assert_eq!(escaped("a\u{1b}[2J\n\tb\r\u{202e}"), "a\\u{1b}[2J\n\tb\\u{d}\\u{202e}");
        assert_eq!(escaped_line("a\u{1b}[2J\n\tb\u{9b}"), "a\\u{1b}[2J\\u{a}\\u{9}b\\u{9b}");
        assert_eq!(escaped_json("\"a\u{9b}\u{202e}é\""), "\"a\\u009b\\u202eé\"");
        assert_eq!(Printable(&"a".repeat(600)).to_string().chars().count(), 513);
    }
}
