//! `POST /auth/password/reset`: sets a password with the link of a mail, a reset or an invitation. All sessions of the account end.

use mail::LetterKind;
use shared_utils::audit;
use shared_utils::dynamo::{Attempt, RetryPolicy, retry_on_conflict};
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use crate::store::{LinkPurpose, LinkToken, PasswordReset};
use crate::{App, passwords};

/// The token of the link and the new password.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> (String, String) {
    let token = fields.required_string("token", 1..=200);
    (token, passwords::require_new(fields, "newPassword"))
}

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    app.addresses.login(&call.request, app.context.clock.now())?;
    let (token, new) = call.read_body(read)?;
    let token: LinkToken = token.parse().map_err(|_| Error::InvalidLink)?;
    let (token, new) = (&token, new.as_str());
    retry_on_conflict(RetryPolicy::Single, (), |()| async move {
        let account = app.store.account(token.user).await?;
        let now = app.context.clock.now();
        let user = account.user.filter(|user| !user.disabled).ok_or(Error::InvalidLink)?;
        let link = token.find(&account.links).filter(|link| link.purpose.sets_password() && link.is_live(&user, now)).ok_or(Error::InvalidLink)?;
        if let Err((code, detail)) = passwords::check_new(new, &user.profile.email) {
            return Err(Error::field("newPassword", code, detail));
        }
        let hash = passwords::hash(new)?;
        // Who was invited knows that a password was set.
        let mail = app.mail(LetterKind::PasswordChanged, &user.profile.email).filter(|_| link.purpose == LinkPurpose::PasswordReset);
        let reset = PasswordReset { link, links: &account.links, hash: &hash, mail: mail.as_ref() };
        if !app.store.reset_password((&user, &account.families), &reset, &app.revocations, now).await? {
            return Ok(Attempt::Stale(()));
        }
        let id = user.profile.user_id;
        audit!("password_changed", userId = %id, by = "link");
        let sessions = account.families.iter().filter(|family| family.revoked_at.is_none()).map(|family| family.session_id).collect();
        app.broadcaster.close_sessions_later(id, sessions);
        app.end_missed_later(id, move |family| family.number <= user.logins);
        app.send_due_mails_later(id);
        Ok(Attempt::Done(Response::empty(204)))
    })
    .await
}
