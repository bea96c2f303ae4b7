//! Parses a client's frame and reads the data that its action needs.

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

/// The largest accepted frame, in bytes.
const MAX_FRAME: usize = 32 * 1024;
/// The longest `ref` that a reply echoes, in characters.
const MAX_REF: usize = 64;
/// Fields that today's frontend sends and the server ignores, because the server has these values itself.
pub(super) const IGNORED: &[&str] =
    &["senderId", "userId", "username", "timestamp", "conversationType", "title", "file", "editedAt", "editedBy", "read", "lastMsgTs"];

/// Parses a frame. Sets the fields of `echo` as far as possible, even if the frame is invalid.
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

/// Whether a reply can echo this `ref` unchanged. A sender could not match a reply with a changed `ref`.
fn is_reference(value: &Value) -> bool {
    match value {
        Value::String(text) => text.chars().count() <= MAX_REF,
        Value::Number(number) => number.to_string().len() <= MAX_REF,
        _ => false,
    }
}

/// An id field of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named<T> {
    /// The field is missing. This is reported with the other field errors.
    Missing,
    /// The value is not a valid id, so nothing with this id exists.
    Malformed,
    Id(T),
}

impl<T: FromStr> Named<T> {
    /// Reads the field `name`.
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

    /// Returns what was found under the id. `None` if the field is missing, [`Error::NotFound`] if nothing was found.
    pub(super) fn require<F>(&self, found: Option<F>) -> Result<Option<F>, Error> {
        match self {
            Self::Missing => Ok(None),
            Self::Malformed | Self::Id(_) => found.ok_or(Error::NotFound).map(Some),
        }
    }
}

/// The data that an action needs, as named in its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SubjectKey {
    Nothing,
    Conversation(Named<ConversationId>),
    Message(Named<MessageId>),
    /// The team of this project, to lock a line of its budget.
    Team(Named<ProjectId>),
    /// The people who share a project or conversation with the connection's user.
    Contacts,
}

/// The data that an action needs. Read concurrently with the connection, before the connection's user is known.
#[derive(Default)]
pub(super) struct Subject {
    pub(super) conversation: Option<Conversation>,
    pub(super) message: Option<Found>,
    pub(super) team: Option<Team>,
    /// Set only if this process already knows the connection's user.
    pub(super) contacts: Option<BTreeSet<UserId>>,
}

impl Subject {
    /// Reads the data. At most one round trip; two for contacts.
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
