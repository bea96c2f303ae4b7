//! `POST /auth/login/mfa/enrol`: gets the secret of a second factor that must be set up before the login can go on.

use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use super::common::challenged;
use super::mfa_begin::NewSecondFactor;
use crate::App;
use crate::store::ChallengePurpose;
use crate::totp::TotpSecret;

/// The secret of the challenge.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> String {
    fields.required_string("challenge", 1..=100)
}

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    app.addresses.login(&call.request, app.context.clock.now())?;
    let secret = call.read_body(read)?;
    let (challenge, _, user) = challenged(app, &secret).await?;
    let totp = TotpSecret::generate();
    if challenge.purpose != ChallengePurpose::Enrolment || !app.store.begin_second_factor(user.profile.user_id, &totp).await? {
        return Err(Error::InvalidChallenge);
    }
    Response::json(200, &NewSecondFactor::new(app, &totp, &user.profile.email))
}
