//! What the generated contract says of forgotten passwords, invitations, addresses, sign-ups and the second factor. Not linked into the function.

use files::{FileLimits, OwnerKind, contract};
use http::Method;
use shared_utils::contract::Operation;

use super::mfa_begin::NewSecondFactor;
use super::mfa_confirm::RecoveryCodesResponse;
use super::mfa_get::SecondFactorState;
use super::{
    email_change, email_confirm, login_mfa, login_mfa_enrol, login_password, mfa_begin, mfa_confirm, mfa_disable, password_forgot, password_reset,
    sign_up, sign_up_confirm,
};
use crate::session_start::LoginResponse;
use crate::store::Profile;

const COOKIE: &str = "X-Session-Transport";

/// The operations of this part.
pub(super) fn operations() -> Vec<Operation> {
    let mut all = links();
    all.extend(login_steps());
    all.extend(second_factor());
    all.extend(administration());
    all.extend(pictures());
    all
}

fn links() -> Vec<Operation> {
    vec![
        Operation::new(Method::POST, "/auth/password/forgot", "forgotPassword", "Mails a link that sets a new password.", "Known and unknown addresses get the same response after the same work. The link works once, for 30 minutes, until the password changes.")
            .takes(|fields| drop(password_forgot::read(fields)))
            .gives_nothing(202, "If the address has an account, a mail goes to it.", &[])
            .fails(&["too_many_requests", "conflict"]),
        Operation::new(Method::POST, "/auth/password/reset", "resetPassword", "Sets a password with the link of a mail.", "With the token of a reset or of an invitation. Every session of the account ends, and a mail says so.")
            .takes(|fields| drop(password_reset::read(fields)))
            .gives_nothing(204, "The password is set.", &[])
            .fails(&["invalid_link", "too_many_requests"]),
        Operation::new(Method::POST, "/auth/me/email", "changeEmail", "Asks for another address.", "It counts when its owner confirms it with the link of a mail, within 24 hours. The old address is told then.")
            .takes(|fields| drop(email_change::read(fields)))
            .gives_nothing(202, "A mail goes to the new address.", &[])
            .fails(&["invalid_credentials", "too_many_attempts", "too_many_requests", "conflict"]),
        Operation::new(Method::POST, "/auth/email/confirm", "confirmEmail", "Confirms a new address with the link of a mail.", "The person signs in with the new address from now on.")
            .takes(|fields| drop(email_confirm::read(fields)))
            .gives_nothing(204, "The account has the new address.", &[])
            .fails(&["invalid_link", "too_many_requests", "conflict"]),
        Operation::new(Method::POST, "/auth/sign-up", "signUp", "Asks for an account.", "Only where the environment allows it. A mail goes to the address, whether or not it has an account. The link in it works once, for 24 hours.")
            .takes(|fields| drop(sign_up::read(fields)))
            .gives_nothing(202, "A mail goes to the address.", &[])
            .fails(&["too_many_requests", "conflict", "forbidden"]),
        Operation::new(Method::POST, "/auth/sign-up/confirm", "confirmSignUp", "Confirms the address of a sign-up and sets the password.", "The account waits for approval by an administrator.")
            .takes(|fields| drop(sign_up_confirm::read(fields)))
            .gives::<Profile>(201, "The account, which is pending.", &[])
            .fails(&["invalid_link", "too_many_requests", "conflict", "forbidden"]),
    ]
}

fn login_steps() -> Vec<Operation> {
    vec![
        Operation::new(Method::POST, "/auth/login/mfa", "loginWithCode", "Ends a login that needs a code.", "With the `challenge` of `mfa_required` and a code of the app or a recovery code; or, after `mfa_enrolment_required`, with the first code of the new secret.")
            .takes(|fields| drop(login_mfa::read(fields)))
            .header(COOKIE)
            .gives::<LoginResponse>(200, "A new session.", &["Set-Cookie"])
            .fails(&["invalid_challenge", "invalid_code", "password_change_required", "too_many_attempts", "too_many_requests", "forbidden", "invalid_parameter"]),
        Operation::new(Method::POST, "/auth/login/mfa/enrol", "enrolAtLogin", "Gets the secret of a second factor that a login requires.", "With the `challenge` of `mfa_enrolment_required`.")
            .takes(|fields| drop(login_mfa_enrol::read(fields)))
            .gives::<NewSecondFactor>(200, "The secret for an authenticator app.", &[])
            .fails(&["invalid_challenge", "too_many_requests"]),
        Operation::new(Method::POST, "/auth/login/password", "loginWithNewPassword", "Ends a login that needs a new password.", "With the `challenge` of `password_change_required`. All other sessions end.")
            .takes(|fields| drop(login_password::read(fields)))
            .header(COOKIE)
            .gives::<LoginResponse>(200, "A new session.", &["Set-Cookie"])
            .fails(&["invalid_challenge", "too_many_requests", "forbidden", "invalid_parameter"]),
    ]
}

