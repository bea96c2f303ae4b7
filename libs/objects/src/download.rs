//! Presigned downloads: the URL, the file name and the content type that S3 answers with.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use shared_utils::text::{excerpt, is_invisible};

/// The characters that RFC 3986 does not reserve stay. Signatures are made of this form.
pub(crate) const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// RFC 8187, `attr-char`: what `filename*` may contain as it is.
const ATTRIBUTE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The content type for everything that a browser could run.
const OPAQUE: &str = "application/octet-stream";

/// The content types that are sent as they are. None of them can run a script in a browser: no HTML, no XML, no SVG.
const SAFE: [&str; 22] = [
    "application/gzip",
    "application/json",
    "application/msword",
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/zip",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/heic",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "video/mp4",
    "video/quicktime",
    "video/webm",
];

/// The maximum size of a file name, in bytes of UTF-8. File systems allow 255: browsers may append a number.
const MAX_NAME: usize = 200;
/// The maximum size of an extension with its dot, in bytes. A longer one is part of the name.
const MAX_EXTENSION: usize = 16;
/// The name of a file whose own name has nothing left.
const NO_NAME: &str = "file";

/// The content type of a download. Parameters are dropped. Text is always `text/plain` in UTF-8, unknown types are `application/octet-stream`.
pub fn safe_content_type(content_type: &str) -> &'static str {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "text/plain" | "text/csv" | "text/markdown" => "text/plain; charset=utf-8",
        _ => SAFE.iter().find(|safe| **safe == essence).copied().unwrap_or(OPAQUE),
    }
}

/// The `Content-Disposition` of a download (RFC 6266): always an attachment, with the file's name in ASCII and in UTF-8. The result is ASCII
/// without control characters, for any name.
pub fn content_disposition(name: &str) -> String {
    let name = safe_name(name);
    let fallback: String = name.chars().map(|character| if character.is_ascii() && character != '%' { character } else { '_' }).collect();
    format!("attachment; filename=\"{fallback}\"; filename*=UTF-8''{}", utf8_percent_encode(&name, ATTRIBUTE))
}

/// A name that every file system takes, and that shows what it is. Invisible characters are removed, those that change the direction of text
/// included. Separators and quotes become `_`. Dots and spaces at the ends are removed. It is cut to 200 bytes, and keeps its extension.
pub fn safe_name(name: &str) -> String {
    let name: String = name.chars().filter_map(safe_character).collect();
    let ends = [' ', '.', JOINER, EMOJI_STYLE];
    let name = name.trim_matches(ends);
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if name.len() - dot <= MAX_EXTENSION => name.split_at(dot),
        _ => (name, ""),
    };
    let room = MAX_NAME - extension.len();
    let mut characters = room;
    while excerpt(stem, characters).len() > room {
        characters -= 1;
    }
    let stem = excerpt(stem, characters).trim_matches(ends);
    if stem.is_empty() { format!("{NO_NAME}{extension}") } else { format!("{stem}{extension}") }
}

/// Joins emoji into one.
const JOINER: char = '\u{200d}';
/// Asks for the coloured form of a character.
const EMOJI_STYLE: char = '\u{fe0f}';

fn safe_character(character: char) -> Option<char> {
    match character {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => Some('_'),
        ' ' | JOINER | EMOJI_STYLE => Some(character),
        other if other.is_control() => None,
        other if other.is_whitespace() => Some(' '),
        other if is_invisible(other) => None,
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    /// What a browser reads in a `Content-Disposition`: the quoted name, and the decoded extended name.
    fn read(header: &str) -> (String, String) {
        let rest = header.strip_prefix("attachment; filename=\"").unwrap();
        let (fallback, rest) = rest.split_once('"').unwrap();
        let extended = rest.strip_prefix("; filename*=UTF-8''").unwrap();
        assert!(!extended.contains([' ', '"', ';', '\\', '\'', ',', '(', ')']), "{extended}");
        (fallback.to_owned(), percent_decode_str(extended).decode_utf8().unwrap().into_owned())
    }

    #[test]
    fn names_are_safe_and_recognizable() {
        for (name, safe, fallback) in [
            ("plan.pdf", "plan.pdf", "plan.pdf"),
            ("Möbel & Licht.PDF", "Möbel & Licht.PDF", "M_bel & Licht.PDF"),
            ("100% (1).png", "100% (1).png", "100_ (1).png"),
            ("a\"; filename=evil.exe", "a_; filename=evil.exe", "a_; filename=evil.exe"),
            ("a\r\nSet-Cookie: x=1", "aSet-Cookie_ x=1", "aSet-Cookie_ x=1"),
            ("../../etc/passwd", "_._etc_passwd", "_._etc_passwd"),
            ("..\\..\\x.bat", "_.._x.bat", "_.._x.bat"),
            ("..", "file", "file"),
            ("", "file", "file"),
            (" . ", "file", "file"),
            ("\u{202e}\u{2066}\u{200b}", "file", "file"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe", "invoicefdp.exe"),
            (".htaccess", "htaccess", "htaccess"),
            ("a\u{a0}b\tc.txt", "a bc.txt", "a bc.txt"),
            ("👩\u{200d}🎨.webp", "👩\u{200d}🎨.webp", "___.webp"),
        ] {
            assert_eq!(read(&content_disposition(name)), (fallback.to_owned(), safe.to_owned()), "{name:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension() {
        for stem in ["a".repeat(300), "ü".repeat(300), "👩\u{200d}🎨".repeat(100), format!("a{}", "\u{301}".repeat(400))] {
            let name = safe_name(&format!("{stem}.jpeg"));
            assert!(name.len() <= MAX_NAME && name.len() > MAX_NAME - 16 && name.split('.').next_back() == Some("jpeg"), "{name}");
        }
        assert_eq!(safe_name(&format!("a.{}", "b".repeat(300))).len(), MAX_NAME);
    }

    #[test]
    fn nothing_that_runs_is_sent_with_its_type() {
        for unsafe_type in
            ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "text/javascript", "multipart/mixed", "", "x", "image/png\r\nx: y"]
        {
            assert_eq!(safe_content_type(unsafe_type), OPAQUE, "{unsafe_type}");
        }
        assert_eq!(safe_content_type("Image/PNG; x=y"), "image/png");
        assert_eq!(safe_content_type("text/plain; charset=utf-16"), "text/plain; charset=utf-8");
        assert!(SAFE.is_sorted());
    }

    proptest! {
        #[test]
        fn any_name_gives_a_header(name in any::<String>()) {
            let header = content_disposition(&name);
            prop_assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{header}");
            let (fallback, extended) = read(&header);
            for read in [&fallback, &extended] {
                prop_assert!(!read.is_empty() && read.len() <= MAX_NAME + NO_NAME.len());
                prop_assert!(!read.contains(['/', '\\', '"']) && !read.starts_with(['.', ' ']) && !read.ends_with(['.', ' ']), "{read:?}");
                prop_assert!(!read.chars().any(char::is_control));
            }
            prop_assert_eq!(safe_name(&extended), extended);
        }

        #[test]
        fn names_of_special_characters_give_a_header(name in "[\\PC\r\n\"\\\\/%;.'\u{202a}-\u{202e}\u{2066}-\u{2069} a👩\u{200d}\u{fe0f}]{0,300}") {
            let header = content_disposition(&name);
            prop_assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{header}");
            let (fallback, extended) = read(&header);
            prop_assert!(!extended.is_empty() && extended.len() <= MAX_NAME + NO_NAME.len());
            prop_assert_eq!(fallback.chars().count(), extended.chars().count());
        }
    }
}
