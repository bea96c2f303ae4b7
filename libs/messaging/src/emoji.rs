//! Emoji: Unicode's RGI set in fully-qualified form, so that each reaction has one spelling.

/// The RGI emoji, fully qualified, one per line. `build.rs` writes them from the `emojis` crate's table.
const RGI: &str = include_str!(concat!(env!("OUT_DIR"), "/rgi.txt"));
/// Variation selector 16: emoji presentation of the previous character. Spellings differ only in it.
const PRESENTATION: char = '\u{fe0f}';

/// The fully-qualified form of one emoji. `None` for anything else.
pub(crate) fn qualified(text: &str) -> Option<&'static str> {
    let is_same = |emoji: &&str| {
        let characters = |text: &str| text.chars().filter(|character| *character != PRESENTATION).collect::<Vec<_>>();
        // Most emoji differ in the first character.
        emoji.chars().next() == text.chars().next() && characters(emoji) == characters(text)
    };
    RGI.lines().find(is_same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rgi_emoji_is_accepted_unchanged() {
        assert!(RGI.lines().count() > 3_600, "{}", RGI.lines().count());
        for emoji in RGI.lines() {
            assert_eq!(qualified(emoji), Some(emoji));
        }
        assert_eq!(RGI.lines().map(str::len).max(), Some(35));
    }

    #[test]
    fn variants_of_an_emoji_are_equal() {
        for (text, emoji) in [
            ("❤", "❤\u{fe0f}"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("👁\u{200d}🗨", "👁\u{fe0f}\u{200d}🗨\u{fe0f}"),
            ("#\u{20e3}", "#\u{fe0f}\u{20e3}"),
            ("✅", "✅"),
            ("\u{1f3fd}", "\u{1f3fd}"),
        ] {
            assert_eq!(qualified(text), Some(emoji), "{text}");
        }
        for other in
            ["", "a", "<", "1", "\u{200d}", "\u{fe0f}", "❤❤", "❤ ", " ❤", "👍👍", "\u{1f3fb}\u{200d}", "ab", "🇩", "\u{fe0f}❤", "❤\u{fe0e}", "\0"]
        {
            assert_eq!(qualified(other), None, "{other:?}");
        }
    }
}
