//! `POST /auth/login`: equal work and equal answers, whoever is asked for.

use access::revocations::Mark;
use serde::Serialize;
use shared_utils::audit;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::Retry;
use shared_utils::http::fields::Fields;
use shared_utils::http::{Call, Error, Request, Response};
use shared_utils::ids::{FamilyId, SessionId, UserId};

use crate::store::{Attempt, Family, MAX_FAMILIES, Profile, User};
use crate::tokens::{RefreshToken, Subject, TokenPair};
use crate::transport::Transport;
use crate::{App, passwords};

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    tokens: TokenPair,
    user: Profile,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let request = &call.request;
    let transport = Transport::of(request)?;
    transport.guard(request, &app.edge.cors)?;
    app.addresses.login(request, app.edge.clock.now())?;
    let mut fields = Fields::new(call.body);
    let email = fields.required_string("email", 1..=254);
    // Taken exactly as sent: a blank one is as wrong as any other.
    let password = fields.string("password", 0..=512);
    let password = fields.require("password", password).unwrap_or_default();
    fields.finish()?;

    let (attempt, mut known) = count(app, &email, request).await?;
    let mut retry = Retry::of_update();
    loop {
        let matches = passwords::verify(&password, known.as_ref().map(|user| user.password_hash.as_str()))?;
        let verified = match known {
            // A shut account looks like a wrong password.
            Some(user) if matches && !user.disabled => user,
            _ => {
                let user = known.as_ref().map(|user| tracing::field::display(user.profile.user_id));
                audit!("login_failed", requestId = request.request_id, userId = user, address = attempt.pseudonym());
                return Err(Error::InvalidCredentials);
            }
        };
        // The logins that there are, only now: how many they are must not show in the time of a refusal.
        let (user, families) = app.store.user_with_families(verified.profile.user_id).await?;
        let user = match user {
            Some(user) if user.password_hash == verified.password_hash && !user.disabled => user,
            changed => {
                known = changed;
                retry.again()?;
                continue;
            }
        };
        let now = app.edge.clock.now();
        let user_id = user.profile.user_id;
        let (family, token) = new_session(app, &user, request, now);
        // Signed before it is kept: a login that cannot be answered must not push another one out.
        let tokens = app.tokens.pair(family.subject(), &token, family.expires_at(), transport, now).await?;
        if open_session(app, &attempt, &user, &family, families).await? {
            audit!("login", requestId = request.request_id, userId = %family.user_id, sessionId = %family.session_id);
            let response = Response::json(200, &Answer { tokens, user: user.profile.clone() })?;
            rehash_later(app, user, password);
            return Ok(transport.with_token(response, &token.text(), family.seconds_left(now)));
        }
        // The account changed while its password was checked: look again.
        retry.wait().await?;
        known = app.store.user(user_id).await?;
    }
}

/// A user that does not exist: the first id of all.
fn nobody() -> UserId {
    UserId::generate(Timestamp::from_millis(0))
}

/// Replaces a hash of other parameters after the answer. A good login does not fail because of it: the next one tries again.
fn rehash_later(app: &App, user: User, password: String) {
    if passwords::is_outdated(&user.password_hash) {
        let store = app.store.clone();
        app.broadcaster.after_answer().push(async move {
            if let Ok(hash) = passwords::hash(&password) {
                let _ = store.rehash(&user, &hash).await;
            }
        });
    }
}

/// Counts the attempt as a failure before any hashing, so that guesses in parallel count as well; a success takes it back. Who is
/// behind the address is looked up beside it; nobody as somebody is: the same calls take the same time.
pub(super) async fn count(app: &App, email: &str, request: &Request) -> Result<(Attempt, Option<User>), Error> {
    let mut retry = Retry::of_update();
    loop {
        let now = app.edge.clock.now();
        let (attempt, user) = futures_util::future::try_join(app.store.attempt(email, &request.source_ip, now), app.store.user_of(email)).await?;
        if let Some(lock) = attempt.lock(now) {
            audit!("login_locked", requestId = request.request_id, address = attempt.pseudonym());
            return Err(Error::TooManyAttempts { retry_after: lock.retry_after });
        }
        let user = app.store.user(user.unwrap_or_else(nobody));
        let (counted, user) = futures_util::future::try_join(app.store.count_failure(&attempt, now), user).await?;
        if counted {
            return Ok((attempt, user));
        }
        // Someone else has counted an attempt: read again at once, as a wait would let the next one be faster.
        retry.again().map_err(|_| Error::TooManyAttempts { retry_after: 1 })?;
    }
}

fn new_session(app: &App, user: &User, request: &Request, now: Timestamp) -> (Family, RefreshToken) {
    let user_id = user.profile.user_id;
    let token = RefreshToken::first(FamilyId::generate(now, user_id));
    let subject =
        Subject { user: user_id, session: SessionId::generate(now), role: user.profile.role, version: user.version, pending: user.profile.pending };
    let from = (request.user_agent(), request.source_ip.clone());
    (Family::new(&token, subject, user.logins + 1, app.tokens.lifetimes, from, now), token)
}

/// Adds a login in one transaction, to the account as it was read; the least recently used one makes room when there are too many.
/// `false` when the account has changed since, or another login was added.
async fn open_session(app: &App, attempt: &Attempt, user: &User, family: &Family, mut families: Vec<Family>) -> Result<bool, Error> {
    let (user_id, now) = (user.profile.user_id, family.created_at);
    let mut writes = vec![app.store.login_counted(user), app.store.family_put(family)?];
    writes.extend(app.store.attempt_succeeded(attempt, now)?);

    families.sort_by_key(|family| (family.is_live(now), family.last_used_at));
    let surplus = (families.len() + 1).saturating_sub(MAX_FAMILIES);
    let ended: Vec<SessionId> = families.iter().take(surplus).filter(|family| family.is_live(now)).map(|family| family.session_id).collect();
    writes.extend(families.iter().take(surplus).map(|family| app.store.family_delete(family.family_id)));
    if !ended.is_empty() {
        writes.push(app.revocations.write(&ended.iter().copied().map(Mark::Session).collect::<Vec<_>>()));
    }
    match app.store.transact(writes).await {
        Ok(()) => {}
        Err(error) if error.refused_at(0).is_some() => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    if !ended.is_empty() {
        app.revocations.forget().await;
        app.broadcaster.end_sessions_later(user_id, ended);
    }
    Ok(true)
}
