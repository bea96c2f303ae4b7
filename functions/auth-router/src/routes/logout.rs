//! `POST /auth/logout`: a valid refresh token identifies the session; otherwise a bearer with a valid signature, even if revoked or expired.

use http::HeaderValue;
use serde_json::Value;
use shared_utils::audit;
use shared_utils::auth::credentials;
use shared_utils::dynamo::{Attempt, RetryPolicy, retry_on_conflict};
use shared_utils::fields::{FieldLog, Fields, Patch, TextSchema, one_of};
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::{FamilyId, SessionId, UserId};

use crate::App;
use crate::tokens::RefreshToken;
use crate::transport::{Transport, read_token};

/// Which sessions of the caller end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
enum Scope {
    Local,
    Others,
    Global,
}

impl TextSchema for Scope {
    fn text_schema() -> Value {
        one_of(<Self as strum::VariantNames>::VARIANTS)
    }
}

/// Which sessions end.
fn read_scope<L: FieldLog>(fields: &mut Fields<L>) -> Option<Scope> {
    fields.parsed("scope", "One of local, others, global.").value()
}

/// The fields of a body that carries the token.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) {
    read_token(fields);
    read_scope(fields);
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let transport = Transport::of(&call.request)?;
    let request_id = call.request.request_id.clone();
    transport.guard(&call.request, &app.context.cors)?;
    transport.cleared_on_401(logout(app, call, transport).await, &request_id)
}

async fn logout(app: &App, call: Call, transport: Transport) -> Result<Response, Error> {
    let mut fields = Fields::new(call.body);
    let token = transport.token(&call.request, &mut fields);
    let scope = read_scope(&mut fields).unwrap_or(Scope::Local);
    fields.finish()?;

    let Some((user, session, is_current)) = who(app, token, call.request.headers.get("authorization")).await? else {
        return Ok(transport.cleared(Response::empty(204)));
    };
    // The previous token after its grace ends only its own session.
    let scope = if is_current { scope } else { Scope::Local };
    end(app, user, session, scope).await?;
    audit!("logout", userId = %user, sessionId = %session);
    let response = Response::empty(204);
    // With `others`, the caller's session stays and keeps its cookie.
    Ok(if scope == Scope::Others { response } else { transport.cleared(response) })
}

/// Returns the user, the session, and whether the credential may end other sessions. `None` without a live refresh token or a valid bearer.
async fn who(app: &App, token: Patch<String>, header: Option<&HeaderValue>) -> Result<Option<(UserId, SessionId, bool)>, Error> {
    let now = app.context.clock.now();
    let Patch::Set(text) = token else {
        let caller = app.context.verifier.verify_ignoring_expiry(credentials::bearer(header)?, now)?;
        return Ok(Some((caller.user, caller.session, true)));
    };
    let family = match RefreshToken::parse(&text) {
        Some(token) => app.store.family_of(&token, app.tokens.lifetimes, now).await?,
        None => None,
    };
    if let Some((family, is_current)) = family {
        return Ok(Some((family.user_id, family.session_id, is_current)));
    }
    // The refresh token is dead or unknown. A bearer in the same request still identifies the session.
    let caller = header.and_then(|header| credentials::bearer(Some(header)).ok());
    let caller = caller.and_then(|token| app.context.verifier.verify_ignoring_expiry(token, now).ok());
    Ok(caller.map(|caller| (caller.user, caller.session, true)))
}

/// Ends the sessions (refresh and access tokens) in one transaction, and closes their sockets after the response. An ended session ends nothing: an
/// old access token from a log must not sign its owner out again and again.
async fn end(app: &App, user: UserId, session: SessionId, scope: Scope) -> Result<(), Error> {
    retry_on_conflict(RetryPolicy::Single, (), |()| async {
        let (_, families) = app.store.user_with_token_families(user).await?;
        let now = app.context.clock.now();
        if !families.iter().any(|family| family.session_id == session && family.is_live(now)) {
            return Ok(Attempt::Done(()));
        }
        let ended: Vec<(FamilyId, SessionId)> = families
            .into_iter()
            .filter(|family| match scope {
                Scope::Local => family.session_id == session,
                Scope::Others => family.session_id != session,
                Scope::Global => true,
            })
            .filter(|family| family.revoked_at.is_none())
            .map(|family| (family.family_id, family.session_id))
            .collect();
        let done = ended.is_empty() || app.revoke(user, &ended).await?;
        // One of the sessions was deleted meanwhile: read again.
        Ok(if done { Attempt::Done(()) } else { Attempt::Stale(()) })
    })
    .await
}
