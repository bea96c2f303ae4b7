//! One-time codes by the clock (TOTP, RFC 6238): SHA-1, six digits, steps of 30 seconds, the parameters that every authenticator app has. And recovery
//! codes, for somebody who has lost the app.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use shared_utils::clock::Timestamp;
use shared_utils::random;
use totp_rs::{Algorithm, Builder, Secret};

/// The length of a time step in seconds.
const STEP_SECONDS: u64 = 30;
/// The number of steps before and after the present one whose codes count: clocks of phones differ.
const TOLERANCE: u16 = 1;
/// The number of recovery codes.
const RECOVERY_CODES: usize = 10;

/// A secret of 160 bits, in base32.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct TotpSecret(String);

impl TotpSecret {
    pub(crate) fn generate() -> Self {
        Self(BASE32_NOPAD.encode(&random::bytes::<20>()))
    }

    /// The address that authenticator apps read from a QR code.
    pub(crate) fn uri(&self, issuer: &str, account: &str) -> String {
        let [issuer, account] = [issuer, account].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string());
        format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", self.0)
    }

    /// The time step of a code, if the code is right now and its step is after `used`.
    pub(crate) fn step_of(&self, code: &str, used: u64, now: Timestamp) -> Option<u64> {
        let secret: [u8; 20] = BASE32_NOPAD.decode(self.0.as_bytes()).ok()?.try_into().ok()?;
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(TOLERANCE)
            .with_step_duration(STEP_SECONDS)
            .with_secret(Secret::new_stack(secret))
            .build()
            .ok()?;
        totp.check(code, u64::try_from(now.seconds()).ok()?).filter(|step| *step > used)
    }
}

impl fmt::Display for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

/// New recovery codes of 80 bits, such as `ABCD-EFGH-IJKL-MNOP`. Each replaces one code of the app.
pub(crate) struct RecoveryCodes(Vec<String>);

impl RecoveryCodes {
    pub(crate) fn generate() -> Self {
        let code = || {
            let text = BASE32_NOPAD.encode(&random::bytes::<10>());
            [&text[..4], &text[4..8], &text[8..12], &text[12..]].join("-")
        };
        Self((0..RECOVERY_CODES).map(|_| code()).collect())
    }

    /// The codes, to show once.
    pub(crate) fn texts(&self) -> &[String] {
        &self.0
    }

    /// The SHA-256 of each code.
    pub(crate) fn hashes(&self) -> Vec<String> {
        self.0.iter().filter_map(|code| recovery_code_hash(code)).collect()
    }
}

/// The SHA-256 of a text that has the form of a recovery code, with or without hyphens, in any case.
pub(crate) fn recovery_code_hash(text: &str) -> Option<String> {
    let code: String = text.chars().filter(|character| ![' ', '-'].contains(character)).map(|character| character.to_ascii_uppercase()).collect();
    BASE32_NOPAD.decode(code.as_bytes()).is_ok_and(|bytes| bytes.len() == 10).then(|| random::sha256(code.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B, and its codes, cut to six digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = TotpSecret(BASE32_NOPAD.encode(b"12345678901234567890"));
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp::from_seconds(seconds);
            let step = u64::try_from(seconds).unwrap() / 30;
            assert_eq!(secret.step_of(code, 0, now), Some(step), "{seconds}");
            // One step early or late still counts, two do not, and a used step never counts again.
            assert_eq!(secret.step_of(code, 0, now.plus_seconds(30)), Some(step));
            assert_eq!(secret.step_of(code, 0, now.plus_seconds(61)), None);
            assert_eq!(secret.step_of(code, step, now), None);
        }
    }

    #[test]
    fn recovery_codes_are_read_in_any_spelling() {
        let codes = RecoveryCodes::generate();
        let (code, hashes) = (&codes.texts()[0], codes.hashes());
        assert_eq!((codes.texts().len(), hashes.len(), code.len()), (10, 10, 19));
        for spelling in [code.clone(), code.to_lowercase(), code.replace('-', ""), code.replace('-', " ")] {
            assert_eq!(recovery_code_hash(&spelling).as_ref(), hashes.first(), "{spelling}");
        }
        for bad in ["", "123456", "ABCD-EFGH-IJKL-MNO", "ABCD-EFGH-IJKL-MNO1"] {
            assert_eq!(recovery_code_hash(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_uri_names_studio_and_account() {
        let uri = TotpSecret("ABC".to_owned()).uri("Roy & Sons", "ana@mylg.test");
        assert_eq!(uri, "otpauth://totp/Roy%20%26%20Sons:ana%40mylg%2Etest?secret=ABC&issuer=Roy%20%26%20Sons");
    }
}
