//! `POST /auth/email/confirm`: confirms a new address with the link of a mail. The old address is told.

use mail::LetterKind;
use shared_utils::audit;
use shared_utils::dynamo::{Attempt, RetryPolicy, retry_on_conflict};
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use crate::App;
use crate::store::{AddressOutcome, LinkPurpose, LinkToken};

/// The token of the link.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> String {
    fields.required_string("token", 1..=200)
}

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    app.addresses.login(&call.request, app.context.clock.now())?;
    let token = call.read_body(read)?;
    let token: LinkToken = token.parse().map_err(|_| Error::InvalidLink)?;
    let token = &token;
    retry_on_conflict(RetryPolicy::Single, (), |()| async move {
        let account = app.store.account(token.user).await?;
        let now = app.context.clock.now();
        let user = account.user.filter(|user| !user.disabled).ok_or(Error::InvalidLink)?;
        let link = token.find(&account.links).filter(|link| link.purpose == LinkPurpose::AddressConfirmation && link.is_live(&user, now));
        let (link, address) = link.and_then(|link| Some((link, link.address.clone()?))).ok_or(Error::InvalidLink)?;
        let mail = app.mail(LetterKind::AddressChanged, &user.profile.email);
        match app.store.confirm_address(&user, link, &address, mail.as_ref(), now).await? {
            AddressOutcome::Changed => {}
            AddressOutcome::Taken => return Err(Error::Conflict("This address is taken.".into())),
            AddressOutcome::Stale => return Ok(Attempt::Stale(())),
        }
        audit!("address_changed", userId = %user.profile.user_id, by = "link");
        app.send_due_mails_later(user.profile.user_id);
        Ok(Attempt::Done(Response::empty(204)))
    })
    .await
}
