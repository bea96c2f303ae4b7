//! `POST /auth/login/mfa`: the second step of a login: a code of the app or a recovery code; or the first code of a second factor that must be set up.

use mail::LetterKind;
use shared_utils::audit;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Request, Response};

use super::common::challenged;
use crate::App;
use crate::attempts::{self, CodeProof};
use crate::session_start::{needs, start};
use crate::store::{Account, ChallengePurpose, LoginProof, User};
use crate::totp::RecoveryCodes;
use crate::transport::Transport;

/// The secret of the challenge and the code.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> (String, String) {
    (fields.required_string("challenge", 1..=100), fields.required_string("code", 1..=40))
}

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    let transport = Transport::of(&call.request)?;
    transport.guard(&call.request, &app.context.cors)?;
    app.addresses.login(&call.request, app.context.clock.now())?;
    let (secret, code) = call.read_body(read)?;
    let (challenge, account, user) = challenged(app, &secret).await?;
    let login = Login { app, request: &call.request, transport, secret: &secret, code: &code };
    match challenge.purpose {
        ChallengePurpose::SecondFactor => login.with_code(account, user).await,
        ChallengePurpose::Enrolment => login.with_first_code(account, user).await,
        ChallengePurpose::NewPassword => Err(Error::InvalidChallenge),
    }
}

/// The second step of one login.
struct Login<'a> {
    app: &'a App,
    request: &'a Request,
    transport: Transport,
    secret: &'a str,
    code: &'a str,
}

impl Login<'_> {
    async fn with_code(&self, account: Account, user: User) -> Result<Response, Error> {
        let app = self.app;
        let right = attempts::check_code(app, &user, self.code, self.request).await?.ok_or(Error::InvalidCode)?;
        let (totp_step, recovery_code) = match right.proof {
            CodeProof::Step(step) => (Some(step), None),
            CodeProof::Recovery(hash) => (None, Some(hash)),
        };
        if user.password_expired {
            if !app.store.use_code(&user, totp_step, recovery_code.as_deref()).await? || !app.store.challenge_needs_password(self.secret).await? {
                return Err(Error::InvalidCode);
            }
            app.store.attempt_was_right(&right.attempt, app.context.clock.now()).await?;
            return Err(needs(ChallengePurpose::NewPassword, self.secret.to_owned()));
        }
        let proof = LoginProof { attempt: Some(&right.attempt), challenge: Some(self.secret), totp_step, recovery_code, ..LoginProof::default() };
        start(app, (self.request, self.transport), (&user, account.families), &proof).await?.ok_or(Error::InvalidCode)
    }

    async fn with_first_code(&self, account: Account, user: User) -> Result<Response, Error> {
        let app = self.app;
        let Some(secret) = user.second_factor.pending_totp_secret.as_ref() else { return Err(Error::InvalidChallenge) };
        let (attempt, step) = attempts::check_first_code(app, &user, self.code, self.request).await?.ok_or(Error::InvalidCode)?;
        let codes = RecoveryCodes::generate();
        let mail = app.mail(LetterKind::SecondFactorOn, &user.profile.email);
        let proof = LoginProof {
            attempt: Some(&attempt),
            challenge: Some(self.secret),
            enrolment: Some((secret, step, &codes)),
            mail: mail.as_ref(),
            ..LoginProof::default()
        };
        let response = start(app, (self.request, self.transport), (&user, account.families), &proof).await?.ok_or(Error::InvalidCode)?;
        audit!("second_factor_on", userId = %user.profile.user_id);
        Ok(response)
    }
}
