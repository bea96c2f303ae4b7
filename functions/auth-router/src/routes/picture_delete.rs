//! `DELETE /auth/me/thumbnail`: the caller has no picture any more.

use files::FileOwner;
use shared_utils::dynamo::{RetryPolicy, retry_on_conflict};
use shared_utils::http::{Call, Error, Response};

use super::common::{own_account, picture_deletion};
use crate::App;
use crate::store::ProfilePatch;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let deletion = retry_on_conflict(RetryPolicy::Single, (), |()| async {
        let (session, _, user) = own_account(app, &call).await?;
        let deletion = picture_deletion(app, FileOwner::Person(user.profile.user_id), &user, None).await?;
        app.store.change_picture(&session, &user, &ProfilePatch::thumbnail(None), deletion, app.context.clock.now()).await
    });
    deletion.await?;
    app.files.process_removals_later(app.broadcaster.background_tasks());
    Ok(Response::empty(204))
}
