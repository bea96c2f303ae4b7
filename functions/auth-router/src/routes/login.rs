//! `POST /auth/login`: equal work and equal answers, whoever is asked for.

use access::revocations::Mark;
use serde::Serialize;
use shared_utils::clock::Timestamp;
use shared_utils::http::fields::Fields;
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::{FamilyId, SessionId, UserId};

use crate::store::{Attempt, Family, MAX_FAMILIES, Profile, User};
use crate::tokens::{RefreshToken, Subject, TokenPair};
use crate::{App, passwords};

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    tokens: TokenPair,
    user: Profile,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let mut fields = Fields::new(call.body);
    let email = fields.required_string("email", 1..=254);
    // Taken exactly as sent: a blank one is as wrong as any other.
    let password = fields.string("password", 0..=512);
    let password = fields.require("password", password).unwrap_or_default();
    fields.finish()?;

    let attempt = count(app, &email, &call.request.source_ip).await?;
    let (user, families) = match attempt.user {
        Some(user) => app.store.user_with_families(user).await?,
        // Nobody is looked up as somebody is: the same calls take the same time.
        None => app.store.user_with_families(nobody()).await?,
    };
    let matches = passwords::verify(&password, user.as_ref().map(|user| user.password_hash.as_str()))?;
    let user = match user {
        // A shut account looks like a wrong password.
        Some(user) if matches && !user.disabled => user,
        _ => {
            tracing::info!(audit = "login_failed", requestId = call.request.request_id, userId = attempt.user.map(tracing::field::display), "audit");
            return Err(Error::InvalidCredentials);
        }
    };
    let request = &call.request;
    let tokens = open_session(app, &attempt, &user, families, (request.user_agent(), request.source_ip.clone())).await?;
    tracing::info!(audit = "login", requestId = request.request_id, userId = %user.profile.user_id, "audit");
    let response = Response::json(200, &Answer { tokens, user: user.profile.clone() });
    if passwords::is_outdated(&user.password_hash) {
        let hash = passwords::hash(&password)?;
        let store = app.store.clone();
        // A good login does not fail because of it: the next one tries again.
        app.after.push(async move {
            let _ = store.rehash(&user, &hash).await;
        });
    }
    response
}

/// A user that does not exist: the first id of all.
fn nobody() -> UserId {
    UserId::generate(Timestamp::from_millis(0))
}

/// Counts the attempt as a failure before any hashing, so that guesses in parallel count as well; a success takes it back.
async fn count(app: &App, email: &str, ip: &str) -> Result<Attempt, Error> {
    for _ in 0..shared_utils::dynamo::RACE_TRIES {
        let now = app.edge.clock.now();
        let attempt = app.store.attempt(email, ip).await?;
        if let Some(lock) = attempt.lock(now) {
            tracing::info!(audit = "login_locked", userId = attempt.user.map(tracing::field::display), "audit");
            return Err(Error::TooManyAttempts { retry_after: lock.retry_after });
        }
        if app.store.count_failure(&attempt, now).await? {
            return Ok(attempt);
        }
    }
    Err(Error::TooManyAttempts { retry_after: 1 })
}

/// Adds a login in one transaction; the least recently used one makes room when there are too many.
async fn open_session(app: &App, attempt: &Attempt, user: &User, mut families: Vec<Family>, from: (String, String)) -> Result<TokenPair, Error> {
    let now = app.edge.clock.now();
    let user_id = user.profile.user_id;
    let token = RefreshToken::first(FamilyId::generate(now, user_id));
    let subject =
        Subject { user: user_id, session: SessionId::generate(now), role: user.profile.role, version: user.version, pending: user.profile.pending };
    let family = Family::new(&token, subject, app.tokens.lifetimes, from, now);
    let mut writes = app.store.attempt_succeeded(attempt, now)?;
    writes.push(app.store.family_put(&family)?);

    families.sort_by_key(|family| (family.is_live(now), family.last_used_at));
    let surplus = (families.len() + 1).saturating_sub(MAX_FAMILIES);
    let ended: Vec<SessionId> = families.iter().take(surplus).filter(|family| family.is_live(now)).map(|family| family.session_id).collect();
    writes.extend(families.iter().take(surplus).map(|family| app.store.family_delete(family.family_id)));
    if !ended.is_empty() {
        writes.push(app.revocations.write(&ended.iter().copied().map(Mark::Session).collect::<Vec<_>>()));
    }
    app.store.transact(writes).await?;
    if !ended.is_empty() {
        let announcer = app.announcer.clone();
        app.after.push(async move { announcer.end_sessions(user_id, &ended).await });
    }
    app.tokens.pair(subject, &token, family.expires_at(), now).await
}
