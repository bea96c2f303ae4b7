//! `POST /auth/mfa/totp/confirm`: turns the second factor on, with a first code of the new secret.

use mail::LetterKind;
use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::audit;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use super::common::own_account;
use crate::totp::RecoveryCodes;
use crate::{App, attempts};

/// New recovery codes.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecoveryCodesResponse {
    /// Each replaces one code of the app. Shown only in this response.
    recovery_codes: Vec<String>,
}

impl RecoveryCodesResponse {
    pub(super) fn new(codes: &RecoveryCodes) -> Self {
        Self { recovery_codes: codes.texts().to_vec() }
    }
}

/// The code.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> String {
    fields.required_string("code", 1..=40)
}

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    let code = call.read_body(read)?;
    let (session, _, user) = own_account(app, &call).await?;
    let Some(secret) = user.second_factor.pending_totp_secret.clone().filter(|_| !user.second_factor.is_on()) else {
        return Err(Error::Conflict("No second factor is being set up.".into()));
    };
    let (attempt, step) = attempts::check_first_code(app, &user, &code, &call.request).await?.ok_or(Error::WrongCode)?;
    let codes = RecoveryCodes::generate();
    let mail = app.mail(LetterKind::SecondFactorOn, &user.profile.email);
    if !app.store.enable_second_factor(&session, (&secret, step), &codes, mail.as_ref()).await? {
        return Err(Error::Conflict("The second factor was changed meanwhile.".into()));
    }
    app.store.attempt_was_right(&attempt, app.context.clock.now()).await?;
    audit!("second_factor_on", userId = %session.user);
    app.send_due_mails_later(session.user);
    Response::json(200, &RecoveryCodesResponse::new(&codes))
}
