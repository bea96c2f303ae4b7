//! Notifications are written after the response. A write that fails is logged; it changes no response.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt};
use serde_json::Value;
use shared_utils::ids::UserId;

use crate::broadcast::Broadcaster;
use crate::frames;
use crate::notification::NewNotification;

/// Number of people whose unread notifications are counted concurrently.
const CONCURRENCY: usize = 25;

impl Broadcaster {
    /// Writes a notification for each of these people but the actor, and sends `notification` to those who are online.
    pub fn notify_later(&self, people: Vec<UserId>, new: NewNotification) {
        let people = new.concerned(people);
        if people.is_empty() {
            return;
        }
        let broadcaster = self.clone();
        self.after.push(async move { broadcaster.notify(&people, &new).await });
    }

    async fn notify(&self, people: &[UserId], new: &NewNotification) {
        let written = self.messaging.notify(people, new).await;
        let Some(connections) = self.delivery.connections_of(&written).await else { return };
        let online: BTreeSet<UserId> = connections.iter().map(|connection| connection.user_id).collect();
        let frames = stream::iter(online).map(|user| self.notification_frame(user, new)).buffer_unordered(CONCURRENCY);
        let frames: Vec<(UserId, Value)> = frames.filter_map(async |frame| frame).collect().await;
        let departures = self.delivery.deliver_each(connections, &frames).await;
        self.departed(departures).await;
    }

    /// The frame for a person, with the count of a read after the write. Without the count there is no frame: the next sync tells it.
    async fn notification_frame(&self, user: UserId, new: &NewNotification) -> Option<(UserId, Value)> {
        match self.messaging.unread_notifications(user).await {
            Ok(found) => Some((user, frames::notification(new.notification(), found.unread))),
            Err(error) => {
                tracing::warn!(cause = error.for_log(), userId = %user, "unread notifications could not be counted for a frame");
                None
            }
        }
    }

    /// Sends a message's frame to `people`. Those of `mentioned` of whom no connection got it get the notification `mention`. A connection that
    /// got the frame has the message, so its person needs no notification, and nothing is written.
    pub(crate) fn broadcast_mentioning_later(&self, people: Vec<UserId>, frame: Value, mentioned: BTreeSet<UserId>, mention: NewNotification) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let delivered = broadcaster.delivery.broadcast_reaching(&people, &frame, |_| true).await;
            let away = mention.concerned(mentioned.into_iter().filter(|person| !delivered.reached.contains(person)));
            broadcaster.messaging.notify(&away, &mention).await;
            broadcaster.departed(delivered.departures).await;
        });
    }
}
