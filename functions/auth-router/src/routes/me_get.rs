//! `GET /auth/me`: the caller's profile.

use shared_utils::http::{Call, Error, Response};

use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    // A user that is gone has no rights left to ask with.
    let user = app.store.user(caller.user).await?.filter(|user| !user.disabled).ok_or(Error::InvalidToken)?;
    Response::json(200, &user.profile)
}
