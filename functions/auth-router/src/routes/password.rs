//! `POST /auth/password`: sets a new password. Requires the current one. Ends the account's other sessions.

use mail::LetterKind;
use shared_utils::audit;
use shared_utils::dynamo::{Attempt, RetryPolicy, retry_on_conflict};
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use crate::{App, attempts, passwords};

/// The present password and the new one.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> (String, String) {
    let current = fields.string("currentPassword", 0..=512);
    let current = fields.require("currentPassword", current).unwrap_or_default();
    let new = passwords::read_new(fields, "newPassword");
    (current, fields.require("newPassword", new).unwrap_or_default())
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let mut fields = Fields::new(call.body);
    let (current, new) = read(&mut fields);
    fields.finish()?;

    // The session is checked before the attempt is counted.
    let read = app.store.user_with_token_families(caller.user);
    let (session, read) = app.revocations.with_session_check(caller, read).await?;
    let email = read.0.as_ref().map(|user| user.profile.email.clone()).ok_or(Error::InvalidToken)?;
    // A wrong current password counts as a failed login.
    let (attempt, _) = attempts::count(app, &email, &call.request).await?;
    let (attempt, current, new) = (&attempt, current.as_str(), new.as_str());
    retry_on_conflict(RetryPolicy::Single, Some(read), |known| async move {
        let (user, families) = match known {
            Some(read) => read,
            None => app.store.user_with_token_families(caller.user).await?,
        };
        // The caller's current rights and session. The revocation cache behind the first check may be five seconds old.
        let user = user.filter(|user| !user.disabled && user.version == caller.version).ok_or(Error::InvalidToken)?;
        let own = families.iter().find(|family| family.session_id == caller.session && family.revoked_at.is_none());
        let own = own.ok_or(Error::SessionRevoked)?.family_id;
        if !passwords::verify(current, Some(&user.password_hash))? {
            audit!("login_failed", userId = %caller.user, sessionId = %caller.session);
            return Err(Error::WrongPassword);
        }
        let now = app.context.clock.now();
        if let Err((code, detail)) = passwords::check_new(new, &user.profile.email) {
            // The current password was right, so this attempt is no failure.
            app.store.attempt_was_right(attempt, now).await?;
            return Err(Error::field("newPassword", code, detail));
        }
        let others: Vec<_> = families.into_iter().filter(|family| family.session_id != caller.session && family.revoked_at.is_none()).collect();
        let hash = passwords::hash(new)?;
        let mail = app.mail(LetterKind::PasswordChanged, &user.profile.email);
        let change = app.store.change_password(&session, (&user, own, &others), (&hash, mail.as_ref()), attempt, &app.revocations, now);
        if !change.await? {
            return Ok(Attempt::Stale(None));
        }
        audit!("password_changed", userId = %caller.user, sessionId = %caller.session);
        app.broadcaster.close_sessions_later(caller.user, others.iter().map(|family| family.session_id).collect());
        app.send_due_mails_later(caller.user);
        app.end_missed_later(caller.user, move |family| family.session_id != caller.session && family.number <= user.logins);
        Ok(Attempt::Done(Response::empty(204)))
    })
    .await
}
