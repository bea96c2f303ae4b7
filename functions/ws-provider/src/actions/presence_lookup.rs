//! `presenceLookup`: replies `presenceSnapshot` with the contacts of the caller who are online.

use serde_json::{Value, json};
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::Error;
use shared_utils::ids::UserId;

use super::frame::SubjectKey;
use super::{Received, SocketAction};
use crate::App;
use crate::reply::Reply;

/// The maximum number of ids that fit into a frame.
const MAX_LISTED: usize = 900;

pub(super) struct PresenceLookup(Result<(), Error>);

impl SocketAction for PresenceLookup {
    fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        Self(fields.end().map_err(Error::from))
    }

    fn subject(&self) -> SubjectKey {
        SubjectKey::Contacts
    }

    async fn handle(self, app: &App, received: Received<'_>) -> Result<Value, Error> {
        let user = received.session.user;
        self.0?;
        let at = app.context.clock.now();
        let people: Vec<UserId> = match received.subject.contacts {
            Some(people) => people.into_iter().collect(),
            None => app.messaging.contacts(user).await?.into_iter().collect(),
        };
        let online = app.broadcaster.connections().online(&people).await?;
        let truncated = online.len() >= MAX_LISTED;
        // The caller counts as online.
        let online: Vec<UserId> = std::iter::once(user).chain(online.into_keys()).take(MAX_LISTED).collect();
        let reference = received.echo.reference.clone();
        Ok(json!(Reply::PresenceSnapshot { reference, user_ids: online, at, truncated: truncated.then_some(true) }))
    }
}
