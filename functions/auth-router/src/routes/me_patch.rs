//! `PATCH /auth/me`: changes the caller's own profile. Users cannot change their role, address or approval.

use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use crate::App;
use crate::store::ProfilePatch;

pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> ProfilePatch {
    fields.read_only(&["userId", "email", "role", "pending", "createdAt", "updatedAt"]);
    ProfilePatch::read(fields)
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let (session, user) = app.revocations.with_session_check(caller, app.store.user(caller.user)).await?;
    let user = user.filter(|user| !user.disabled && user.version == caller.version).ok_or(Error::InvalidToken)?;
    let mut fields = Fields::new(call.body);
    let patch = read(&mut fields);
    fields.finish()?;
    let profile = app.store.change_profile(&session, user, &patch, app.context.clock.now()).await?.ok_or(Error::InvalidToken)?;
    Response::json(200, &profile)
}
