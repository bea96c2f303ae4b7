//! `toggleReaction {messageId, emoji, on?}`: as `PUT` and `DELETE /messages/{id}/reactions/{emoji}`; without `on` whichever of the two
//! changes something.

use messaging::change::Found;
use messaging::frames;
use messaging::message::Reaction;
use serde_json::{Value, json};
use shared_utils::http::Error;

use super::{Received, named_message};
use crate::App;

pub(super) async fn handle(app: &App, received: Received<'_>, found: Option<Found>) -> Result<Value, Error> {
    let user = received.connection.user_id;
    let mut fields = received.fields;
    let found = named_message(&mut fields, found, user)?;
    let emoji = fields.string("emoji", 0..=64);
    let emoji = fields.require("emoji", emoji).unwrap_or_default();
    let on = fields.boolean("on").value();
    fields.finish()?;
    let changed = app.messaging.react(user, found, &Reaction::new(&emoji, on)?, |_| Ok(())).await?;
    if changed.written {
        app.broadcaster.announce_later(changed.conversation.participants(), frames::toggle_reaction(&changed.conversation, &changed.message));
    }
    Ok(received.echo.ack(json!({"message": changed.message})))
}
