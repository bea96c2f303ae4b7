//! `DELETE /auth/users/{id}/invitation`: an administrator withdraws an invitation. Its links die.

use mail::LetterKind;
use shared_utils::audit;
use shared_utils::http::{Call, Error, Response};

use super::common::account_for_admin;
use crate::App;
use crate::store::{DueMail, LinkPurpose};

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, account, user) = account_for_admin(app, &call).await?;
    let id = user.profile.user_id;
    // A mail that is still due would make a new link.
    app.store.remove_due_mail(id, &DueMail::new(LetterKind::Invitation, &user.profile.email)).await?;
    let invitations: Vec<_> = account.links.into_iter().filter(|link| link.purpose == LinkPurpose::Invitation).collect();
    app.store.delete_links(id, &invitations).await?;
    audit!("invitation_withdrawn", userId = %id, by = %session.user);
    Ok(Response::empty(204))
}
