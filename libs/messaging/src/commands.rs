//! User actions in conversations: the write and its broadcast. HTTP and the socket call the same code.

use access::session::Session;
use realtime::Audience;
use shared_utils::dynamo::StoreError;
use shared_utils::rate_limit::Rate;

use crate::Error;

use crate::broadcast::Broadcaster;
use crate::conversation::Conversation;
use crate::edit::{Changed, Found};
use crate::marker::Marked;
use crate::message::{Message, NewMessage, Reaction};
use crate::notification::Notification;
use crate::{frames, send};

impl Broadcaster {
    /// Calls [`crate::Messaging::send`] and broadcasts `newMessage` to all participants. Mentioned people of whom no connection got the frame get
    /// a notification. A repeated `optimisticId` is not broadcast again.
    pub async fn send(&self, session: &Session, conversation: Conversation, new: NewMessage, rate: Rate) -> Result<send::Outcome, Error> {
        let outcome = self.messaging().send(session, conversation, new, rate).await?;
        if !outcome.replayed {
            let frame = frames::new_message(&outcome.conversation, &outcome.message);
            let mention = Notification::mention(session, &outcome.message, outcome.conversation.head.project_id);
            self.broadcast_mentioning_later(outcome.conversation.participants(), frame, outcome.message.mentions.clone(), mention);
        }
        Ok(outcome)
    }

    /// Calls [`crate::Messaging::edit`] and broadcasts `editMessage` to all participants.
    pub async fn edit<E: From<Error> + From<StoreError>>(
        &self,
        session: &Session,
        found: Option<Found>,
        text: Option<&str>,
        check: impl Fn(&Message) -> Result<(), E>,
    ) -> Result<Message, E> {
        let changed = self.messaging().edit(session, found, text, check).await?;
        Ok(self.tell(changed, frames::edit_message))
    }

    /// Calls [`crate::Messaging::delete`] and broadcasts `deleteMessage` to all participants.
    pub async fn delete<E: From<Error> + From<StoreError>>(
        &self,
        session: &Session,
        found: Option<Found>,
        check: impl Fn(&Message) -> Result<(), E>,
    ) -> Result<Message, E> {
        let changed = self.messaging().delete(session, found, check).await?;
        if changed.had_files {
            self.remove_objects_later();
        }
        Ok(self.tell(changed, frames::delete_message))
    }

    /// Calls [`crate::Messaging::react`] and broadcasts `toggleReaction` to all participants.
    pub async fn react<E: From<Error> + From<StoreError>>(
        &self,
        session: &Session,
        found: Option<Found>,
        reaction: &Reaction,
        check: impl Fn(&Message) -> Result<(), E>,
    ) -> Result<Message, E> {
        let changed = self.messaging().react(session, found, reaction, check).await?;
        Ok(self.tell(changed, frames::toggle_reaction))
    }

    /// Calls [`crate::Messaging::mark_read`] and broadcasts `markRead` to the reader's own devices, and to the others when it is their time.
    pub async fn mark_read(&self, session: &Session, conversation: &mut Conversation, seq: u64) -> Result<(), Error> {
        let user = session.user;
        let others = match self.messaging().mark_read(session, conversation, seq).await? {
            Marked::Unchanged => return Ok(()),
            Marked::Moved => Vec::new(),
            Marked::ToTell => conversation.participants().into_iter().filter(|person| *person != user).collect(),
        };
        let audience = Audience { own: Some(user), others };
        self.broadcast_ephemeral_later(audience, frames::mark_read(conversation.head.conversation_id, user, seq));
        Ok(())
    }

    /// Broadcasts a written change to all participants. Returns the message.
    fn tell(&self, changed: Changed, frame: fn(&Conversation, &Message) -> serde_json::Value) -> Message {
        if changed.written {
            self.broadcast_later(changed.conversation.participants(), frame(&changed.conversation, &changed.message));
        }
        changed.message
    }
}
