//! `PATCH /auth/users/{id}`: an administrator changes what someone may do at all. It takes effect at once: the person's tokens count
//! no longer, and their sockets are closed.

use realtime::Ending;
use serde::Serialize;
use shared_utils::audit;
use shared_utils::auth::Role;
use shared_utils::dynamo::{RACE_TRIES, TransactError, backoff};
use shared_utils::http::fields::Fields;
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::UserId;

use crate::App;
use crate::store::{ACCOUNT_AT, ADMINS_AT, Profile, Rights, RightsPatch, User, refused_by_admins};

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
    let patch = RightsPatch {
        role: fields.parsed::<Role>("role", "One of admin, designer, builder, vendor, client, user.").value(),
        pending: fields.boolean("pending").value(),
        disabled: fields.boolean("disabled").value(),
    };
    // The login is checked beside the first read, and before the write.
    let mut read = app.beside_admission(&caller, app.store.user_with_families(id)).await?;
    // What does not exist is 404, however wrong the values are.
    if read.0.is_none() {
        return Err(Error::NotFound);
    }
    fields.finish()?;
    for race in 0..RACE_TRIES {
        let (user, families) = read;
        let mut user = user.ok_or(Error::NotFound)?;
        let (before, after) = (user.rights(), patch.applied_to(user.rights()));
        if before == after {
            return Response::json(200, &Account::from(user));
        }
        let now = app.edge.clock.now();
        let writes = app.store.rights_change((&user, &families), after, caller.user, &app.revocations, now)?;
        match app.store.transact(writes).await {
            Ok(()) => {
                app.revocations.forget().await;
                end_sockets_later(app, id, after);
                app.end_missed_later(id, move |family| family.version <= user.version);
                let Rights { role, pending, disabled } = after;
                audit!("role_changed", requestId = call.request.request_id, userId = %id, by = %caller.user, role = ?role, pending, disabled);
                (user.profile.role, user.profile.pending, user.disabled) = (role, pending, disabled);
                user.profile.updated_at = now;
                return Response::json(200, &Account::from(user));
            }
            Err(error) if error.refused_at(ADMINS_AT).is_some() && error.refused_at(ACCOUNT_AT).is_none() => {
                return Err(refused_by_admins(&error, caller.user));
            }
            // The account or its logins changed meanwhile: look again.
            Err(TransactError::Refused(_)) => backoff(race).await,
            Err(error) => return Err(error.into()),
        }
        read = app.store.user_with_families(id).await?;
    }
    Err(TransactError::Contended.into())
}

/// Whatever was open was opened with rights that do not count any more.
fn end_sockets_later(app: &App, user: UserId, after: Rights) {
    let ending = match after {
        Rights { disabled: true, .. } => Ending::SessionRevoked,
        Rights { pending: true, .. } => Ending::AccountPending,
        Rights { .. } => Ending::RightsChanged,
    };
    let announcer = app.announcer.clone();
    app.after.push(async move { announcer.end_all(user, ending).await });
}
