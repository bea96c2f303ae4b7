//! Text of users: which characters are visible, how a search compares texts, and where a text may be cut.

use caseless::Caseless;
use icu_properties::CodePointSetData;
use icu_properties::props::{DefaultIgnorableCodePoint, WhiteSpace};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// Characters that show nothing and have neither of the two Unicode properties: blank Braille, interlinear annotations, the Khitan filler and
/// the musical null notehead.
const INVISIBLE: [char; 6] = ['\u{2800}', '\u{fff9}', '\u{fffa}', '\u{fffb}', '\u{16fe4}', '\u{1d159}'];

/// The allowed schemes of links.
const LINK_SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];

/// Whether a character is invisible (`White_Space`, `Default_Ignorable_Code_Point`, controls).
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || CodePointSetData::new::<WhiteSpace>().contains(character)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
        || INVISIBLE.contains(&character)
}

/// Whether a text has no visible character.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_invisible)
}

/// A text in Unicode's Normalization Form C: equivalent texts have equal bytes.
pub fn nfc(text: &str) -> String {
    text.nfc().collect()
}

/// A text in the form that searches compare: NFC, case-folded, with single spaces.
pub fn folded(text: &str) -> String {
    let folded: String = text.chars().nfd().default_case_fold().nfc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The beginning of a text, at most `max` code points. It ends between grapheme clusters, unless the first cluster alone is longer.
pub fn excerpt(text: &str, max: usize) -> &str {
    let (mut end, mut count) = (0, 0);
    for (start, cluster) in text.grapheme_indices(true) {
        count += cluster.chars().count();
        if count > max {
            break;
        }
        end = start + cluster.len();
    }
    if end == 0 {
        end = text.char_indices().nth(max).map_or(text.len(), |(index, _)| index);
    }
    &text[..end]
}

/// The scheme of a URI reference (RFC 3986, section 3.1).
fn scheme(reference: &str) -> Option<&str> {
    let (scheme, _) = reference.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|character| character.is_ascii_alphanumeric() || ['+', '-', '.'].contains(&character));
    is_scheme.then_some(scheme)
}

/// Whether a text may be a link: no control character, and no scheme that a browser would run.
pub fn is_link(text: &str) -> bool {
    // Browsers ignore spaces in front and control characters anywhere before they look for a scheme.
    !text.chars().any(char::is_control)
        && scheme(text.trim_start()).is_none_or(|scheme| LINK_SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme)))
}

/// Whether a text is a plain object-store key: no scheme, no leading slash or backslash, no `..`, no invisible character at either end.
pub fn is_object_key(text: &str) -> bool {
    let is_edge_visible = |character: Option<char>| character.is_some_and(|character| !is_invisible(character));
    is_edge_visible(text.chars().next())
        && is_edge_visible(text.chars().next_back())
        && !text.starts_with(['/', '\\'])
        && !text.contains("..")
        && !text.chars().any(char::is_control)
        && scheme(text).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_without_anything_visible_are_blank() {
        for blank in [
            "",
            " \t\n",
            "\u{200b}",
            "\u{2800}",
            "\u{ad}",
            "\u{202e}",
            "\u{feff}\u{3164}",
            "\u{115f}\u{1160}\u{ffa0}",
            "\u{e0061}",
            "\u{1}\u{7f}",
            "\u{34f}\u{180e}",
            "\u{fe0f}\u{200d}",
            "\u{2028}\u{85}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for visible in ["a", " . ", "\u{200b}x", "é", "e\u{301}", "❤", "١", "中", "-", "_", "🏳\u{fe0f}\u{200d}🌈"] {
            assert!(!is_blank(visible), "{visible:?}");
        }
    }

    #[test]
    fn a_search_finds_a_name_in_any_form_and_case() {
        assert_eq!(folded("  Zoe\u{301}  STRASSE "), folded("zoé straße"));
        assert_eq!(folded("\u{212b}ngstro\u{308}m"), folded("ångström"));
        assert_eq!(nfc("e\u{301}"), "\u{e9}");
    }

    #[test]
    fn an_excerpt_ends_between_grapheme_clusters() {
        let family = "👨\u{200d}👩\u{200d}👧";
        assert_eq!(excerpt(&format!("ab{family}"), 4), "ab");
        assert_eq!(excerpt(&format!("ab{family}"), 7), format!("ab{family}"));
        assert_eq!(excerpt("ae\u{301}b", 2), "a");
        assert_eq!(excerpt("abc", 5), "abc");
        assert_eq!(excerpt("", 5), "");
        // A first cluster that is longer than the excerpt is cut.
        assert_eq!(excerpt("e\u{301}\u{302}\u{303}", 2), "e\u{301}");
    }

    #[test]
    fn links_with_executable_schemes_are_refused() {
        for bad in [
            "javascript:alert(1)",
            "JaVaScRiPt:x",
            " javascript:x",
            "\u{1}javascript:x",
            "java\tscript:x",
            "data:text/html,x",
            "vbscript:x",
            "blob:x",
            "file:///etc/passwd",
        ] {
            assert!(!is_link(bad), "{bad:?}");
            assert!(!is_object_key(bad), "{bad:?}");
        }
        for link in ["https://x.test/b", "HTTP://x.test", "mailto:a@b.test", "tel:+1", "a/b.png", "/a", "", "12:30.png", "a/b:c"] {
            assert!(is_link(link), "{link:?}");
        }
        for key in ["public/dms/a_b/chat_uploads/ä b.png", "12:30.png", "a/b:c", "x"] {
            assert!(is_object_key(key), "{key:?}");
        }
        for bad in ["", "/a", "\\a", "a/../b", "https:/evil", "//evil.example/x.png", "a\u{0}b", "a\r\nb", " a", "a ", "\u{200b}a", "s3:x"] {
            assert!(!is_object_key(bad), "{bad:?}");
        }
    }
}
