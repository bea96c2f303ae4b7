//! `GET /auth/mfa`: the state of the caller's second factor.

use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::http::{Call, Error, Response};

use crate::App;

/// The state of a second factor.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecondFactorState {
    /// Whether logins need a code.
    enabled: bool,
    /// Whether this environment requires it for this person's role.
    required: bool,
    /// The number of recovery codes that are left.
    recovery_codes_left: usize,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let user = app.store.user(call.caller()?.user).await?.filter(|user| !user.disabled).ok_or(Error::InvalidToken)?;
    Response::json(
        200,
        &SecondFactorState {
            enabled: user.second_factor.is_on(),
            required: app.admins_need_second_factor && user.status().administers(),
            recovery_codes_left: user.second_factor.recovery_codes.len(),
        },
    )
}
