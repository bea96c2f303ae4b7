//! `POST /auth/refresh`: rotates the refresh token in one conditional write.
//!
//! With an `Idempotency-Key`, the previous token gets the same successor at any later time, until that successor has been used. A client whose
//! response was lost knows the key; an attacker who copied the token earlier does not.

use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::audit;
use shared_utils::fields::{Fields, Patch};
use shared_utils::http::{Call, Error, Response, idempotency};
use shared_utils::random::sha256;

use crate::App;
use crate::store::{Profile, Rotation, TokenFamily};
use crate::tokens::{RefreshToken, TokenPair};
use crate::transport::Transport;

/// The session goes on with these tokens.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RefreshResponse {
    #[serde(flatten)]
    tokens: TokenPair,
    user: Profile,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let transport = Transport::of(&call.request)?;
    let request_id = call.request.request_id.clone();
    transport.guard(&call.request, &app.context.cors)?;
    transport.cleared_on_401(refresh(app, call, transport).await, &request_id)
}

async fn refresh(app: &App, call: Call, transport: Transport) -> Result<Response, Error> {
    let now = app.context.clock.now();
    app.addresses.refresh(&call.request, now)?;
    let key_hash = idempotency::key(&call.request)?.map(|key| sha256(key.as_bytes()));
    let mut fields = Fields::new(call.body);
    let text = transport.token(&call.request, &mut fields);
    if transport == Transport::Cookie && text == Patch::Absent && !fields.is_faulty() {
        fields.finish()?;
        // First visit: there is no session yet, which is not an error.
        return Ok(Response::empty(204));
    }
    let text = fields.require("refreshToken", text).unwrap_or_default();
    fields.finish()?;
    let presented = RefreshToken::parse(&text).ok_or(Error::InvalidRefreshToken)?;
    let rotation = app.store.rotate(&presented, key_hash.as_deref(), app.tokens.lifetimes, app.rates.session_refresh, now);
    // The user is read concurrently with the rotation, so the frontend starts with one request.
    let (rotation, user) = futures_util::future::join(rotation, app.store.user(presented.family.user())).await;
    let (family, token, replayed) = match rotation? {
        Rotation::Rotated(family, token) => (family, token, false),
        Rotation::Repeated(family, token) => (family, token, key_hash.is_some()),
        Rotation::Reused(family) => {
            end_reused(app, &family).await?;
            return Err(Error::InvalidRefreshToken);
        }
        Rotation::Dead => return Err(Error::InvalidRefreshToken),
    };
    let answer = async {
        let user = user?.ok_or(Error::InvalidRefreshToken)?.profile;
        Ok(RefreshResponse { tokens: app.tokens.pair(family.subject(), &token, family.expires_at(), transport, now).await?, user })
    };
    let answer: RefreshResponse = match answer.await {
        Ok(answer) => answer,
        Err(error) => {
            // The token was rotated but the client gets no response: a late retry must not count as reuse.
            app.store.extend_grace(&family, now).await?;
            return Err(error);
        }
    };
    let response = Response::json(200, &answer)?;
    let response = if replayed { response.with_header("idempotent-replayed", "true") } else { response };
    Ok(transport.with_token(response, &token.text(), family.seconds_left(now)))
}

/// Someone has a copy of an old token: the whole session and its sockets end.
async fn end_reused(app: &App, family: &TokenFamily) -> Result<(), Error> {
    audit!("refresh_reuse", userId = %family.user_id, sessionId = %family.session_id);
    // A family that was deleted meanwhile counts as ended.
    app.revoke(family.user_id, &[(family.family_id, family.session_id)]).await.map(|_| ())
}
