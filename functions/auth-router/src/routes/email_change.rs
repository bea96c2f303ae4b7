//! `POST /auth/me/email`: asks for another address. It counts when its owner confirms it with the link of a mail.

use mail::LetterKind;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use super::common::own_account;
use crate::store::{Address, DueMail, MALFORMED_ADDRESS};
use crate::{App, attempts};

/// The new address and the current password.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> (Option<Address>, String) {
    let email = fields.parsed("email", MALFORMED_ADDRESS);
    let email = fields.require("email", email);
    let current = fields.string("currentPassword", 0..=512);
    (email, fields.require("currentPassword", current).unwrap_or_default())
}

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    let (email, current) = call.read_body(read)?;
    let email = email.ok_or_else(|| Error::internal("an address without a fault and without a value"))?.to_string();
    app.require_mailer()?;
    let (_, _, user) = own_account(app, &call).await?;
    attempts::require_password(app, &user, &current, &call.request).await?;
    let now = app.context.clock.now();
    app.store.count_mail(&email, app.rates.mail, now).await??;
    // Whether somebody has the address is told only to its owner, by the link that then does not work.
    app.store.add_due_mail(user.profile.user_id, &DueMail::new(LetterKind::AddressConfirmation, &email)).await?;
    app.send_due_mails_later(user.profile.user_id);
    Ok(Response::empty(202))
}
