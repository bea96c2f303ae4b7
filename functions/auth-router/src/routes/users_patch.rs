//! `PATCH /auth/users/{id}`: an administrator changes a user's role, pending or disabled state, or corrects the address. Changed rights take effect
//! at once: the user's access tokens become invalid and their sockets are closed.

use mail::LetterKind;
use realtime::CloseReason;
use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::audit;
use shared_utils::auth::Role;
use shared_utils::dynamo::{Attempt, RetryPolicy, retry_on_conflict};
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::UserId;

use crate::App;
use crate::store::{AccountOutcome, AccountPatch, AccountStatus, Address, MALFORMED_ADDRESS, Profile, User};

/// An account as administrators see it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    #[serde(flatten)]
    profile: Profile,
    disabled: bool,
    /// Whether the next login must set a new password.
    password_expired: bool,
    /// Whether logins need a code of a second factor.
    mfa: bool,
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self { disabled: user.disabled, password_expired: user.password_expired, mfa: user.second_factor.is_on(), profile: user.profile }
    }
}

/// What a role must be.
pub(super) const ROLES: &str = "One of admin, designer, builder, vendor, client, user.";

pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> AccountPatch {
    let email = fields.parsed::<Address>("email", MALFORMED_ADDRESS);
    fields.refuse_null("email", &email, "An account has an address.");
    AccountPatch {
        role: fields.parsed::<Role>("role", ROLES).value(),
        pending: fields.boolean("pending").value(),
        disabled: fields.boolean("disabled").value(),
        email: email.value(),
        password_expired: fields.boolean("passwordExpired").value(),
    }
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    if !caller.is_admin() {
        return Err(Error::Forbidden);
    }
    let id: UserId = call.params.id("id")?;
    let mut fields = Fields::new(call.body);
    let patch = &read(&mut fields);
    let read = app.store.user_with_token_families(id);
    let (session, read) = app.revocations.with_session_check(caller, read).await?;
    // An unknown account is 404, even if the values are invalid.
    if read.0.is_none() {
        return Err(Error::NotFound);
    }
    fields.finish()?;
    retry_on_conflict(RetryPolicy::Single, Some(read), |known| async move {
        let (user, families) = match known {
            Some(read) => read,
            None => app.store.user_with_token_families(id).await?,
        };
        let before = user.ok_or(Error::NotFound)?;
        let mut after = patch.applied_to(&before);
        let is_same = after.status() == before.status() && after.profile.email == before.profile.email;
        if is_same && after.password_expired == before.password_expired {
            return Response::json(200, &Account::from(before)).map(Attempt::Done);
        }
        let now = app.context.clock.now();
        let mail = app.mail(LetterKind::AddressChanged, &before.profile.email).filter(|_| after.profile.email != before.profile.email);
        match app.store.change_account((&before, &families), &after, (&session, mail.as_ref()), &app.revocations, now).await? {
            AccountOutcome::Changed => {}
            AccountOutcome::Stale => return Ok(Attempt::Stale(None)),
            AccountOutcome::NoAdmin => return Err(Error::Forbidden),
            AccountOutcome::LastAdmin => return Err(Error::LastAdmin),
            AccountOutcome::AddressTaken => return Err(Error::Conflict("This address is taken.".into())),
        }
        changed(app, caller.user, &before, &after);
        after.profile.updated_at = now;
        Response::json(200, &Account::from(after)).map(Attempt::Done)
    })
    .await
}

/// After a change: closes sockets that were opened with other rights, and writes one audit line per kind of change.
fn changed(app: &App, by: UserId, before: &User, after: &User) {
    let id = before.profile.user_id;
    if after.status() != before.status() {
        close_sockets_later(app, id, after.status());
        let outdated = before.version;
        app.end_missed_later(id, move |family| family.version <= outdated);
        let AccountStatus { role, pending, disabled } = after.status();
        audit!("role_changed", userId = %id, by = %by, role = ?role, pending, disabled);
    }
    if after.profile.email != before.profile.email {
        audit!("address_changed", userId = %id, by = %by);
        app.send_due_mails_later(id);
    }
}

/// Every open socket was opened with rights that are no longer valid.
fn close_sockets_later(app: &App, user: UserId, after: AccountStatus) {
    let reason = match after {
        AccountStatus { disabled: true, .. } => CloseReason::SessionRevoked,
        AccountStatus { pending: true, .. } => CloseReason::AccountPending,
        AccountStatus { .. } => CloseReason::RightsChanged,
    };
    app.broadcaster.close_all_later(user, reason);
}
