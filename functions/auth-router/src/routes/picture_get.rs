//! `GET /auth/users/{id}/thumbnail`: a URL to download a person's picture.

use files::{FileOwner, picture_of};
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::UserId;

use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let variant = call.query(&["variant"])?.get("variant");
    let id: UserId = call.params.id("id")?;
    let owner = FileOwner::Person(id);
    let people = app.people.find(&[id]).await?;
    let thumbnail = people.get(&id).filter(|person| person.is_active()).and_then(|person| person.thumbnail.as_deref());
    let file = thumbnail.and_then(|thumbnail| picture_of(owner, thumbnail)).ok_or(Error::NotFound)?;
    let download = app.files.download(app.files.find(owner, file).await?, variant).await?;
    Response::link(&call.request, &download.url, &download)
}
