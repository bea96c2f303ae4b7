//! `PUT /messages/conversations/{id}/read`: the caller has read up to `seq`. A read marker never moves back.

use shared_utils::fields::Fields;
use shared_utils::http::{Call, Error, Response};

use super::common::find_conversation;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, mut conversation) = find_conversation(app, &call).await?;
    let mut fields = Fields::new(call.body);
    let seq = fields.integer("seq", 0..=u64::MAX);
    let seq = fields.require("seq", seq).unwrap_or_default();
    fields.finish()?;
    app.broadcaster.mark_read(&session, &mut conversation, seq).await?;
    Ok(Response::empty(204))
}
