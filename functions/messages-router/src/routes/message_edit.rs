//! `PATCH /messages/{id}`: the author changes the text.

use messaging::message::read_new_text;
use shared_utils::fields::Fields;
use shared_utils::http::{Call, Error, Response};

use super::common::{check_version, find_message, message_answer};
use crate::App;

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    let (session, found) = find_message(app, &call).await?;
    let mut fields = Fields::new(std::mem::take(&mut call.body));
    let text = read_new_text(&mut fields);
    if let Err(faults) = fields.finish() {
        // Access errors come before field errors.
        let found = found.ok_or(Error::NotFound)?;
        found.require_author(session.user)?;
        check_version(&call.request, found.message())?;
        return Err(faults.into());
    }
    let message = app.broadcaster.edit(&session, found, text.as_deref(), |message| check_version(&call.request, message)).await?;
    message_answer(200, &message)
}
