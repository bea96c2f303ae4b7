//! `POST /auth/login`. Unknown accounts do the same work and get the same response, so timing reveals nothing.

use shared_utils::audit;
use shared_utils::dynamo::{Attempt, RetryPolicy, retry_on_conflict};
use shared_utils::event_context::{self, Counter};
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::UserId;

use crate::attempts::count;
use crate::session_start::{needs, next_step, start};
use crate::store::{LoginProof, User};
use crate::transport::Transport;
use crate::{App, passwords};

/// Address and password.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> (String, String) {
    let email = fields.required_string("email", 1..=254);
    // Taken exactly as sent: a blank one is as wrong as any other.
    let password = fields.string("password", 0..=512);
    (email, fields.require("password", password).unwrap_or_default())
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let outcome = log_in(app, call).await;
    if matches!(outcome, Err(Error::InvalidCredentials | Error::TooManyAttempts { .. } | Error::TooManyRequests { .. })) {
        event_context::count(Counter::RefusedLogins, 1);
    }
    outcome
}

async fn log_in(app: &App, call: Call) -> Result<Response, Error> {
    let request = &call.request;
    let transport = Transport::of(request)?;
    transport.guard(request, &app.context.cors)?;
    app.addresses.login(request, app.context.clock.now())?;
    let mut fields = Fields::new(call.body);
    let (email, password) = read(&mut fields);
    fields.finish()?;

    let (attempt, user) = count(app, &email, request).await?;
    let (attempt, password) = (&attempt, password.as_str());
    retry_on_conflict(RetryPolicy::Single, Account::Known(user.map(Box::new)), |account| async move {
        let known = match account {
            Account::Known(user) => user.map(|user| *user),
            Account::Changed(user) => app.store.user(user).await?,
        };
        let matches = passwords::verify(password, known.as_ref().map(|user| user.password_hash.as_str()))?;
        let verified = match known {
            // A disabled account gets the same response as a wrong password.
            Some(user) if matches && !user.disabled => user,
            _ => {
                let user = known.as_ref().map(|user| tracing::field::display(user.profile.user_id));
                audit!("login_failed", userId = user, address = attempt.pseudonym());
                return Err(Error::InvalidCredentials);
            }
        };
        // The sessions are read only after the password check: their number must not influence the time of a refusal.
        let (user, families) = app.store.user_with_token_families(verified.profile.user_id).await?;
        let user = match user {
            Some(user) if user.password_hash == verified.password_hash && !user.disabled => user,
            changed => return Ok(Attempt::Refused(Account::Known(changed.map(Box::new)))),
        };
        if let Some(purpose) = next_step(app, &user) {
            let now = app.context.clock.now();
            app.store.attempt_was_right(attempt, now).await?;
            let challenge = app.store.add_challenge(&user, purpose, now).await?;
            return Err(needs(purpose, challenge));
        }
        let proof = LoginProof { attempt: Some(attempt), ..LoginProof::default() };
        let Some(response) = start(app, (request, transport), (&user, families), &proof).await? else {
            // The account changed during the password check.
            return Ok(Attempt::Stale(Account::Changed(user.profile.user_id)));
        };
        rehash_later(app, user, password.to_owned());
        Ok(Attempt::Done(response))
    })
    .await
}

/// The account whose password is checked.
enum Account {
    /// The account of the address, if it exists.
    Known(Option<Box<User>>),
    /// This account has changed and must be read again.
    Changed(UserId),
}

/// After the response, replaces a hash that has outdated parameters. Errors are ignored: the next login tries again.
fn rehash_later(app: &App, user: User, password: String) {
    if passwords::is_outdated(&user.password_hash) {
        let store = app.store.clone();
        app.broadcaster.background_tasks().push(async move {
            if let Ok(hash) = passwords::hash(&password) {
                let _ = store.rehash(&user, &hash).await;
            }
        });
    }
}
