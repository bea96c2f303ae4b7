//! `POST /auth/me/thumbnail/{fileId}/complete`: the picture becomes the caller's `thumbnail`. The one before is deleted.

use files::{FileOwner, picture_of};
use futures_util::future::try_join;
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::FileId;

use super::common::own_account;
use crate::App;
use crate::store::ProfilePatch;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let owner = FileOwner::Person(call.caller()?.user);
    let file: FileId = call.params.id("fileId")?;
    let found = async { Ok(app.files.find(owner, file).await?) };
    let ((session, _, user), found) = try_join(own_account(app, &call), found).await?;
    let completed = app.files.complete(&session, owner, found).await?;
    let before = user.profile.thumbnail.as_deref().and_then(|thumbnail| picture_of(owner, thumbnail)).filter(|before| *before != file);
    let patch = ProfilePatch::thumbnail(Some(completed.file.object.key.to_string()));
    let profile = app.store.change_profile(&session, user, &patch, app.context.clock.now()).await?.ok_or(Error::InvalidToken)?;
    if let Some(before) = before {
        // It may have gone already.
        match app.files.delete(&session, owner, app.files.find(owner, before).await?, |_| Ok(())).await {
            Ok(()) | Err(files::Error::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    app.files.process_removals_later(app.broadcaster.background_tasks());
    Response::json(200, &profile)
}
