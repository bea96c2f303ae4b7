//! What a login needs besides the right password.

/// The step that a login needs after the right password. `Display` is the text for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginStep {
    /// A code of the second factor.
    #[error("The login needs a code.")]
    SecondFactor,
    /// A second factor must be set up.
    #[error("The login needs a second factor, which must be set up first.")]
    Enrolment,
    /// A new password.
    #[error("The login needs a new password.")]
    NewPassword,
}

impl LoginStep {
    /// The stable code of the error.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::SecondFactor => "mfa_required",
            Self::Enrolment => "mfa_enrolment_required",
            Self::NewPassword => "password_change_required",
        }
    }
}
