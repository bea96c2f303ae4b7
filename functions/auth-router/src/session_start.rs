//! Starts a session, after the password alone or after further steps.

use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::audit;
use shared_utils::clock::Timestamp;
use shared_utils::http::{Error, LoginStep, Request, Response};
use shared_utils::ids::{FamilyId, SessionId};

use crate::App;
use crate::store::{ChallengePurpose, LoginProof, Profile, TokenFamily, User};
use crate::tokens::{RefreshToken, Subject, TokenPair};
use crate::transport::Transport;

/// A new session: its tokens and its person.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoginResponse {
    #[serde(flatten)]
    tokens: TokenPair,
    user: Profile,
    /// New recovery codes, if this login set up the second factor. Shown only in this response.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes: Option<Vec<String>>,
}

/// The step that a login of this user needs after the password, if there is one.
pub(crate) fn next_step(app: &App, user: &User) -> Option<ChallengePurpose> {
    if user.second_factor.is_on() {
        Some(ChallengePurpose::SecondFactor)
    } else if app.admins_need_second_factor && user.status().administers() {
        Some(ChallengePurpose::Enrolment)
    } else if user.password_expired {
        Some(ChallengePurpose::NewPassword)
    } else {
        None
    }
}

/// The refusal of a login that needs another step.
pub(crate) fn needs(purpose: ChallengePurpose, challenge: String) -> Error {
    let step = match purpose {
        ChallengePurpose::SecondFactor => LoginStep::SecondFactor,
        ChallengePurpose::Enrolment => LoginStep::Enrolment,
        ChallengePurpose::NewPassword => LoginStep::NewPassword,
    };
    Error::LoginNeeds { step, challenge, expires_in: crate::store::CHALLENGE_SECONDS.unsigned_abs() }
}

/// Starts a session of a user who was just read with all sessions. `None` if the account changed meanwhile, or the proof was used.
pub(crate) async fn start(
    app: &App,
    (request, transport): (&Request, Transport),
    (user, families): (&User, Vec<TokenFamily>),
    proof: &LoginProof<'_>,
) -> Result<Option<Response>, Error> {
    let now = app.context.clock.now();
    let (family, token) = new_session(app, user, request, now);
    // Signed before the write: a login without a response must not end another session.
    let tokens = app.tokens.pair(family.subject(), &token, family.expires_at(), transport, now).await?;
    let Some(ended) = app.store.add_session(proof, user, &family, families, &app.revocations).await? else { return Ok(None) };
    if !ended.is_empty() {
        app.broadcaster.close_sessions_later(user.profile.user_id, ended);
    }
    audit!("login", userId = %family.user_id, sessionId = %family.session_id);
    if !user.unsent_mail.is_empty() || proof.mail.is_some() {
        app.send_due_mails_later(user.profile.user_id);
    }
    let recovery_codes = proof.enrolment.map(|(_, _, codes)| codes.texts().to_vec());
    let response = Response::json(200, &LoginResponse { tokens, user: user.profile.clone(), recovery_codes })?;
    Ok(Some(transport.with_token(response, &token.text(), family.seconds_left(now))))
}

fn new_session(app: &App, user: &User, request: &Request, now: Timestamp) -> (TokenFamily, RefreshToken) {
    let user_id = user.profile.user_id;
    let token = RefreshToken::first(FamilyId::generate(now, user_id));
    let subject =
        Subject { user: user_id, session: SessionId::generate(now), role: user.profile.role, version: user.version, pending: user.profile.pending };
    let from = (request.user_agent(), request.source_ip.clone());
    (TokenFamily::new(&token, subject, user.logins + 1, app.tokens.lifetimes, from, now), token)
}
