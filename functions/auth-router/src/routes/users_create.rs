//! `POST /auth/users`: an administrator creates an account.

use serde::Serialize;
use shared_utils::auth::Role;
use shared_utils::fields::{Fields, Patch};
use shared_utils::http::{Call, Error, Response};
use shared_utils::random;

use crate::store::{Address, MALFORMED_ADDRESS, NewUser, Profile};
use crate::{App, passwords};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(flatten)]
    profile: Profile,
    /// A generated password, if the request had none. Shown only in this response and never stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    one_time_password: Option<String>,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let session = app.revocations.check_session(call.caller()?).await?;
    if !session.is_admin() {
        return Err(Error::Forbidden);
    }
    let mut fields = Fields::new(call.body);
    let typed = fields.peek("email").unwrap_or_default().to_owned();
    let email = fields.parsed::<Address>("email", MALFORMED_ADDRESS);
    let email = fields.require("email", email);
    let password = fields.string("password", 0..=512);
    let [first_name, last_name] = ["firstName", "lastName"].map(|name| fields.name(name, 1..=100).value());
    let role = fields.parsed::<Role>("role", "One of admin, designer, builder, vendor, client, user.").value().unwrap_or(Role::User);
    let pending = fields.boolean("pending").value().unwrap_or(false);
    if let Patch::Set(password) = &password
        && let Err((code, detail)) = passwords::check_new(password, &typed)
    {
        fields.fault("password", code, detail);
    }
    fields.finish()?;
    let email = email.ok_or_else(|| Error::internal("an address without a fault and without a value"))?;
    let (password, one_time_password) = match password {
        Patch::Set(password) => (password, None),
        Patch::Absent | Patch::Clear => {
            let password = random::secret();
            (password.clone(), Some(password))
        }
    };
    let new = NewUser { email, password_hash: passwords::hash(&password)?, role, first_name, last_name, pending };
    let profile = app.store.create_user(new, Some(&session), app.context.clock.now()).await?;
    shared_utils::audit!("role_changed", requestId = call.request.request_id, userId = %profile.user_id, by = %session.user, role = ?role, pending, disabled = false);
    Response::json(201, &Answer { profile, one_time_password })
}
