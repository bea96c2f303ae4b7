//! A frame as a client sends it, and what its action is about.

use std::collections::BTreeSet;
use std::str::FromStr;

use access::teams::Team;
use messaging::conversation::Conversation;
use messaging::edit::Found;
use serde_json::{Map, Value};
use shared_utils::fields::{FieldLog, Fields, TextSchema};
use shared_utils::http::Error;
use shared_utils::ids::{ConversationId, MessageId, ProjectId, UserId};
use shared_utils::json;

use super::Action;
use crate::App;
use crate::reply::Echo;

/// The largest frame that is read, in bytes.
const MAX_FRAME: usize = 32 * 1024;
/// The longest `ref` that is echoed, in characters.
const MAX_REF: usize = 64;
/// What today's frontend sends along and the server knows better.
const IGNORED: &[&str] =
    &["senderId", "userId", "username", "timestamp", "conversationType", "title", "file", "editedAt", "editedBy", "read", "lastMsgTs"];

/// Reads a frame. What can be echoed of it is left in `echo` also when it cannot be read.
pub(super) fn read(body: &str, echo: &mut Echo) -> Result<Action, Error> {
    if body.len() > MAX_FRAME {
        return Err(Error::PayloadTooLarge);
    }
    let mut object: Map<String, Value> = json::object(body.as_bytes())?;
    let short = |value: &Value, max: usize| value.as_str().filter(|text| text.chars().count() <= max).map(str::to_owned);
    let reference = object.remove("ref");
    echo.reference = reference.clone().filter(is_reference);
    echo.optimistic_id = object.get("optimisticId").and_then(|value| short(value, 128));
    let name = object.remove("action");
    echo.of = name.as_ref().and_then(|value| short(value, MAX_REF));
    let mut fields = Fields::new(object);
    if reference.is_some() && echo.reference.is_none() {
        fields.fault("ref", "invalid_value", "This must be a text of at most 64 characters or a number.");
    }
    fields.ignore(IGNORED);
    Ok(Action::read(name.as_ref().and_then(Value::as_str).unwrap_or_default(), fields))
}

/// Whether a reply can echo a `ref` as it came: anything else would leave its sender waiting for a reply that it cannot tell.
fn is_reference(value: &Value) -> bool {
    match value {
        Value::String(text) => text.chars().count() <= MAX_REF,
        Value::Number(number) => number.to_string().len() <= MAX_REF,
        _ => false,
    }
}

/// The id that a frame names something by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named<T> {
    /// The field is missing: a fault among the others.
    Missing,
    /// It is no id, so there is no such thing.
    Malformed,
    Id(T),
}

impl<T: FromStr> Named<T> {
    /// Reads the field of this name.
    pub(super) fn read<L: FieldLog>(fields: &mut Fields<L>, name: &str) -> Self
    where
        T: TextSchema,
    {
        let value = fields.raw(name, T::text_schema);
        match fields.require(name, value) {
            None => Self::Missing,
            Some(value) => value.as_str().and_then(|id| id.parse().ok()).map_or(Self::Malformed, Self::Id),
        }
    }

    /// What was found under the id. `None` for a frame without one; [`Error::NotFound`] for an id of nothing.
    pub(super) fn require<F>(&self, found: Option<F>) -> Result<Option<F>, Error> {
        match self {
            Self::Missing => Ok(None),
            Self::Malformed | Self::Id(_) => found.ok_or(Error::NotFound).map(Some),
        }
    }
}

/// What an action is about, before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SubjectKey {
    Nothing,
    Conversation(Named<ConversationId>),
    Message(Named<MessageId>),
    /// The team of this project, whose budget is locked.
    Team(Named<ProjectId>),
    /// The people with whom the connection's person shares something.
    Contacts,
}

/// What an action is about. It is read concurrently with the connection, before it is known whose that is.
#[derive(Default)]
pub(super) struct Subject {
    pub(super) conversation: Option<Conversation>,
    pub(super) message: Option<Found>,
    pub(super) team: Option<Team>,
    /// Known only where the connection's person is.
    pub(super) contacts: Option<BTreeSet<UserId>>,
}

impl Subject {
    /// At most one round trip, two for contacts.
    pub(super) async fn read(app: &App, connection_id: &str, key: SubjectKey) -> Result<Self, Error> {
        let mut subject = Self::default();
        match key {
            SubjectKey::Conversation(Named::Id(id)) => subject.conversation = app.messaging.find_conversation(id).await?,
            SubjectKey::Message(Named::Id(id)) => subject.message = app.messaging.find_message(id).await?,
            SubjectKey::Team(Named::Id(id)) => subject.team = app.broadcaster.teams().find_many(&[id]).await?.pop(),
            SubjectKey::Contacts => {
                if let Some(user) = app.known(connection_id) {
                    subject.contacts = Some(app.messaging.contacts(user).await?);
                }
            }
            SubjectKey::Nothing | SubjectKey::Conversation(_) | SubjectKey::Message(_) | SubjectKey::Team(_) => {}
        }
        Ok(subject)
    }
}
