//! `POST /auth/logout`: a good refresh token decides; else a rightly signed bearer counts, although revoked or expired.

use shared_utils::auth::credentials;
use shared_utils::dynamo::{RACE_TRIES, backoff};
use shared_utils::http::fields::{Fields, Patch};
use shared_utils::http::{Call, Error, Internal, Response};
use shared_utils::ids::{FamilyId, SessionId, UserId};

use crate::App;
use crate::tokens::RefreshToken;

/// Which of the caller's logins end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Local,
    Others,
    Global,
}

impl std::str::FromStr for Scope {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "local" => Ok(Self::Local),
            "others" => Ok(Self::Others),
            "global" => Ok(Self::Global),
            _ => Err(()),
        }
    }
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let mut fields = Fields::new(call.body);
    let token = fields.string("refreshToken", 0..=512);
    let scope = fields.parsed::<Scope>("scope", "One of local, others, global.").value().unwrap_or(Scope::Local);
    fields.finish()?;

    if let Some((user, session)) = who(app, token, call.request.header("authorization")).await? {
        end(app, user, session, scope).await?;
        tracing::info!(audit = "logout", requestId = call.request.request_id, userId = %user, sessionId = %session, "audit");
    }
    Ok(Response::empty(204))
}

/// Whose logins are meant. A dead refresh token means nobody's, and that is fine: it is dead.
async fn who(app: &App, token: Patch<String>, header: Option<&str>) -> Result<Option<(UserId, SessionId)>, Error> {
    let Patch::Set(text) = token else {
        let caller = app.edge.verifier.verify_ignoring_expiry(credentials::bearer(header)?, app.edge.clock.now())?;
        return Ok(Some((caller.user, caller.session)));
    };
    let family = match RefreshToken::parse(&text) {
        Some(token) => app.store.family_of(&token).await?,
        None => None,
    };
    if let Some(family) = family {
        return Ok(Some((family.user_id, family.session_id)));
    }
    // The token is dead or unknown: a bearer that is sent beside it still says who wants to leave.
    let caller = header.and_then(|header| credentials::bearer(Some(header)).ok());
    let caller = caller.and_then(|token| app.edge.verifier.verify_ignoring_expiry(token, app.edge.clock.now()).ok());
    Ok(caller.map(|caller| (caller.user, caller.session)))
}

/// Ends the logins for refresh and access tokens in one transaction, their sockets after the answer.
async fn end(app: &App, user: UserId, session: SessionId, scope: Scope) -> Result<(), Error> {
    for attempt in 0..RACE_TRIES {
        let (_, families) = app.store.user_with_families(user).await?;
        let ended: Vec<(FamilyId, SessionId)> = families
            .into_iter()
            .filter(|family| match scope {
                Scope::Local => family.session_id == session,
                Scope::Others => family.session_id != session,
                Scope::Global => true,
            })
            .filter(|family| family.revoked_at.is_none())
            .map(|family| (family.family_id, family.session_id))
            .collect();
        if ended.is_empty() || app.revoke(user, &ended).await? {
            return Ok(());
        }
        // One of them went meanwhile: look again.
        backoff(attempt).await;
    }
    Err(Error::Unavailable(Internal::new("logins kept changing while they were ended")))
}
