//! Strangers' text on a terminal.

use serde::Serialize;

/// Makes harmless what a stranger may have put into a name for a terminal to obey.
pub fn plain(name: &str) -> String {
    escaped(name, |c| c.escape_default().to_string())
}

/// Makes text of bytes that should be UTF-8 and need not be, so that no two become the same: others stand
/// as `\xff`, and a backslash is doubled.
pub fn octets(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(&chunk.valid().replace('\\', r"\\"));
        text.push_str(&chunk.invalid().escape_ascii().to_string());
    }
    text
}

/// Makes one line of JSON that is as harmless, and the same to a program.
///
/// # Errors
///
/// If `value` cannot be JSON.
pub fn json(value: &impl Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string(value)?;
    // Such characters stand in strings only, and all of them have four digits.
    Ok(escaped(&text, |c| format!("\\u{:04x}", u32::from(c))))
}

fn escaped(text: &str, escape: impl Fn(char) -> String) -> String {
    text.chars()
        .map(|c| {
            if is_obeyed(c) {
                escape(c)
            } else {
                c.to_string()
            }
        })
        .collect()
}

/// Those that change the direction of writing are no control characters.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_apart() {
        for (bytes, text) in [
            (&b"device"[..], "device"),
            ("gerät".as_bytes(), "gerät"),
            (b"", ""),
            (b"\xff", r"\xff"),
            (b"\xfe\xffa", r"\xfe\xffa"),
            (br"\xff", r"\\xff"),
            ("\u{fffd}".as_bytes(), "\u{fffd}"),
            (b"\xe2\x82", r"\xe2\x82"),
        ] {
            assert_eq!(octets(bytes), text);
        }
    }

    #[test]
    fn a_name_does_nothing_to_a_terminal() {
        let name = "CN=\u{1b}[2J\u{9b}1m\n\u{202e}O'Brien \"ä\"";
        let shown = plain(name);
        assert_eq!(shown, "CN=\\u{1b}[2J\\u{9b}1m\\n\\u{202e}O'Brien \"ä\"");
        let line = json(&name).unwrap();
        assert_eq!(line, r#""CN=\u001b[2J\u009b1m\n\u202eO'Brien \"ä\"""#);
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), name);
    }
}
