//! `POST /auth/users/{id}/invitation`: an administrator sends the invitation again. Older links of it die.

use mail::LetterKind;
use shared_utils::audit;
use shared_utils::http::{Call, Error, Response};

use super::common::account_for_admin;
use crate::App;
use crate::store::{DueMail, LinkPurpose};

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, account, user) = account_for_admin(app, &call).await?;
    app.require_mailer()?;
    if user.logins > 0 {
        return Err(Error::Conflict("This person has signed in: send a password reset instead.".into()));
    }
    let id = user.profile.user_id;
    app.store.count_mail(&user.profile.email, app.rates.mail, app.context.clock.now()).await??;
    let invitations: Vec<_> = account.links.into_iter().filter(|link| link.purpose == LinkPurpose::Invitation).collect();
    app.store.delete_links(id, &invitations).await?;
    app.store.add_due_mail(id, &DueMail::new(LetterKind::Invitation, &user.profile.email)).await?;
    audit!("invitation_sent", userId = %id, by = %session.user);
    app.send_due_mails_later(id);
    Ok(Response::empty(202))
}
