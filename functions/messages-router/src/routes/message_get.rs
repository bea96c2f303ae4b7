//! `GET /messages/{id}`

use shared_utils::http::conditional::{etag, is_not_modified};
use shared_utils::http::{Call, Error, Response};

use super::common::message_answer;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let found = app.messaging.find_message(call.params.id("id")?).await?;
    let message = found.ok_or(Error::NotFound)?.for_participant(caller.user)?;
    let etag = etag(message.version);
    if is_not_modified(&call.request, &etag) {
        return Ok(Response::empty(304).with_header("etag", etag));
    }
    message_answer(200, &message)
}
