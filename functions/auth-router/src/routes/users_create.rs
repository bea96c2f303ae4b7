//! `POST /auth/users`: an administrator creates an account.

use mail::LetterKind;
use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::auth::Role;
use shared_utils::fields::{FieldLog, Fields, Patch};
use shared_utils::http::{Call, Error, Response};
use shared_utils::random;

use super::users_patch::ROLES;
use crate::store::{Address, MALFORMED_ADDRESS, NewUser, Profile};
use crate::{App, passwords};

/// A new account.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewUserResponse {
    #[serde(flatten)]
    profile: Profile,
    /// A generated password, if the request had none and this environment sends no mail. Shown only in this response and never stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    one_time_password: Option<String>,
    /// Whether a mail with a link that sets the password goes to the address.
    invited: bool,
}

/// An account to be.
pub(crate) struct UserForm {
    email: Option<Address>,
    password: Patch<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    role: Role,
    pending: bool,
}

pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> UserForm {
    let email = fields.parsed("email", MALFORMED_ADDRESS);
    UserForm {
        email: fields.require("email", email),
        password: passwords::read_new(fields, "password"),
        first_name: fields.name("firstName", 1..=100).value(),
        last_name: fields.name("lastName", 1..=100).value(),
        role: fields.parsed("role", ROLES).value().unwrap_or(Role::User),
        pending: fields.boolean("pending").value().unwrap_or(false),
    }
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let session = app.revocations.check_session(call.caller()?).await?;
    if !session.is_admin() {
        return Err(Error::Forbidden);
    }
    let mut fields = Fields::new(call.body);
    let typed = fields.peek("email").unwrap_or_default().to_owned();
    let UserForm { email, password, first_name, last_name, role, pending } = read(&mut fields);
    if let Patch::Set(password) = &password
        && let Err((code, detail)) = passwords::check_new(password, &typed)
    {
        fields.fault("password", code, detail);
    }
    fields.finish()?;
    let email = email.ok_or_else(|| Error::internal("an address without a fault and without a value"))?;
    // Without a password the person is invited to set one. Until then the account has a password that nobody knows.
    let (password, has_none) = password.value().map_or_else(|| (random::secret(), true), |password| (password, false));
    let mail = app.mail(LetterKind::Invitation, &email.to_string()).filter(|_| has_none).map(|mail| mail.kind);
    let invited = mail.is_some();
    let new = NewUser { email, password_hash: passwords::hash(&password)?, role, first_name, last_name, pending, mail };
    let profile = app.store.create_user(new, Some(&session), app.context.clock.now()).await?;
    shared_utils::audit!("role_changed", userId = %profile.user_id, by = %session.user, role = ?role, pending, disabled = false);
    if invited {
        app.send_due_mails_later(profile.user_id);
    }
    let one_time_password = (has_none && !invited).then_some(password);
    Response::json(201, &NewUserResponse { profile, one_time_password, invited })
}
