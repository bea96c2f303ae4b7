//! `POST /auth/refresh`: the chain moves on by one conditional write.

use shared_utils::audit;
use shared_utils::http::fields::{Fields, Patch};
use shared_utils::http::{Call, Error, Response};

use crate::App;
use crate::store::{Family, Rotation};
use crate::tokens::RefreshToken;
use crate::transport::Transport;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let transport = Transport::of(&call.request)?;
    let request_id = call.request.request_id.clone();
    transport.guard(&call.request, &app.edge.cors)?;
    transport.cleared_on_401(refresh(app, call, transport).await, &request_id)
}

async fn refresh(app: &App, call: Call, transport: Transport) -> Result<Response, Error> {
    let now = app.edge.clock.now();
    app.addresses.refresh(&call.request, now)?;
    let mut fields = Fields::new(call.body);
    let text = match (transport, transport.token(&call.request, &mut fields)) {
        (Transport::Cookie, Patch::Absent) => return Err(Error::InvalidRefreshToken),
        (_, text) => fields.require("refreshToken", text).unwrap_or_default(),
    };
    fields.finish()?;
    let presented = RefreshToken::parse(&text).ok_or(Error::InvalidRefreshToken)?;
    let (family, token) = match app.store.rotate(&presented, app.tokens.lifetimes, app.rates.session_refresh, now).await? {
        Rotation::Rotated(family, token) | Rotation::Repeated(family, token) => (family, token),
        Rotation::Reused(family) => {
            end_reused(app, &family, &call.request.request_id).await?;
            return Err(Error::InvalidRefreshToken);
        }
        Rotation::Dead => return Err(Error::InvalidRefreshToken),
    };
    let pair = match app.tokens.pair(family.subject(), &token, family.expires_at(), transport, now).await {
        Ok(pair) => pair,
        Err(error) => {
            // The chain has moved and nobody was told: whoever comes for it later than usual is no thief.
            app.store.owe(&family, now).await?;
            return Err(error);
        }
    };
    Ok(transport.with_token(Response::json(200, &pair)?, &token.text(), family.seconds_left(now)))
}

/// Someone has a copy of an old token: the whole login ends, with its sockets.
async fn end_reused(app: &App, family: &Family, request_id: &str) -> Result<(), Error> {
    audit!("refresh_reuse", requestId = request_id, userId = %family.user_id, sessionId = %family.session_id);
    // A family that went meanwhile is as good as ended.
    app.revoke(family.user_id, &[(family.family_id, family.session_id)]).await.map(|_| ())
}
