//! E-mail addresses of accounts.

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use serde_json::{Value, json};
use shared_utils::fields::TextSchema;
use shared_utils::text::{is_invisible, nfc};

/// The longest address, in bytes (RFC 5321, section 4.5.3.1).
const MAX_BYTES: usize = 254;

/// A valid e-mail address: trimmed, in lower case and in NFC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

/// The error detail for a malformed address.
pub(crate) const MALFORMED_ADDRESS: &str = "This must be an e-mail address, such as ana@example.com.";

/// The text is not a valid e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{MALFORMED_ADDRESS}")]
pub struct MalformedAddress;

/// The normalized form in which addresses are stored and looked up.
pub(crate) fn normalized(email: &str) -> String {
    nfc(&email.trim().to_lowercase())
}

impl TextSchema for Address {
    fn text_schema() -> Value {
        json!({"type": "string", "format": "email", "maxLength": MAX_BYTES})
    }
}

impl FromStr for Address {
    type Err = MalformedAddress;

    fn from_str(text: &str) -> Result<Self, MalformedAddress> {
        let address = normalized(text);
        // Quoted local parts may contain spaces. They are refused, because nobody uses them.
        let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
        let is_one = address.len() <= MAX_BYTES && !address.contains('"') && !address.chars().any(is_invisible);
        // The parser accepts any text between dots as a host.
        let is_host = |character: char| character.is_alphanumeric() || ['.', '-'].contains(&character);
        match EmailAddress::parse_with_options(&address, options) {
            Ok(parsed) if is_one && parsed.domain().chars().all(is_host) => Ok(Self(address)),
            _ => Err(MalformedAddress),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_can_be_typed_and_mailed() {
        for (text, kept) in [
            (" Ana@MYLG.test ", "ana@mylg.test"),
            ("a.b+c@mylg.test", "a.b+c@mylg.test"),
            ("o'brien@x.y.test", "o'brien@x.y.test"),
            ("zoe\u{301}@b\u{fc}ro.test", "zo\u{e9}@b\u{fc}ro.test"),
        ] {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(kept.to_owned()), "{text}");
        }
        for bad in [
            "",
            "ana",
            "@mylg.test",
            "ana@",
            "a@b@c.test",
            "a b@c.test",
            "ana@mylg.test\u{0}",
            "zw\u{200b}@mylg.test",
            "<a@b>",
            "<a@b.test>",
            "a@b..c",
            "a@b;",
            "a@b.test;",
            "a..b@c.test",
            ".a@c.test",
            "a.@c.test",
            "a@-b.test",
            "a@b-.test",
            "a@.test",
            "a@b.test.",
            "a@[127.0.0.1]",
            "Ana <a@b.test>",
            "\"a b\"@c.test",
            "a,b@c.test",
            "a@b,c.test",
            "a@b.test,c@d.test",
            "\u{202e}a@b.test",
            "a@b\u{ad}.test",
            "a@localhost",
            "a(b)@c.test",
            "a\\b@c.test",
            "mailto:a@b.test",
            "a@b_c.test",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
        assert!(format!("{}@c.test", "a".repeat(65)).parse::<Address>().is_err());
    }
}
