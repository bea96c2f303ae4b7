//! `PATCH /messages/{id}`: its author gives it another text.

use messaging::frames;
use messaging::message::read_text;
use shared_utils::http::fields::Fields;
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::MessageId;

use super::{check_version, message_answer};
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let id: MessageId = call.params.id(0)?;
    let mut fields = Fields::new(call.body);
    let text = read_text(&mut fields);
    let text = fields.require("text", text).unwrap_or_default();
    if let Err(faults) = fields.finish() {
        // Who may not see or edit the message learns that first.
        let (message, _) = app.messaging.message(caller.user, id).await?;
        if message.sender_id != caller.user {
            return Err(Error::Forbidden);
        }
        check_version(&call.request, &message)?;
        return Err(faults);
    }
    let changed = app.messaging.edit(caller.user, id, &text, |message| check_version(&call.request, message)).await?;
    app.announce_later(changed.conversation.participants(), frames::edit_message(&changed.conversation, &changed.message));
    message_answer(200, &changed.message)
}
