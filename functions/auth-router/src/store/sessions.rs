//! Transactions on an account and its sessions: add one, end some, change the password. They also write the revocations, so that access tokens end
//! together with their sessions.

use access::revocations::{Mark, Revocations};
use access::session::Session;
use aws_sdk_dynamodb::types::AttributeValue;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Condition, StoreError, TransactWrite, Transaction, Update, n, s, update};
use shared_utils::ids::{FamilyId, SessionId};

use super::due_mail::with_due_mail;
use super::second_factor::enabled;
use super::users::user_key;
use super::{Attempt, AuthStore, DueMail, MAX_FAMILIES, StoredLink, TokenFamily, User, Write};
use crate::totp::{RecoveryCodes, TotpSecret};

/// What a login has proved, and what its transaction uses up.
#[derive(Default)]
pub(crate) struct LoginProof<'a> {
    /// The counted attempt, which was right.
    pub(crate) attempt: Option<&'a Attempt>,
    /// The secret of the challenge.
    pub(crate) challenge: Option<&'a str>,
    /// The time step of the code.
    pub(crate) totp_step: Option<u64>,
    /// The SHA-256 of the recovery code.
    pub(crate) recovery_code: Option<String>,
    /// The second factor that the login sets up: its secret, the time step of the first code, and the recovery codes.
    pub(crate) enrolment: Option<(&'a TotpSecret, u64, &'a RecoveryCodes)>,
    /// The hash of the new password. All other sessions end.
    pub(crate) new_password: Option<&'a str>,
    /// A mail about what changed.
    pub(crate) mail: Option<&'a DueMail>,
}

/// A new password that a link of a mail sets.
pub(crate) struct PasswordReset<'a> {
    pub(crate) link: &'a StoredLink,
    /// All links of the person. Those that set a password die.
    pub(crate) links: &'a [StoredLink],
    /// The hash of the new password.
    pub(crate) hash: &'a str,
    /// The mail that tells the person.
    pub(crate) mail: Option<&'a DueMail>,
}

impl AuthStore {
    /// Adds a session. If the account has too many, the least recently used ones end. Returns the ended live sessions, or `None` if the account
    /// changed since it was read, another session was added, or the proof was used meanwhile.
    pub(crate) async fn add_session(
        &self,
        proof: &LoginProof<'_>,
        user: &User,
        family: &TokenFamily,
        mut families: Vec<TokenFamily>,
        revocations: &Revocations,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let now = family.created_at;
        families.sort_by_key(|family| (family.is_live(now), family.last_used_at));
        let most = if proof.new_password.is_some() { 0 } else { MAX_FAMILIES - 1 };
        let surplus = &families[..families.len().saturating_sub(most)];
        let ended: Vec<SessionId> = surplus.iter().filter(|family| family.is_live(now)).map(|family| family.session_id).collect();

        let mut login = Transaction::new();
        login.add(Write::Account, self.login_counted(user, proof));
        login.add(Write::Session, self.family_put(family)?);
        if let Some(attempt) = proof.attempt {
            login.add_all(Write::Attempts, self.attempt_succeeded(attempt, now)?);
        }
        login.add_all(Write::Challenge, proof.challenge.map(|challenge| self.challenge_used(challenge)));
        login.add_all(Write::OtherSessions, surplus.iter().map(|family| self.family_delete(family.family_id)));
        login.add_all(Write::Revocations, session_marks(&ended).map(|marks| revocations.write(&marks)));
        let outcome = self.store.transact(&login).await?;
        if outcome.refused(Write::Account).is_refused() || outcome.refused(Write::Challenge).is_refused() {
            return Ok(None);
        }
        outcome.require_committed()?;
        if !ended.is_empty() {
            revocations.forget().await;
        }
        Ok(Some(ended))
    }

