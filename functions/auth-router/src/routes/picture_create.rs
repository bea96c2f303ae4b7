//! `POST /auth/me/thumbnail`: declares a picture of the caller, and gives the forms that upload it.

use files::{FileForm, FileOwner};
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use super::common::own_account;
use crate::App;

/// The media types of pictures. None of them can run a script.
const PICTURES: [&str; 5] = ["image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"];

/// The declaration of a picture.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>, max_size: u64) -> FileForm {
    let form = FileForm::read(fields, max_size);
    if !fields.is_faulty_at("type") && !PICTURES.contains(&form.content.media_type.as_str()) {
        fields.fault("type", "invalid_value", "A picture is AVIF, GIF, JPEG, PNG or WebP.");
    }
    form
}

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    let (session, _, user) = own_account(app, &call).await?;
    let form = call.read_body(|fields| read(fields, app.files.limits().file))?;
    let new = app.files.declare(&session, FileOwner::Person(user.profile.user_id), form, None).await?;
    app.files.process_removals_later(app.broadcaster.background_tasks());
    Response::json(201, &new)
}
