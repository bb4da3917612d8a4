//! Strangers' text on a terminal.

/// Makes harmless what a stranger may have put into a name for a terminal to obey.
pub fn plain(name: &str) -> String {
    let escape = |c: char| {
        // Those that change the direction of writing are no control characters.
        let obeyed = c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if obeyed {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    name.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_does_nothing_to_a_terminal() {
        let name = "CN=\u{1b}[2J\u{9b}1m\n\u{202e}O'Brien \"ä\"";
        let shown = plain(name);
        assert_eq!(shown, "CN=\\u{1b}[2J\\u{9b}1m\\n\\u{202e}O'Brien \"ä\"");
    }
}
