//! `POST /auth/users`: an administrator makes an account.

use serde::Serialize;
use shared_utils::auth::Role;
use shared_utils::http::fields::{Fields, Patch};
use shared_utils::http::{Call, Error, Response};
use shared_utils::random;

use crate::store::{NewUser, Profile};
use crate::{App, passwords};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(flatten)]
    profile: Profile,
    /// Told once and kept nowhere, when the request had no password.
    #[serde(skip_serializing_if = "Option::is_none")]
    one_time_password: Option<String>,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    if !caller.is_admin() {
        return Err(Error::Forbidden);
    }
    let mut fields = Fields::new(call.body);
    let email = fields.required_string("email", 1..=254);
    if !fields.is_faulty_at("email") && !is_address(email.trim()) {
        fields.fault("email", "invalid_value", "This must be an e-mail address.");
    }
    let password = fields.string("password", 0..=512);
    let first_name = fields.string("firstName", 1..=100).value();
    let last_name = fields.string("lastName", 1..=100).value();
    let role = fields.parsed::<Role>("role", "One of admin, designer, builder, vendor, client, user.").value().unwrap_or(Role::User);
    let pending = fields.boolean("pending").value().unwrap_or(false);
    if let Patch::Set(password) = &password
        && let Err((code, detail)) = passwords::check_new(password, &email)
    {
        fields.fault("password", code, detail);
    }
    fields.finish()?;
    let (password, one_time_password) = match password {
        Patch::Set(password) => (password, None),
        Patch::Absent | Patch::Clear => {
            let password = random::secret();
            (password.clone(), Some(password))
        }
    };
    let new = NewUser { email, password_hash: passwords::hash(&password)?, role, first_name, last_name, pending };
    let profile = app.store.create_user(new, Some(caller.user), app.edge.clock.now()).await?;
    shared_utils::audit!("role_changed", requestId = call.request.request_id, userId = %profile.user_id, by = %caller.user, role = ?role, pending, disabled = false);
    Response::json(201, &Answer { profile, one_time_password })
}

/// Whether mail could go there at all; whether it arrives, only mail can tell.
fn is_address(text: &str) -> bool {
    let plain = text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    plain && matches!(text.split('@').collect::<Vec<_>>()[..], [local, domain] if !local.is_empty() && !domain.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_two_sides() {
        assert!(is_address("ana@mylg.test"));
        for bad in ["ana", "@mylg.test", "ana@", "a@b@c", "a b@c", "ana@mylg.test\u{0}"] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }
}
