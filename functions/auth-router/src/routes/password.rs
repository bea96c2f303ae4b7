//! `POST /auth/password`: another password, for whoever knows the present one; the user's other logins end.

use access::revocations::Mark;
use shared_utils::audit;
use shared_utils::dynamo::{Retry, TransactError};
use shared_utils::http::fields::Fields;
use shared_utils::http::{Call, Error, Response};

use super::login;
use crate::{App, passwords};

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let mut fields = Fields::new(call.body);
    let current = fields.string("currentPassword", 0..=512);
    let current = fields.require("currentPassword", current);
    let new = fields.string("newPassword", 0..=512);
    let new = fields.require("newPassword", new);
    fields.finish()?;
    let (current, new) = (current.unwrap_or_default(), new.unwrap_or_default());

    // The login is checked beside the first read, and before anything is counted.
    let mut read = app.beside_admission(&caller, app.store.user_with_families(caller.user)).await?;
    let email = read.0.as_ref().map(|user| user.profile.email.clone()).ok_or(Error::InvalidToken)?;
    // A guess here counts as a failed login.
    let (attempt, _) = login::count(app, &email, &call.request).await?;
    let mut retry = Retry::of_update();
    loop {
        let (user, families) = read;
        // The caller's own rights and login, as they are now: what was admitted may be five seconds old.
        let user = user.filter(|user| !user.disabled && user.version == caller.version).ok_or(Error::InvalidToken)?;
        let own = families.iter().find(|family| family.session_id == caller.session && family.revoked_at.is_none());
        let own = own.ok_or(Error::SessionRevoked)?.family_id;
        if !passwords::verify(&current, Some(&user.password_hash))? {
            audit!("login_failed", requestId = call.request.request_id, userId = %caller.user, sessionId = %caller.session);
            return Err(Error::WrongPassword);
        }
        let now = app.edge.clock.now();
        if let Err((code, detail)) = passwords::check_new(&new, &user.profile.email) {
            // The present password was right: this was no guess.
            app.store.transact(app.store.attempt_succeeded(&attempt, now)?).await?;
            return Err(Error::fault("/newPassword", code, detail));
        }
        let others: Vec<_> = families.iter().filter(|family| family.session_id != caller.session && family.revoked_at.is_none()).collect();
        let mut writes = vec![app.store.password_change(&user, &passwords::hash(&new)?), app.store.family_check(own)];
        writes.extend(app.store.attempt_succeeded(&attempt, now)?);
        writes.extend(others.iter().map(|family| app.store.family_revoke(family.family_id, now)));
        let marks: Vec<_> = others.iter().map(|family| Mark::Session(family.session_id)).collect();
        if !marks.is_empty() {
            writes.push(app.revocations.write(&marks));
        }
        match app.store.transact(writes).await {
            Ok(()) => {
                app.revocations.forget().await;
                audit!("password_changed", requestId = call.request.request_id, userId = %caller.user, sessionId = %caller.session);
                app.broadcaster.end_sessions_later(caller.user, others.iter().map(|family| family.session_id).collect());
                app.end_missed_later(caller.user, move |family| family.session_id != caller.session && family.number <= user.logins);
                return Ok(Response::empty(204));
            }
            // A login was added or went meanwhile, or the account changed: look again.
            Err(TransactError::Refused(_)) => retry.wait().await?,
            Err(error) => return Err(error.into()),
        }
        read = app.store.user_with_families(caller.user).await?;
    }
}
