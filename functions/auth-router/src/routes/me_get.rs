//! `GET /auth/me`: the caller's profile.

use shared_utils::http::{Call, Error, Response};

use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    // A deleted or disabled user has no rights.
    let user = app.store.user(caller.user).await?.filter(|user| !user.disabled).ok_or(Error::InvalidToken)?;
    if !user.unsent_mail.is_empty() {
        app.send_due_mails_later(user.profile.user_id);
    }
    Response::json(200, &user.profile)
}
