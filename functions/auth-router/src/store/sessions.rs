//! Transactions on an account and its sessions: add one, end some, change the password. They also write the revocations, so that access tokens end
//! together with their sessions.

use access::revocations::{Mark, Revocations};
use access::session::Session;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{StoreError, TransactWrite, Transaction, Update, n, s, update};
use shared_utils::ids::{FamilyId, SessionId};

use super::users::user_key;
use super::{Attempt, AuthStore, MAX_FAMILIES, TokenFamily, User, Write};

impl AuthStore {
    /// Adds a session. If the account has too many, the least recently used ones end. Returns the ended live sessions, or `None` if the account
    /// changed since it was read or another session was added.
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

    /// Ends these sessions (refresh and access tokens). Returns `false` and writes nothing if one of them no longer exists.
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

    /// Sets a new password and ends `others`. `own` is the caller's session. Returns `false` and writes nothing if the account changed or a session
    /// was added or ended meanwhile.
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

    /// Resets the count of a counted attempt: the password was right.
    pub(crate) async fn attempt_was_right(&self, attempt: &Attempt, now: Timestamp) -> Result<(), StoreError> {
        let mut success = Transaction::new();
        success.add_all(Write::Attempts, self.attempt_succeeded(attempt, now)?);
        self.store.transact(&success).await?.require_committed()
    }

    /// Counts the new session, on the condition that the account is unchanged since the password check. Changes of all sessions check the count.
    fn login_counted(&self, user: &User) -> TransactWrite {
        let count = Update::new("SET logins = :number")
            .when("passwordHash = :hash AND version = :version AND (attribute_not_exists(logins) OR logins = :before)")
            .value(":number", n(user.logins + 1))
            .value(":before", n(user.logins))
            .value(":hash", s(&user.password_hash))
            .value(":version", n(user.version));
        update(&self.table, user_key(user.profile.user_id), count)
    }

    /// Sets a new password, on the condition that the old one, the rights and the number of sessions are unchanged since the read.
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

/// The marks of these sessions. `None` if there are none: an empty set cannot be written.
fn session_marks(sessions: &[SessionId]) -> Option<Vec<Mark>> {
    (!sessions.is_empty()).then(|| sessions.iter().copied().map(Mark::Session).collect())
}
