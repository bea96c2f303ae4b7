//! What several routes share.

use access::session::Session;
use files::{FileOwner, picture_of};
use shared_utils::dynamo::TransactWrite;
use shared_utils::http::{Call, Error};
use shared_utils::ids::{FileId, UserId};

use crate::App;
use crate::store::{Account, Challenge, User};

/// For administrators: the account that the path names. An account that does not exist is [`Error::NotFound`].
pub(super) async fn account_for_admin(app: &App, call: &Call) -> Result<(Session, Account, User), Error> {
    let caller = call.caller()?;
    if !caller.is_admin() {
        return Err(Error::Forbidden);
    }
    let id: UserId = call.params.id("id")?;
    let (session, mut account) = app.revocations.with_session_check(caller, app.store.account(id)).await?;
    let user = account.user.take().ok_or(Error::NotFound)?;
    Ok((session, account, user))
}

/// The caller's own account, which must be active and have the rights of the token.
pub(super) async fn own_account(app: &App, call: &Call) -> Result<(Session, Account, User), Error> {
    let caller = call.caller()?;
    let (session, mut account) = app.revocations.with_session_check(caller, app.store.account(caller.user)).await?;
    let user = account.user.take().filter(|user| !user.disabled && user.version == caller.version).ok_or(Error::InvalidToken)?;
    Ok((session, account, user))
}

/// The account of a challenge, if its password is still the one that was verified.
pub(super) async fn challenged(app: &App, secret: &str) -> Result<(Challenge, Account, User), Error> {
    let challenge = app.store.challenge(secret, app.context.clock.now()).await?.ok_or(Error::InvalidChallenge)?;
    let mut account = app.store.account(challenge.user_id).await?;
    let user = account.user.take().filter(|user| !user.disabled && user.password_digest() == challenge.password_digest);
    Ok((challenge, account, user.ok_or(Error::InvalidChallenge)?))
}

/// The writes that delete the picture of a profile, unless it is `kept`. None if the profile has no picture, or a link.
pub(super) async fn picture_deletion(app: &App, owner: FileOwner, user: &User, kept: Option<FileId>) -> Result<Vec<TransactWrite>, Error> {
    let picture = user.profile.thumbnail.as_deref().and_then(|thumbnail| picture_of(owner, thumbnail));
    let Some(picture) = picture.filter(|picture| Some(*picture) != kept) else { return Ok(Vec::new()) };
    let Some(file) = app.files.find(owner, picture).await? else { return Ok(Vec::new()) };
    Ok(app.files.table().removed(owner, &[file], app.context.clock.now())?)
}
