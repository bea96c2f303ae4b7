//! `PATCH /messages/conversations/{id}`: a group gets another title.

use messaging::group::GroupChange;
use shared_utils::http::fields::Fields;
use shared_utils::http::{Call, Error, Response};

use super::{announce_group, find_conversation};
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let mut conversation = find_conversation(app, &caller, &call).await?;
    conversation.require_decision(caller.user)?;
    let mut fields = Fields::new(call.body);
    let title = fields.required_string("title", 1..=120);
    fields.finish()?;
    if app.messaging.change_group(caller.user, &mut conversation, &GroupChange::Title(title)).await? {
        announce_group(app, &conversation, None);
    }
    Response::json(200, &conversation.view(caller.user))
}
