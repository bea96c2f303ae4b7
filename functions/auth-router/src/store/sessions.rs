//! Transactions over an account and its logins: adding one, ending some, another password. The revocations are written with them, so that
//! access tokens end with their logins.

use access::revocations::{Mark, Revocations};
use access::session::Session;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{StoreError, TransactWrite, Transaction, Update, n, s, update};
use shared_utils::ids::{FamilyId, SessionId};

use super::users::user_key;
use super::{Attempt, AuthStore, MAX_FAMILIES, TokenFamily, User, Write};

impl AuthStore {
    /// Adds a login to the account as it was read; the least recently used ones make room when there are too many. The sessions that
    /// ended so; `None` when the account has changed since, or another login was added.
    pub(crate) async fn add_session(
        &self,
        attempt: &Attempt,
        user: &User,
        family: &TokenFamily,
        mut families: Vec<TokenFamily>,
        revocations: &Revocations,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let now = family.created_at;
        families.sort_by_key(|family| (family.is_live(now), family.last_used_at));
        let surplus = &families[..(families.len() + 1).saturating_sub(MAX_FAMILIES)];
        let ended: Vec<SessionId> = surplus.iter().filter(|family| family.is_live(now)).map(|family| family.session_id).collect();

        let mut login = Transaction::new();
        login.add(Write::Account, self.login_counted(user));
        login.add(Write::Session, self.family_put(family)?);
        login.add_all(Write::Attempts, self.attempt_succeeded(attempt, now)?);
        login.add_all(Write::OtherSessions, surplus.iter().map(|family| self.family_delete(family.family_id)));
        login.add_all(Write::Revocations, session_marks(&ended).map(|marks| revocations.write(&marks)));
        let outcome = self.store.transact(&login).await?;
        if outcome.refused(Write::Account).is_refused() {
            return Ok(None);
        }
        outcome.require_committed()?;
        if !ended.is_empty() {
            revocations.forget().await;
        }
        Ok(Some(ended))
    }

    /// Ends these logins for refresh and access tokens. `false` when one of them is not there any more: then nothing was done.
    pub(crate) async fn revoke_sessions(
        &self,
        logins: &[(FamilyId, SessionId)],
        revocations: &Revocations,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sessions: Vec<SessionId> = logins.iter().map(|(_, session)| *session).collect();
        let mut revocation = Transaction::new();
        revocation.add_all(Write::Session, logins.iter().map(|(family, _)| self.family_revoke(*family, now)));
        revocation.add_all(Write::Revocations, session_marks(&sessions).map(|marks| revocations.write(&marks)));
        let done = self.store.transact(&revocation).await?.is_committed();
        if done {
            revocations.forget().await;
        }
        Ok(done)
    }

    /// Gives an account another password and ends `others`, for the owner of the login `own`. `false` when a login was added or ended
    /// meanwhile, or the account changed: then nothing was done.
    pub(crate) async fn change_password(
        &self,
        _session: &Session,
        (user, own, others): (&User, FamilyId, &[TokenFamily]),
        hash: &str,
        attempt: &Attempt,
        revocations: &Revocations,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sessions: Vec<SessionId> = others.iter().map(|family| family.session_id).collect();
        let mut change = Transaction::new();
        change.add(Write::Account, self.password_update(user, hash));
        change.add(Write::Session, self.family_check(own));
        change.add_all(Write::Attempts, self.attempt_succeeded(attempt, now)?);
        change.add_all(Write::OtherSessions, others.iter().map(|family| self.family_revoke(family.family_id, now)));
        change.add_all(Write::Revocations, session_marks(&sessions).map(|marks| revocations.write(&marks)));
        let done = self.store.transact(&change).await?.is_committed();
        if done {
            revocations.forget().await;
        }
        Ok(done)
    }

    /// Takes back a counted attempt: the password was right.
    pub(crate) async fn attempt_was_right(&self, attempt: &Attempt, now: Timestamp) -> Result<(), StoreError> {
        let mut success = Transaction::new();
        success.add_all(Write::Attempts, self.attempt_succeeded(attempt, now)?);
        self.store.transact(&success).await?.require_committed()
    }

    /// Holds a login to the account as its password was checked, and makes it visible to a change of all logins.
    fn login_counted(&self, user: &User) -> TransactWrite {
        let count = Update::new("SET logins = :number")
            .when("passwordHash = :hash AND version = :version AND (attribute_not_exists(logins) OR logins = :before)")
            .value(":number", n(user.logins + 1))
            .value(":before", n(user.logins))
            .value(":hash", s(&user.password_hash))
            .value(":version", n(user.version));
        update(&self.table, user_key(user.profile.user_id), count)
    }

    /// A new password, on the condition that neither it nor the logins have changed since they were read.
    fn password_update(&self, user: &User, hash: &str) -> TransactWrite {
        let change = Update::new("SET passwordHash = :new")
            .when("passwordHash = :old AND version = :version AND (attribute_not_exists(logins) OR logins = :logins)")
            .value(":new", s(hash))
            .value(":old", s(&user.password_hash))
            .value(":version", n(user.version))
            .value(":logins", n(user.logins));
        update(&self.table, user_key(user.profile.user_id), change)
    }
}

/// The marks of these sessions; `None` when there are none, since an empty set cannot be written.
fn session_marks(sessions: &[SessionId]) -> Option<Vec<Mark>> {
    (!sessions.is_empty()).then(|| sessions.iter().copied().map(Mark::Session).collect())
}
