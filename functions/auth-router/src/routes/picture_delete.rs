//! `DELETE /auth/me/thumbnail`: the caller has no picture any more.

use files::{FileOwner, picture_of};
use shared_utils::http::{Call, Error, Response};

use super::common::own_account;
use crate::App;
use crate::store::ProfilePatch;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, _, user) = own_account(app, &call).await?;
    let owner = FileOwner::Person(user.profile.user_id);
    let picture = user.profile.thumbnail.as_deref().and_then(|thumbnail| picture_of(owner, thumbnail));
    let patch = ProfilePatch::thumbnail(None);
    app.store.change_profile(&session, user, &patch, app.context.clock.now()).await?.ok_or(Error::InvalidToken)?;
    if let Some(picture) = picture {
        match app.files.delete(&session, owner, app.files.find(owner, picture).await?, |_| Ok(())).await {
            Ok(()) | Err(files::Error::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    app.files.process_removals_later(app.broadcaster.background_tasks());
    Ok(Response::empty(204))
}
