//! `POST /auth/sign-up`: asks for an account, where the environment allows it. A mail goes to the address, whether or not it has an account.

use mail::{Letter, LetterKind};
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use crate::App;
use crate::store::{Address, DueMail, MALFORMED_ADDRESS};

/// Address and names.
pub(crate) struct SignUpForm {
    email: Option<Address>,
    first_name: Option<String>,
    last_name: Option<String>,
}

pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> SignUpForm {
    let email = fields.parsed("email", MALFORMED_ADDRESS);
    SignUpForm {
        email: fields.require("email", email),
        first_name: fields.name("firstName", 1..=100).value(),
        last_name: fields.name("lastName", 1..=100).value(),
    }
}

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    if !app.sign_up_is_open {
        return Err(Error::Forbidden);
    }
    let mailer = app.require_mailer()?.clone();
    let now = app.context.clock.now();
    app.addresses.mail(&call.request, now)?;
    let SignUpForm { email, first_name, last_name } = call.read_body(read)?;
    let email = email.ok_or_else(|| Error::internal("an address without a fault and without a value"))?.to_string();

    let (counted, user) = futures_util::future::try_join(app.store.count_mail(&email, app.rates.mail, now), app.store.user_of(&email)).await?;
    counted?;
    // Both writes happen in both cases, so timing reveals nothing.
    let token = app.store.add_sign_up(&email, (first_name, last_name), now).await?;
    let mail = DueMail::new(LetterKind::AccountExists, &email);
    if let Some(user) = user {
        app.store.add_due_mail(user, &mail).await?;
        app.send_due_mails_later(user);
        return Ok(Response::empty(202));
    }
    app.store.add_mail_to_nobody(&mail).await?;
    app.broadcaster.background_tasks().push(async move {
        if let Err(error) = mailer.send(&email, &Letter::with_link(LetterKind::SignUp, token.to_string())).await {
            // There is no account yet whose next request could send it again: the person signs up again.
            tracing::error!(cause = error.for_log(), kind = "signUp", "a mail could not be sent");
        }
    });
    Ok(Response::empty(202))
}
