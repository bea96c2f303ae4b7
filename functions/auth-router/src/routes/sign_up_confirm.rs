//! `POST /auth/sign-up/confirm`: the owner of the address confirms it and sets the password. The account then waits for approval.

use shared_utils::audit;
use shared_utils::auth::Role;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use crate::store::{NewUser, SignUpToken};
use crate::{App, passwords};

/// The token of the link and the password.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> (String, String) {
    let token = fields.required_string("token", 1..=200);
    (token, passwords::require_new(fields, "password"))
}

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    if !app.sign_up_is_open {
        return Err(Error::Forbidden);
    }
    let now = app.context.clock.now();
    app.addresses.login(&call.request, now)?;
    let (token, password) = call.read_body(read)?;
    let token: SignUpToken = token.parse().map_err(|_| Error::InvalidLink)?;
    let sign_up = app.store.sign_up(&token, now).await?.ok_or(Error::InvalidLink)?;
    if let Err((code, detail)) = passwords::check_new(&password, &sign_up.email) {
        return Err(Error::field("password", code, detail));
    }
    let new = NewUser {
        email: sign_up.email.parse().map_err(Error::internal)?,
        password_hash: passwords::hash(&password)?,
        role: Role::User,
        first_name: sign_up.first_name,
        last_name: sign_up.last_name,
        pending: true,
        mail: None,
    };
    let profile = app.store.create_signed_up_user(new, &token, now).await?;
    audit!("signed_up", userId = %profile.user_id);
    Response::json(201, &profile)
}
