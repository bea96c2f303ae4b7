//! `PATCH /messages/conversations/{id}`: renames a group.

use messaging::group::GroupChange;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use super::common::{broadcast_group, find_conversation};
use crate::App;

pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> String {
    fields.required_string("title", 1..=120)
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, mut conversation) = find_conversation(app, &call).await?;
    conversation.require_can_manage(session.user)?;
    let mut fields = Fields::new(call.body);
    let title = read(&mut fields);
    fields.finish()?;
    if app.messaging.change_group(&session, &mut conversation, &GroupChange::Title(title)).await? {
        broadcast_group(app, &conversation, None);
    }
    Response::json(200, &conversation.view(session.user))
}
