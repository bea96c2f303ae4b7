//! `POST /auth/mfa/disable`: turns the caller's second factor off, with the password and a code.

use mail::LetterKind;
use shared_utils::audit;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use super::common::own_account;
use crate::{App, attempts};

/// The current password and a code.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> (String, String) {
    let current = fields.string("currentPassword", 0..=512);
    (fields.require("currentPassword", current).unwrap_or_default(), fields.required_string("code", 1..=40))
}

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    let (current, code) = call.read_body(read)?;
    let (session, _, user) = own_account(app, &call).await?;
    if !user.second_factor.is_on() {
        return Err(Error::Conflict("The second factor is off.".into()));
    }
    attempts::require_password(app, &user, &current, &call.request).await?;
    let right = attempts::check_code(app, &user, &code, &call.request).await?.ok_or(Error::WrongCode)?;
    let mail = app.mail(LetterKind::SecondFactorOff, &user.profile.email);
    if !app.store.disable_second_factor(&session, session.user, mail.as_ref()).await? {
        return Err(Error::Conflict("The second factor is off.".into()));
    }
    app.store.attempt_was_right(&right.attempt, app.context.clock.now()).await?;
    audit!("second_factor_off", userId = %session.user);
    app.send_due_mails_later(session.user);
    Ok(Response::empty(204))
}
