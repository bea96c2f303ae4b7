//! `DELETE /auth/sessions/{id}`: ends one of the caller's sessions.

use shared_utils::audit;
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::SessionId;

use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let session: SessionId = call.params.id("id")?;
    let now = app.context.clock.now();
    let read = app.store.user_with_token_families(caller.user);
    let (_, (_, families)) = app.revocations.with_session_check(caller, read).await?;
    let family = families.into_iter().find(|family| family.session_id == session && family.is_live(now)).ok_or(Error::NotFound)?;
    if !app.revoke(caller.user, &[(family.family_id, session)]).await? {
        return Err(Error::NotFound);
    }
    audit!("logout", userId = %caller.user, sessionId = %session);
    Ok(Response::empty(204))
}