    /// Sets a new password with a link, and ends all sessions. Returns `false` and writes nothing if the account or its sessions changed meanwhile, or
    /// the link was used.
    pub(crate) async fn reset_password(
        &self,
        (user, families): (&User, &[TokenFamily]),
        reset: &PasswordReset<'_>,
        revocations: &Revocations,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = user.profile.user_id;
        let live = families.iter().filter(|family| family.revoked_at.is_none());
        let sessions: Vec<SessionId> = live.clone().map(|family| family.session_id).collect();
        let mut change = Transaction::new();
        change.add(Write::Account, self.password_update(user, reset.hash, reset.mail));
        change.add(Write::Links, self.link_used(id, reset.link));
        let others = reset.links.iter().filter(|link| link.purpose.sets_password() && !std::ptr::eq(*link, reset.link));
        change.add_all(Write::Links, others.map(|link| self.link_delete(id, link)));
        // The owner of the address may sign in at once, whatever strangers tried before.
        change.add(Write::Attempts, self.attempts_forgotten(&user.profile.email));
        change.add_all(Write::OtherSessions, live.map(|family| self.family_revoke(family.family_id, now)));
        change.add_all(Write::Revocations, session_marks(&sessions).map(|marks| revocations.write(&marks)));
        let done = self.store.transact(&change).await?.is_committed();
        if done {
            revocations.forget().await;
        }
        Ok(done)
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
        (hash, mail): (&str, Option<&DueMail>),
        attempt: &Attempt,
        revocations: &Revocations,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sessions: Vec<SessionId> = others.iter().map(|family| family.session_id).collect();
        let mut change = Transaction::new();
        change.add(Write::Account, self.password_update(user, hash, mail));
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
    fn login_counted(&self, user: &User, proof: &LoginProof<'_>) -> TransactWrite {
        let mut count = Update::new("SET logins = :number")
            .when("passwordHash = :hash AND version = :version AND (attribute_not_exists(logins) OR logins = :before)")
            .value(":number", n(user.logins + 1))
            .value(":before", n(user.logins))
            .value(":hash", s(&user.password_hash))
            .value(":version", n(user.version));
        let mut removed = Vec::new();
        if let Some(step) = proof.totp_step {
            count = count.also_set("totpStep = :step").when(Condition::new("totpStep < :step").value(":step", n(step)));
        }
        if let Some((secret, step, codes)) = proof.enrolment {
            count = enabled(count, secret, step, codes).when("pendingTotpSecret = :totpSecret AND attribute_not_exists(totpSecret)");
            removed.push("pendingTotpSecret");
        }
        if let Some(hash) = proof.new_password {
            count = count.also_set("passwordHash = :newHash").value(":newHash", s(hash));
            removed.push("passwordExpired");
        }
        if !removed.is_empty() {
            count = count.and(&format!("REMOVE {}", removed.join(", ")));
        }
        if let Some(code) = &proof.recovery_code {
            count = count.and("DELETE recoveryCodes :codes").when("contains(recoveryCodes, :code)").value(":code", s(code));
            count = count.value(":codes", AttributeValue::Ss(vec![code.clone()]));
        }
        update(&self.table, user_key(user.profile.user_id), with_due_mail(count, proof.mail))
    }

    /// Sets a new password, on the condition that the old one, the rights and the number of sessions are unchanged since the read.
    fn password_update(&self, user: &User, hash: &str, mail: Option<&DueMail>) -> TransactWrite {
        let change = Update::new("SET passwordHash = :new REMOVE passwordExpired")
            .when("passwordHash = :old AND version = :version AND (attribute_not_exists(logins) OR logins = :logins)")
            .value(":new", s(hash))
            .value(":old", s(&user.password_hash))
            .value(":version", n(user.version))
            .value(":logins", n(user.logins));
        update(&self.table, user_key(user.profile.user_id), with_due_mail(change, mail))
    }
}

/// The marks of these sessions. `None` if there are none: an empty set cannot be written.
fn session_marks(sessions: &[SessionId]) -> Option<Vec<Mark>> {
    (!sessions.is_empty()).then(|| sessions.iter().copied().map(Mark::Session).collect())
}
