//! `POST /auth/login/password`: the last step of a login that needs a new password. All other sessions end.

use mail::LetterKind;
use shared_utils::audit;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use super::common::challenged;
use crate::session_start::start;
use crate::store::{ChallengePurpose, LoginProof};
use crate::transport::Transport;
use crate::{App, passwords};

/// The secret of the challenge and the new password.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> (String, String) {
    let challenge = fields.required_string("challenge", 1..=100);
    (challenge, passwords::require_new(fields, "newPassword"))
}

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    let transport = Transport::of(&call.request)?;
    transport.guard(&call.request, &app.context.cors)?;
    app.addresses.login(&call.request, app.context.clock.now())?;
    let (secret, new) = call.read_body(read)?;
    let (challenge, account, user) = challenged(app, &secret).await?;
    if challenge.purpose != ChallengePurpose::NewPassword {
        return Err(Error::InvalidChallenge);
    }
    if let Err((code, detail)) = passwords::check_new(&new, &user.profile.email) {
        return Err(Error::field("newPassword", code, detail));
    }
    if passwords::verify(&new, Some(&user.password_hash))? {
        return Err(Error::field("newPassword", "invalid_value", "This is the present password."));
    }
    let hash = passwords::hash(&new)?;
    let mail = app.mail(LetterKind::PasswordChanged, &user.profile.email);
    let proof = LoginProof { challenge: Some(&secret), new_password: Some(&hash), mail: mail.as_ref(), ..LoginProof::default() };
    let response = start(app, (&call.request, transport), (&user, account.families), &proof).await?.ok_or(Error::InvalidChallenge)?;
    audit!("password_changed", userId = %user.profile.user_id, by = "login");
    Ok(response)
}
