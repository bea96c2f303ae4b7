//! Counts password attempts: logins, the current password in a change, and codes of the second factor.

use shared_utils::audit;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Attempt, RetryPolicy, StoreError, retry_on_conflict};
use shared_utils::http::{Error, Request};
use shared_utils::ids::UserId;

use crate::store::{self, User};
use crate::totp::recovery_code_hash;
use crate::{App, passwords};

/// Counts the attempt as a failure before any hashing, so that parallel guesses count too. A success resets the count. Also looks up the account of
/// the address. Unknown accounts do the same work, so timing reveals nothing.
pub(crate) async fn count(app: &App, email: &str, request: &Request) -> Result<(store::Attempt, Option<User>), Error> {
    let counted = retry_on_conflict(RetryPolicy::Single, (), |()| async {
        let now = app.context.clock.now();
        let (attempt, user) = app.store.attempt_and_user(email, &request.source_ip, now).await?;
        if let Some(lock) = attempt.lock(now) {
            audit!("login_locked", address = attempt.pseudonym());
            return Ok(Attempt::Done(Err(lock)));
        }
        let user = app.store.user(user.unwrap_or_else(unknown_user));
        let (is_counted, user) = futures_util::future::try_join(app.store.count_failure(&attempt, now), user).await?;
        // A concurrent attempt was counted first. The retry starts at once: a wait would give other attempts an advantage.
        Ok(if is_counted { Attempt::Done(Ok((attempt, user))) } else { Attempt::Refused(()) })
    });
    unless_locked(counted.await)
}

/// Counts a code of a person's second factor as a failure, before it is checked. The count is apart from that of passwords.
async fn count_code(app: &App, user: UserId, request: &Request) -> Result<store::Attempt, Error> {
    let name = format!("second factor of {user}");
    let counted = retry_on_conflict(RetryPolicy::Single, (), |()| async {
        let now = app.context.clock.now();
        let attempt = app.store.attempt(&name, &request.source_ip, now).await?;
        if let Some(lock) = attempt.lock(now) {
            audit!("second_factor_locked", userId = %user);
            return Ok(Attempt::Done(Err(lock)));
        }
        Ok(if app.store.count_failure(&attempt, now).await? { Attempt::Done(Ok(attempt)) } else { Attempt::Refused(()) })
    });
    unless_locked(counted.await)
}

fn unless_locked<T>(counted: Result<Result<T, store::Lock>, StoreError>) -> Result<T, Error> {
    let retry_after = match counted {
        Ok(Ok(counted)) => return Ok(counted),
        Ok(Err(lock)) => lock.retry_after,
        Err(StoreError::Contended) => 1,
        Err(error) => return Err(error.into()),
    };
    Err(Error::TooManyAttempts { retry_after })
}

/// Checks the current password of a signed-in person. A wrong one counts as a failed login: [`Error::WrongPassword`].
pub(crate) async fn require_password(app: &App, user: &User, current: &str, request: &Request) -> Result<(), Error> {
    let (attempt, _) = count(app, &user.profile.email, request).await?;
    if !passwords::verify(current, Some(&user.password_hash))? {
        audit!("login_failed", userId = %user.profile.user_id);
        return Err(Error::WrongPassword);
    }
    Ok(app.store.attempt_was_right(&attempt, app.context.clock.now()).await?)
}

/// A right code of the second factor.
pub(crate) struct RightCode {
    pub(crate) attempt: store::Attempt,
    /// The time step of a code of the app, or the SHA-256 of a recovery code.
    pub(crate) proof: CodeProof,
}

/// What a right code uses up.
pub(crate) enum CodeProof {
    Step(u64),
    Recovery(String),
}

/// Checks a code of the app, or a recovery code. Every attempt counts. `None` if the code is wrong.
pub(crate) async fn check_code(app: &App, user: &User, code: &str, request: &Request) -> Result<Option<RightCode>, Error> {
    let attempt = count_code(app, user.profile.user_id, request).await?;
    let factor = &user.second_factor;
    let code = code.trim();
    let step = factor.totp_secret.as_ref().and_then(|secret| secret.step_of(code, factor.totp_step, app.context.clock.now()));
    let recovery = || recovery_code_hash(code).filter(|hash| factor.recovery_codes.contains(hash));
    let proof = step.map(CodeProof::Step).or_else(|| recovery().map(CodeProof::Recovery));
    if proof.is_none() {
        audit!("second_factor_failed", userId = %user.profile.user_id);
    }
    Ok(proof.map(|proof| RightCode { attempt, proof }))
}

/// Checks the first code of a secret that is being set up. Every attempt counts.
pub(crate) async fn check_first_code(app: &App, user: &User, code: &str, request: &Request) -> Result<Option<(store::Attempt, u64)>, Error> {
    let attempt = count_code(app, user.profile.user_id, request).await?;
    let step = user.second_factor.pending_totp_secret.as_ref().and_then(|secret| secret.step_of(code.trim(), 0, app.context.clock.now()));
    Ok(step.map(|step| (attempt, step)))
}

/// An id that no user has: the first possible id.
pub(crate) fn unknown_user() -> UserId {
    UserId::generate(Timestamp::from_millis(0))
}
