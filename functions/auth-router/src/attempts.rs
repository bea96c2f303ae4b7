//! Counts password attempts: logins, and the current password in a password change.

use shared_utils::audit;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Attempt, RetryPolicy, StoreError, retry_on_conflict};
use shared_utils::http::{Error, Request};
use shared_utils::ids::UserId;

use crate::App;
use crate::store::{self, User};

/// Counts the attempt as a failure before any hashing, so that parallel guesses count too. A success resets the count. Also looks up the account of
/// the address. Unknown accounts do the same work, so timing reveals nothing.
pub(crate) async fn count(app: &App, email: &str, request: &Request) -> Result<(store::Attempt, Option<User>), Error> {
    let counted = retry_on_conflict(RetryPolicy::Single, (), |()| async {
        let now = app.context.clock.now();
        let (attempt, user) = futures_util::future::try_join(app.store.attempt(email, &request.source_ip, now), app.store.user_of(email)).await?;
        if let Some(lock) = attempt.lock(now) {
            audit!("login_locked", address = attempt.pseudonym());
            return Ok(Attempt::Done(Err(lock)));
        }
        let user = app.store.user(user.unwrap_or_else(unknown_user));
        let (is_counted, user) = futures_util::future::try_join(app.store.count_failure(&attempt, now), user).await?;
        // A concurrent attempt was counted first. The retry starts at once: a wait would give other attempts an advantage.
        Ok(if is_counted { Attempt::Done(Ok((attempt, user))) } else { Attempt::Refused(()) })
    });
    let retry_after = match counted.await {
        Ok(Ok(counted)) => return Ok(counted),
        Ok(Err(lock)) => lock.retry_after,
        Err(StoreError::Contended) => 1,
        Err(error) => return Err(error.into()),
    };
    Err(Error::TooManyAttempts { retry_after })
}

/// An id that no user has: the first possible id.
fn unknown_user() -> UserId {
    UserId::generate(Timestamp::from_millis(0))
}
