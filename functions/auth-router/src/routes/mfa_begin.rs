//! `POST /auth/mfa/totp`: begins to set up the second factor. It is on when a first code confirms it.

use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use super::common::own_account;
use crate::totp::TotpSecret;
use crate::{App, attempts};

/// A secret for an authenticator app.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NewSecondFactor {
    /// The secret in base32, to type.
    secret: String,
    /// The same as an `otpauth://` address, to show as a QR code.
    uri: String,
}

impl NewSecondFactor {
    pub(super) fn new(app: &App, secret: &TotpSecret, email: &str) -> Self {
        let issuer = app.mailer.as_ref().map_or("MYLG", |mailer| mailer.studio_name());
        Self { secret: secret.to_string(), uri: secret.uri(issuer, email) }
    }
}

/// The current password.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> String {
    let current = fields.string("currentPassword", 0..=512);
    fields.require("currentPassword", current).unwrap_or_default()
}

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    let current = call.read_body(read)?;
    let (_, _, user) = own_account(app, &call).await?;
    attempts::require_password(app, &user, &current, &call.request).await?;
    let secret = TotpSecret::generate();
    if !app.store.begin_second_factor(user.profile.user_id, &secret).await? {
        return Err(Error::Conflict("The second factor is on.".into()));
    }
    Response::json(200, &NewSecondFactor::new(app, &secret, &user.profile.email))
}
