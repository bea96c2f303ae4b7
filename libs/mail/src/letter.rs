//! What each mail says. Short, in the studio's name, as text and as HTML with the same words.

use strum::{AsRefStr, EnumIter, EnumString};

/// The studio that mails are sent for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Studio {
    name: String,
    origin: String,
}

impl Studio {
    /// A studio with this name and this frontend origin (`https://app.example.com`). The error says what is not usable.
    pub fn new(name: &str, origin: &str) -> Result<Self, &'static str> {
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            return Err("the studio's name is a text without control characters");
        }
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://localhost"));
        if host.is_none_or(|host| host.contains(['/', '?', '#', '@', '"', '<', ' '])) {
            return Err("the frontend origin is https:// and a host, without a path");
        }
        Ok(Self { name: name.trim().to_owned(), origin: origin.to_owned() })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The link to a page of the frontend. The token is in the fragment, which browsers send to no server.
    fn link(&self, page: &str, token: &str) -> String {
        format!("{}/{page}#token={token}", self.origin)
    }
}

/// The kind of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsRefStr, EnumIter, EnumString)]
#[strum(serialize_all = "camelCase")]
pub enum LetterKind {
    /// A link that sets a new password.
    PasswordReset,
    /// A link that sets the first password.
    Invitation,
    /// The password was changed.
    PasswordChanged,
    /// A link that confirms a new address, to that address.
    AddressConfirmation,
    /// The address was changed, to the old address.
    AddressChanged,
    /// A link that confirms the address of somebody who signs up.
    SignUp,
    /// Somebody signed up with the address of an account.
    AccountExists,
    /// The second factor was turned on.
    SecondFactorOn,
    /// The second factor was turned off, or taken away by an administrator.
    SecondFactorOff,
}

/// A letter: its kind, and the token of its link if the kind has a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    kind: LetterKind,
    token: Option<String>,
}

/// The words of a letter.
struct Words {
    subject: String,
    paragraphs: Vec<String>,
    /// The label and the address of the link.
    link: Option<(&'static str, String)>,
}

impl LetterKind {
    /// Whether letters of this kind have a link with a token.
    pub const fn has_link(self) -> bool {
        matches!(self, Self::PasswordReset | Self::Invitation | Self::AddressConfirmation | Self::SignUp)
    }
}

impl Letter {
    /// A letter without a link.
    pub const fn notice(kind: LetterKind) -> Self {
        Self { kind, token: None }
    }

    /// A letter with a link.
    pub const fn with_link(kind: LetterKind, token: String) -> Self {
        Self { kind, token: Some(token) }
    }

    /// Subject, text and HTML.
    pub fn written(&self, studio: &Studio) -> (String, String, String) {
        let Words { subject, paragraphs, link } = self.words(studio);
        let mut text = paragraphs.iter().map(|paragraph| format!("{paragraph}\n\n")).collect::<Vec<_>>().concat();
        let mut body = paragraphs.iter().map(|paragraph| format!("<p>{}</p>\n", escaped(paragraph))).collect::<Vec<_>>().concat();
        if let Some((label, address)) = link {
            text = format!("{text}{label}:\n{address}\n\n");
            let address = escaped(&address);
            body = format!("{body}<p><a class=\"button\" href=\"{address}\">{label}</a></p>\n<p class=\"address\">{address}</p>\n");
        }
        let text = format!("{text}-- \n{}\n", studio.name);
        // The body comes last: it may contain anything, also a placeholder.
        let frame = include_str!("letter.html").replace("{{subject}}", &escaped(&subject)).replace("{{studio}}", &escaped(&studio.name));
        (subject, text, frame.replacen("{{body}}", &body, 1))
    }

