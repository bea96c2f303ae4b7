//! `POST /auth/refresh`: the chain moves on by one conditional write.

use shared_utils::http::fields::Fields;
use shared_utils::http::{Call, Error, Response};

use crate::App;
use crate::store::{Family, Rotation};
use crate::tokens::RefreshToken;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let mut fields = Fields::new(call.body);
    let text = fields.string("refreshToken", 0..=512);
    let text = fields.require("refreshToken", text).unwrap_or_default();
    fields.finish()?;
    let presented = RefreshToken::parse(&text).ok_or(Error::InvalidRefreshToken)?;
    let now = app.edge.clock.now();
    let (family, token) = match app.store.rotate(&presented, app.tokens.lifetimes, now).await? {
        Rotation::Rotated(family, token) | Rotation::Repeated(family, token) => (family, token),
        Rotation::Reused(family) => {
            end_reused(app, &family).await?;
            return Err(Error::InvalidRefreshToken);
        }
        Rotation::Dead => return Err(Error::InvalidRefreshToken),
    };
    Response::json(200, &app.tokens.pair(family.subject(), &token, family.expires_at(), now).await?)
}

/// Someone has a copy of an old token: the whole login ends, with its sockets.
async fn end_reused(app: &App, family: &Family) -> Result<(), Error> {
    tracing::warn!(audit = "refresh_reuse", userId = %family.user_id, sessionId = %family.session_id, "audit");
    // A family that went meanwhile is as good as ended.
    app.revoke(family.user_id, &[(family.family_id, family.session_id)]).await.map(|_| ())
}