fn second_factor() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/auth/mfa",
            "getSecondFactor",
            "Gets the state of the caller's second factor.",
            "Whether logins need a code, and how many recovery codes are left.",
        )
        .gives::<SecondFactorState>(200, "The state.", &[]),
        Operation::new(
            Method::POST,
            "/auth/mfa/totp",
            "beginSecondFactor",
            "Begins to set up the second factor.",
            "Codes by the clock (RFC 6238). It is on when a first code confirms it.",
        )
        .takes(|fields| drop(mfa_begin::read(fields)))
        .gives::<NewSecondFactor>(200, "The secret for an authenticator app.", &[])
        .fails(&["invalid_credentials", "too_many_attempts", "conflict"]),
        Operation::new(
            Method::POST,
            "/auth/mfa/totp/confirm",
            "confirmSecondFactor",
            "Turns the second factor on.",
            "With a first code of the new secret.",
        )
        .takes(|fields| drop(mfa_confirm::read(fields)))
        .gives::<RecoveryCodesResponse>(200, "The recovery codes, shown only here.", &[])
        .fails(&["invalid_code", "too_many_attempts", "conflict"]),
        Operation::new(Method::POST, "/auth/mfa/recovery-codes", "replaceRecoveryCodes", "Replaces the recovery codes.", "With a code of the app.")
            .takes(|fields| drop(mfa_confirm::read(fields)))
            .gives::<RecoveryCodesResponse>(200, "The new recovery codes, shown only here.", &[])
            .fails(&["invalid_code", "too_many_attempts", "conflict"]),
        Operation::new(Method::POST, "/auth/mfa/disable", "disableSecondFactor", "Turns the second factor off.", "With the password and a code.")
            .takes(|fields| drop(mfa_disable::read(fields)))
            .gives_nothing(204, "The second factor is off. A mail says so.", &[])
            .fails(&["invalid_credentials", "invalid_code", "too_many_attempts", "conflict"]),
    ]
}

fn pictures() -> Vec<Operation> {
    let max_size = FileLimits::of(OwnerKind::Person).file;
    vec![
        contract::declaration("/auth/me/thumbnail", "createPicture", "The caller's own picture: AVIF, GIF, JPEG, PNG or WebP.", max_size),
        contract::completion::<Profile>("/auth/me/thumbnail/{fileId}/complete", "completePicture", "The profile with the new picture."),
        Operation::new(Method::DELETE, "/auth/me/thumbnail", "deletePicture", "Deletes the caller's picture.", "The profile has none then.")
            .gives_nothing(204, "The caller has no picture.", &[]),
        contract::download("/auth/users/{id}/thumbnail", "getPicture", "The picture of an active person."),
    ]
}

fn administration() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::POST,
            "/auth/users/{id}/invitation",
            "sendInvitation",
            "Sends an invitation again.",
            "For administrators. Older links of it die.",
        )
        .gives_nothing(202, "The mail is on its way.", &[])
        .fails(&["forbidden", "conflict", "too_many_requests"]),
        Operation::new(
            Method::DELETE,
            "/auth/users/{id}/invitation",
            "withdrawInvitation",
            "Withdraws an invitation.",
            "For administrators. Its links die.",
        )
        .gives_nothing(204, "No invitation is open.", &[])
        .fails(&["forbidden"]),
        Operation::new(
            Method::POST,
            "/auth/users/{id}/password-reset",
            "sendPasswordReset",
            "Mails a person a link that sets a new password.",
            "For administrators.",
        )
        .gives_nothing(202, "The mail is on its way.", &[])
        .fails(&["forbidden", "conflict", "too_many_requests"]),
        Operation::new(
            Method::DELETE,
            "/auth/users/{id}/mfa",
            "removeSecondFactor",
            "Takes a person's second factor away.",
            "For administrators. The person is told by mail first; if the mail cannot be sent, nothing changes.",
        )
        .gives_nothing(204, "The second factor is off.", &[])
        .fails(&["forbidden", "conflict"]),
    ]
}