    fn words(&self, studio: &Studio) -> Words {
        let name = &studio.name;
        let link = |label, page| self.token.as_ref().map(|token| (label, studio.link(page, token)));
        let words =
            |subject: String, paragraphs: &[&str], link| Words { subject, paragraphs: paragraphs.iter().map(ToString::to_string).collect(), link };
        match self.kind {
            LetterKind::PasswordReset => words(
                format!("Set a new password for {name}"),
                &[
                    "Somebody asked for a new password for your account.",
                    "The link works once, for 30 minutes. If it was not you, do nothing: your password stays as it is.",
                ],
                link("Set a new password", "reset-password"),
            ),
            LetterKind::Invitation => words(
                format!("You are invited to {name}"),
                &[&format!("An account was made for you at {name}."), "The link sets your password. It works once, for seven days."],
                link("Set your password", "accept-invitation"),
            ),
            LetterKind::PasswordChanged => words(
                format!("Your password for {name} was changed"),
                &[
                    "The password of your account was changed.",
                    "If it was not you, set a new one at once with \"Forgot password\", and tell your administrator.",
                ],
                None,
            ),
            LetterKind::AddressConfirmation => words(
                format!("Confirm your new address for {name}"),
                &["Somebody wants to use this address for an account.", "The link works once, for 24 hours. If it was not you, do nothing."],
                link("Confirm this address", "confirm-address"),
            ),
            LetterKind::AddressChanged => words(
                format!("Your address for {name} was changed"),
                &[
                    "Your account has another e-mail address now. This one cannot sign in any more.",
                    "If it was not you, tell your administrator at once.",
                ],
                None,
            ),
            LetterKind::SignUp => words(
                format!("Confirm your address for {name}"),
                &[
                    "Somebody asked for an account with this address.",
                    "The link works once, for 24 hours, and sets your password. If it was not you, do nothing.",
                ],
                link("Confirm and set a password", "confirm-sign-up"),
            ),
            LetterKind::AccountExists => words(
                format!("You have an account at {name}"),
                &[
                    "Somebody asked for an account with this address, which has one already.",
                    "If you do not know your password, use \"Forgot password\".",
                ],
                Some(("Sign in", studio.origin.clone())),
            ),
            LetterKind::SecondFactorOn => words(
                format!("Two-step sign-in for {name} is on"),
                &["Your account asks for a code after the password now.", "If it was not you, tell your administrator at once."],
                None,
            ),
            LetterKind::SecondFactorOff => words(
                format!("Two-step sign-in for {name} is off"),
                &[
                    "Your account does not ask for a code after the password any more.",
                    "If neither you nor your administrator did this, set a new password at once.",
                ],
                None,
            ),
        }
    }
}

/// A text in HTML, also in an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn studio() -> Studio {
        Studio::new("Roy & <Sons>", "https://app.example.com").unwrap()
    }

    #[test]
    fn letters_say_the_same_in_text_and_html() {
        let (subject, text, html) = Letter::with_link(LetterKind::PasswordReset, "usr_1.abc".to_owned()).written(&studio());
        let link = "https://app.example.com/reset-password#token=usr_1.abc";
        assert_eq!(subject, "Set a new password for Roy & <Sons>");
        assert!(text.contains(link) && text.ends_with("-- \nRoy & <Sons>\n"), "{text}");
        assert_eq!(html.matches(link).count(), 2, "{html}");
        assert!(html.contains("Roy &amp; &lt;Sons&gt;") && !html.contains("<Sons>") && !html.contains("{{"), "{html}");
    }

    #[test]
    fn a_letter_has_a_link_if_its_kind_has_one() {
        use strum::IntoEnumIterator;
        for kind in LetterKind::iter() {
            let letter = if kind.has_link() { Letter::with_link(kind, "TOKEN".to_owned()) } else { Letter::notice(kind) };
            let (subject, text, html) = letter.written(&studio());
            assert_eq!((text.contains("#token=TOKEN"), html.contains("#token=TOKEN")), (kind.has_link(), kind.has_link()), "{kind:?}");
            assert!(subject.len() < 80 && !subject.contains('\n'), "{subject}");
        }
    }

    #[test]
    fn a_studio_has_a_name_and_an_https_origin() {
        for (name, origin) in [
            ("", "https://a.test"),
            ("A\nB", "https://a.test"),
            ("A", "http://a.test"),
            ("A", "https://a.test/"),
            ("A", "https://a.test?x"),
            ("A", "https://u@a.test"),
            ("A", "javascript:alert(1)"),
            ("A", "http://localhost.evil.test/"),
        ] {
            assert!(Studio::new(name, origin).is_err(), "{name:?} {origin}");
        }
        assert!(Studio::new("A", "http://localhost:5173").is_ok());
    }
}
