//! `PUT /messages/conversations/{id}/read`: the caller has read up to `seq`. A read marker never moves back.

use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use super::common::find_conversation;
use crate::App;

pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> u64 {
    let seq = fields.integer("seq", 0..=u64::MAX);
    fields.require("seq", seq).unwrap_or_default()
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, mut conversation) = find_conversation(app, &call).await?;
    let mut fields = Fields::new(call.body);
    let seq = read(&mut fields);
    fields.finish()?;
    app.broadcaster.mark_read(&session, &mut conversation, seq).await?;
    Ok(Response::empty(204))
}
