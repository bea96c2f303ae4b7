//! `POST /auth/login`. Unknown accounts do the same work and get the same response, so timing reveals nothing.

use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::audit;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Attempt, RetryPolicy, retry_on_conflict};
use shared_utils::event_context::{self, Counter};
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Request, Response};
use shared_utils::ids::{FamilyId, SessionId, UserId};

use crate::attempts::count;
use crate::store::{Profile, TokenFamily, User};
use crate::tokens::{RefreshToken, Subject, TokenPair};
use crate::transport::Transport;
use crate::{App, passwords};

/// A new session: its tokens and its person.
#[derive(Serialize, JsonSchema)]
pub(crate) struct LoginResponse {
    #[serde(flatten)]
    tokens: TokenPair,
    user: Profile,
}

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
        let now = app.context.clock.now();
        let (family, token) = new_session(app, &user, request, now);
        // Signed before the write: a login without a response must not end another session.
        let tokens = app.tokens.pair(family.subject(), &token, family.expires_at(), transport, now).await?;
        let Some(ended) = app.store.add_session(attempt, &user, &family, families, &app.revocations).await? else {
            // The account changed during the password check.
            return Ok(Attempt::Stale(Account::Changed(user.profile.user_id)));
        };
        if !ended.is_empty() {
            app.broadcaster.close_sessions_later(user.profile.user_id, ended);
        }
        audit!("login", userId = %family.user_id, sessionId = %family.session_id);
        let response = Response::json(200, &LoginResponse { tokens, user: user.profile.clone() })?;
        rehash_later(app, user, password.to_owned());
        Ok(Attempt::Done(transport.with_token(response, &token.text(), family.seconds_left(now))))
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

fn new_session(app: &App, user: &User, request: &Request, now: Timestamp) -> (TokenFamily, RefreshToken) {
    let user_id = user.profile.user_id;
    let token = RefreshToken::first(FamilyId::generate(now, user_id));
    let subject =
        Subject { user: user_id, session: SessionId::generate(now), role: user.profile.role, version: user.version, pending: user.profile.pending };
    let from = (request.user_agent(), request.source_ip.clone());
    (TokenFamily::new(&token, subject, user.logins + 1, app.tokens.lifetimes, from, now), token)
}
