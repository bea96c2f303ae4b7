//! What people do in conversations: the write, and what the others are told of it. HTTP and the socket call the same code.

use access::session::Session;
use shared_utils::dynamo::StoreError;
use shared_utils::rate_limit::Rate;

use crate::Error;

use crate::broadcast::Broadcaster;
use crate::conversation::Conversation;
use crate::edit::{Changed, Found};
use crate::message::{Message, NewMessage, Reaction};
use crate::{frames, send};

impl Broadcaster {
    /// [`crate::Messaging::send`], and `newMessage` to everyone who takes part. A repeated `optimisticId` is told to nobody again.
    pub async fn send(&self, session: &Session, conversation: Conversation, new: NewMessage, rate: Rate) -> Result<send::Outcome, Error> {
        let outcome = self.messaging().send(session, conversation, new, rate).await?;
        if !outcome.replayed {
            self.broadcast_later(outcome.conversation.participants(), frames::new_message(&outcome.conversation, &outcome.message));
        }
        Ok(outcome)
    }

    /// [`crate::Messaging::edit`], and `editMessage` to everyone who takes part.
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

    /// [`crate::Messaging::delete`], and `deleteMessage` to everyone who takes part.
    pub async fn delete<E: From<Error> + From<StoreError>>(
        &self,
        session: &Session,
        found: Option<Found>,
        check: impl Fn(&Message) -> Result<(), E>,
    ) -> Result<Message, E> {
        let changed = self.messaging().delete(session, found, check).await?;
        Ok(self.tell(changed, frames::delete_message))
    }

    /// [`crate::Messaging::react`], and `toggleReaction` to everyone who takes part.
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

    /// [`crate::Messaging::mark_read`], and `markRead` to everyone who takes part.
    pub async fn mark_read(&self, session: &Session, conversation: &mut Conversation, seq: u64) -> Result<(), Error> {
        if self.messaging().mark_read(session, conversation, seq).await? {
            self.broadcast_later(conversation.participants(), frames::mark_read(conversation.head.conversation_id, session.user, seq));
        }
        Ok(())
    }

    /// Tells everyone who takes part of a message that was written; the message.
    fn tell(&self, changed: Changed, frame: fn(&Conversation, &Message) -> serde_json::Value) -> Message {
        if changed.written {
            self.broadcast_later(changed.conversation.participants(), frame(&changed.conversation, &changed.message));
        }
        changed.message
    }
}
