//! `POST /auth/password/forgot`: mails a link that sets a new password. Known and unknown addresses do the same work and get the same response.

use mail::LetterKind;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use crate::App;
use crate::attempts::unknown_user;
use crate::store::{DueMail, normalized};

/// The address.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> String {
    fields.required_string("email", 1..=254)
}

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    app.require_mailer()?;
    let now = app.context.clock.now();
    app.addresses.mail(&call.request, now)?;
    let email = call.read_body(read)?;

    let (counted, user) = futures_util::future::try_join(app.store.count_mail(&email, app.rates.mail, now), app.store.user_of(&email)).await?;
    counted?;
    #[cfg(feature = "early-return")]
    if user.is_none() {
        return Ok(Response::empty(202));
    }
    let mail = DueMail::new(LetterKind::PasswordReset, &normalized(&email));
    match user {
        Some(user) => app.store.add_due_mail(user, &mail).await?,
        None => app.store.add_mail_to_nobody(&mail).await?,
    }
    // Reads the account after the response, for nobody too.
    app.send_due_mails_later(user.unwrap_or_else(unknown_user));
    Ok(Response::empty(202))
}
