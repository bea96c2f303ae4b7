//! `DELETE /auth/users/{id}/mfa`: an administrator takes a person's second factor away. The person is told by mail first. If the mail cannot be sent,
//! nothing changes.

use mail::{Letter, LetterKind};
use shared_utils::audit;
use shared_utils::http::{Call, Error, Response};

use super::common::account_for_admin;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, _, user) = account_for_admin(app, &call).await?;
    let mailer = app.require_mailer()?;
    if !user.second_factor.is_on() {
        return Err(Error::Conflict("The second factor is off.".into()));
    }
    mailer.send(&user.profile.email, &Letter::notice(LetterKind::SecondFactorOff)).await?;
    let id = user.profile.user_id;
    app.store.disable_second_factor(&session, id, None).await?;
    audit!("second_factor_off", userId = %id, by = %session.user);
    Ok(Response::empty(204))
}
