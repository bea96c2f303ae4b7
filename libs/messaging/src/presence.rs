//! Who is told that someone came or went: people who share a conversation or a project with them.

use std::time::Duration;

use realtime::{Announcer, Connections, Departure};
use serde_json::{Value, json};
use shared_utils::after_answer::AfterAnswer;
use shared_utils::clock::{Clock, Timestamp};
use shared_utils::http::Error;
use shared_utils::ids::UserId;

use crate::Messaging;

/// Announces arrivals and departures, and delivers what else there is to tell.
#[derive(Clone)]
pub struct Presence {
    messaging: Messaging,
    connections: Connections,
    announcer: Announcer,
    clock: Clock,
    wait: Duration,
}

/// How long someone must be gone before it is said, in seconds: a page that is loaded again is back by then.
pub const OFFLINE_AFTER_S: u64 = 10;

impl Presence {
    /// Presence by these connections, announced by `announcer`; whoever is gone for `wait` is offline.
    pub fn new(messaging: Messaging, connections: Connections, announcer: Announcer, clock: Clock, wait: Duration) -> Self {
        Self { messaging, connections, announcer, clock, wait }
    }

    /// Sends a frame to every live connection of these people after the answer, and says of those who turn out to be gone that they are,
    /// after all else.
    pub fn announce_later(&self, after: &AfterAnswer, people: Vec<UserId>, frame: Value) {
        let (presence, last) = (self.clone(), after.clone());
        after.push(async move {
            let departures = presence.announcer.announce(&people, &frame).await;
            presence.went_later(&last, departures);
        });
    }

    /// As [`Self::announce_later`], with a frame of their own for each of these people.
    pub fn announce_each_later(&self, after: &AfterAnswer, frames: Vec<(UserId, Value)>) {
        let (presence, last) = (self.clone(), after.clone());
        after.push(async move {
            let departures = presence.announcer.announce_each(&frames).await;
            presence.went_later(&last, departures);
        });
    }

    /// Someone has come.
    pub async fn came(&self, user: UserId) {
        let departures = self.tell(user, true, self.clock.now()).await;
        self.went(departures).await;
    }

    /// These people have gone, unless they come back meanwhile: looked at after all else that is owed.
    pub fn went_later(&self, after: &AfterAnswer, departures: Vec<Departure>) {
        if !departures.is_empty() {
            let presence = self.clone();
            after.push(async move { presence.went(departures).await });
        }
    }

    /// Waits, and tells of those who are still gone; and of those whom that finds gone as well.
    async fn went(&self, mut departures: Vec<Departure>) {
        while !departures.is_empty() {
            tokio::time::sleep(self.wait).await;
            let told = departures.into_iter().map(|departure| async move {
                // Before it is looked at who is connected: an arrival that this does not see is later.
                let now = self.clock.now();
                match self.connections.settle(departure).await {
                    Ok(true) => self.tell(departure.user, false, now).await,
                    Ok(false) => Vec::new(),
                    Err(error) => {
                        tracing::warn!(cause = Error::from(error).cause(), "it could not be seen whether someone is back");
                        Vec::new()
                    }
                }
            });
            departures = futures_util::future::join_all(told).await.concat();
        }
    }

    async fn tell(&self, user: UserId, online: bool, at: Timestamp) -> Vec<Departure> {
        match self.messaging.acquaintances(user).await {
            Ok(people) => {
                let people: Vec<UserId> = people.into_iter().collect();
                self.announcer.announce(&people, &presence_changed(user, online, at)).await
            }
            Err(error) => {
                tracing::warn!(cause = Error::from(error).cause(), "nobody could be looked up for someone's presence");
                Vec::new()
            }
        }
    }
}

/// `presenceChanged`: of several about one person, the one with the latest `at` holds.
fn presence_changed(user: UserId, online: bool, at: Timestamp) -> Value {
    json!({"action": "presenceChanged", "userId": user, "online": online, "at": at})
}
