//! `PATCH /auth/users/{id}`: an administrator changes what someone may do at all, or corrects their address. Other rights take effect at
//! once: the person's tokens count no longer, and their sockets are closed.

use realtime::Ending;
use serde::Serialize;
use shared_utils::audit;
use shared_utils::auth::Role;
use shared_utils::dynamo::{Retry, TransactError};
use shared_utils::http::fields::{Fields, Patch};
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::UserId;

use crate::App;
use crate::store::{ACCOUNT_AT, ADMINS_AT, AccountChange, AccountPatch, Address, MALFORMED_ADDRESS, Profile, Rights, User, refused_by_admins};

/// An account as administrators see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    #[serde(flatten)]
    profile: Profile,
    disabled: bool,
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self { profile: user.profile, disabled: user.disabled }
    }
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    if !caller.is_admin() {
        return Err(Error::Forbidden);
    }
    let id: UserId = call.params.id(0)?;
    let mut fields = Fields::new(call.body);
    let email = fields.parsed::<Address>("email", MALFORMED_ADDRESS);
    if email == Patch::Clear {
        fields.fault("email", "required", "An account has an address.");
    }
    let patch = AccountPatch {
        role: fields.parsed::<Role>("role", "One of admin, designer, builder, vendor, client, user.").value(),
        pending: fields.boolean("pending").value(),
        disabled: fields.boolean("disabled").value(),
        email: email.value(),
    };
    // The login is checked beside the first read, and before the write.
    let mut read = app.beside_admission(&caller, app.store.user_with_families(id)).await?;
    // What does not exist is 404, however wrong the values are.
    if read.0.is_none() {
        return Err(Error::NotFound);
    }
    fields.finish()?;
    let mut retry = Retry::of_update();
    loop {
        let (user, families) = read;
        let before = user.ok_or(Error::NotFound)?;
        let mut after = patch.applied_to(&before);
        if after.rights() == before.rights() && after.profile.email == before.profile.email {
            return Response::json(200, &Account::from(before));
        }
        let now = app.edge.clock.now();
        let AccountChange { writes, address_at } = app.store.account_change((&before, &families), &after, caller.user, &app.revocations, now)?;
        match app.store.transact(writes).await {
            Ok(()) => {
                changed(app, &call.request.request_id, caller.user, &before, &after).await;
                after.profile.updated_at = now;
                return Response::json(200, &Account::from(after));
            }
            Err(error) if error.refused_at(ADMINS_AT).is_some() && error.refused_at(ACCOUNT_AT).is_none() => {
                return Err(refused_by_admins(&error, caller.user));
            }
            Err(error) if address_at.is_some_and(|at| error.refused_at(at).is_some()) && error.refused_at(ACCOUNT_AT).is_none() => {
                return Err(Error::Conflict("This address is taken.".into()));
            }
            // The account or its logins changed meanwhile: look again.
            Err(TransactError::Refused(_)) => retry.wait().await?,
            Err(error) => return Err(error.into()),
        }
        read = app.store.user_with_families(id).await?;
    }
}

/// What follows a change: sockets that were opened with other rights are closed, and the audit has a line for each part of it.
async fn changed(app: &App, request_id: &str, by: UserId, before: &User, after: &User) {
    let id = before.profile.user_id;
    if after.rights() != before.rights() {
        app.revocations.forget().await;
        end_sockets_later(app, id, after.rights());
        let outdated = before.version;
        app.end_missed_later(id, move |family| family.version <= outdated);
        let Rights { role, pending, disabled } = after.rights();
        audit!("role_changed", requestId = request_id, userId = %id, by = %by, role = ?role, pending, disabled);
    }
    if after.profile.email != before.profile.email {
        audit!("address_changed", requestId = request_id, userId = %id, by = %by);
    }
}

/// Whatever was open was opened with rights that do not count any more.
fn end_sockets_later(app: &App, user: UserId, after: Rights) {
    let ending = match after {
        Rights { disabled: true, .. } => Ending::SessionRevoked,
        Rights { pending: true, .. } => Ending::AccountPending,
        Rights { .. } => Ending::RightsChanged,
    };
    app.broadcaster.end_all_later(user, ending);
}
