//! `POST /auth/mfa/recovery-codes`: replaces the recovery codes.

use shared_utils::audit;
use shared_utils::http::{Call, Error, Response};

use super::common::own_account;
use super::mfa_confirm::{RecoveryCodesResponse, read};
use crate::App;
use crate::attempts::{self, CodeProof};
use crate::totp::RecoveryCodes;

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    let code = call.read_body(read)?;
    let (session, _, user) = own_account(app, &call).await?;
    if !user.second_factor.is_on() {
        return Err(Error::Conflict("The second factor is off.".into()));
    }
    let right = attempts::check_code(app, &user, &code, &call.request).await?.ok_or(Error::WrongCode)?;
    // A recovery code must not make new ones: a found list would never end.
    let CodeProof::Step(step) = right.proof else { return Err(Error::WrongCode) };
    let codes = RecoveryCodes::generate();
    if !app.store.replace_recovery_codes(&session, &user, step, &codes).await? {
        return Err(Error::WrongCode);
    }
    app.store.attempt_was_right(&right.attempt, app.context.clock.now()).await?;
    audit!("recovery_codes_replaced", userId = %session.user);
    Response::json(200, &RecoveryCodesResponse::new(&codes))
}
