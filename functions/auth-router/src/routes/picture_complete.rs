//! `POST /auth/me/thumbnail/{fileId}/complete`: the picture becomes the caller's `thumbnail`. The one before is deleted in the same transaction.

use files::FileOwner;
use futures_util::future::try_join;
use shared_utils::dynamo::{RetryPolicy, retry_on_conflict};
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::FileId;

use super::common::{own_account, picture_deletion};
use crate::App;
use crate::store::ProfilePatch;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let owner = FileOwner::Person(call.caller()?.user);
    let file: FileId = call.params.id("fileId")?;
    let profile = retry_on_conflict(RetryPolicy::Single, (), |()| async {
        let found = async { Ok(app.files.find(owner, file).await?) };
        let ((session, _, user), found) = try_join(own_account(app, &call), found).await?;
        let completion = async { Ok(app.files.completion(&session, owner, found).await?) };
        let (completion, deletion) = try_join(completion, picture_deletion(app, owner, &user, Some(file))).await?;
        let patch = ProfilePatch::thumbnail(Some(completion.file.object.key.to_string()));
        let writes = [completion.writes, deletion].concat();
        app.store.change_picture(&session, &user, &patch, writes, app.context.clock.now()).await
    });
    let profile = profile.await?;
    app.files.process_removals_later(app.broadcaster.background_tasks());
    Response::json(200, &profile)
}
