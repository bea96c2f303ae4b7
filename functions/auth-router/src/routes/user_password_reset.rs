//! `POST /auth/users/{id}/password-reset`: an administrator mails a person a link that sets a new password.

use mail::LetterKind;
use shared_utils::audit;
use shared_utils::http::{Call, Error, Response};

use super::common::account_for_admin;
use crate::App;
use crate::store::DueMail;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, _, user) = account_for_admin(app, &call).await?;
    app.require_mailer()?;
    let id = user.profile.user_id;
    app.store.count_mail(&user.profile.email, app.rates.mail, app.context.clock.now()).await??;
    app.store.add_due_mail(id, &DueMail::new(LetterKind::PasswordReset, &user.profile.email)).await?;
    audit!("password_reset_sent", userId = %id, by = %session.user);
    app.send_due_mails_later(id);
    Ok(Response::empty(202))
}
