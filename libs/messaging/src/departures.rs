//! Closes connections and handles the effects of a closed connection on other people: released locks and presence. Every function uses this, so
//! each one that finds a connection gone sends the same frames.

use std::collections::BTreeMap;

use access::teams::Team;
use realtime::{Audience, CloseReason, Connection, Departure};
use shared_utils::clock::Timestamp;
use shared_utils::ids::{ProjectId, SessionId, UserId};
use shared_utils::refusal::Refusal;

use crate::broadcast::Broadcaster;
use crate::frames::presence_changed;

impl Broadcaster {
    /// Sends a connection the close reason and closes it.
    pub fn close_later(&self, connection: Connection, reason: CloseReason) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let departure = broadcaster.delivery.close(&connection, reason).await;
            broadcaster.departed(departure.into_iter().collect()).await;
        });
    }

    /// Closes a connection that a newer one of the same tab has replaced. The locks move to the new one.
    pub fn replace_later(&self, old: Connection, new: Connection) {
        let broadcaster = self.clone();
        self.after.push(async move {
            broadcaster.hand_over(&old, &new).await;
            let departure = broadcaster.delivery.close(&old, CloseReason::Replaced).await;
            broadcaster.departed(departure.into_iter().collect()).await;
        });
    }

    /// Closes the `surplus` connections that were active least recently.
    pub fn close_surplus_later(&self, connections: Vec<Connection>, surplus: usize) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let connections = match broadcaster.connections.by_activity(connections).await {
                Ok(connections) => connections,
                Err(error) => {
                    tracing::warn!(cause = error.for_log(), "a person's connections over the limit could not be looked up");
                    return;
                }
            };
            for connection in connections.into_iter().take(surplus) {
                let departure = broadcaster.delivery.close(&connection, CloseReason::TooManyConnections).await;
                broadcaster.departed(departure.into_iter().collect()).await;
            }
        });
    }

    /// Closes the connections of these sessions of a person.
    pub fn close_sessions_later(&self, user: UserId, sessions: Vec<SessionId>) {
        let broadcaster = self.clone();
        self.after.push(async move { broadcaster.close_sessions(user, &sessions).await });
    }

    /// Like [`Self::close_sessions_later`], but now: for code that itself runs after the response.
    pub async fn close_sessions(&self, user: UserId, sessions: &[SessionId]) {
        let departures = self.delivery.close_where(user, CloseReason::SessionRevoked, |connection| sessions.contains(&connection.session_id)).await;
        self.departed(departures).await;
    }

    /// Closes all connections of a person.
    pub fn close_all_later(&self, user: UserId, reason: CloseReason) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let departures = broadcaster.delivery.close_where(user, reason, |_| true).await;
            broadcaster.departed(departures).await;
        });
    }

    /// Records that a connection was notified of its token's expiry.
    pub fn tell_expired_later(&self, connection: Connection) {
        let delivery = self.delivery.clone();
        self.after.push(async move { delivery.tell_expired(&connection).await });
    }

    /// Sends the close reason to a connection without an item, and closes it.
    pub fn close_unknown_later(&self, connection_id: &str) {
        let (delivery, connection_id) = (self.delivery.clone(), connection_id.to_owned());
        self.after.push(async move { delivery.close_unknown(&connection_id).await });
    }

    /// Handles `$disconnect`. `connection` is the removed item, if any.
    pub fn disconnected_later(&self, connection_id: String, connection: Option<Connection>) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let departure = match &connection {
                Some(connection) => broadcaster.connections.disconnect(connection).await.unwrap_or_else(|error| {
                    tracing::warn!(cause = error.for_log(), "a closed connection could not be taken off its user's list");
                    None
                }),
                None => None,
            };
            let departures = match departure {
                Some(departure) => vec![departure],
                // Another function has removed it, and may have stopped before it released the locks.
                None => broadcaster.release_locks(&connection_id).await,
            };
            broadcaster.departed(departures).await;
        });
    }

    /// Broadcasts the effects of closed connections immediately: locks first, then presence. Connections that are found gone during this are
    /// handled in the same way.
    pub(crate) async fn departed(&self, mut departures: Vec<Departure>) {
        while !departures.is_empty() {
            let mut found = Vec::new();
            for departure in &departures {
                let id = &departure.connection.connection_id;
                let tab = departure.connection.tab_id.as_ref();
                match departure.others.iter().find(|other| tab.is_some() && other.tab_id.as_ref() == tab) {
                    // The tab has a new connection, which keeps the locks.
                    Some(successor) => self.hand_over(&departure.connection, successor).await,
                    None => found.extend(self.release_locks(id).await),
                }
            }
            for Departure { connection, at, .. } in departures.iter().filter(|departure| departure.is_last) {
                found.extend(self.tell_presence(connection.user_id, false, *at).await);
            }
            departures = found;
        }
    }

    async fn hand_over(&self, from: &Connection, to: &Connection) {
        if let Err(error) = self.locks.hand_over(&from.connection_id, to).await {
            tracing::warn!(
                cause = Refusal::from(error).cause(),
                "the locks of a replaced connection could not be handed over; they expire by themselves"
            );
        }
    }

    /// Releases a connection's locks and notifies those who may see the budgets.
    async fn release_locks(&self, connection_id: &str) -> Vec<Departure> {
        let release = async {
            let released = self.locks.release_all(connection_id).await?;
            let projects: Vec<ProjectId> = released.iter().map(|lock| lock.place.project_id).collect();
            let teams: BTreeMap<ProjectId, Team> = self.teams.find_many(&projects).await?.into_iter().map(|team| (team.project_id, team)).collect();
            let mut departures = Vec::new();
            for lock in released {
                if let Some(team) = teams.get(&lock.place.project_id) {
                    departures.extend(self.broadcast_budget(&team.team, &lock.frame()).await);
                }
            }
            Ok::<_, realtime::Error>(departures)
        };
        release.await.unwrap_or_else(|error| {
            tracing::warn!(cause = Refusal::from(error).cause(), "the locks of a closed connection could not be released; they expire by themselves");
            Vec::new()
        })
    }

    /// Notifies a person's contacts that the person came online or went offline.
    pub(crate) async fn tell_presence(&self, user: UserId, online: bool, at: Timestamp) -> Vec<Departure> {
        match self.messaging.contacts(user).await {
            Ok(people) => {
                let audience = Audience::others(people.into_iter().collect());
                self.delivery.broadcast_ephemeral(&audience, &presence_changed(user, online, at)).await
            }
            Err(error) => {
                tracing::warn!(cause = error.for_log(), "nobody could be looked up for someone's presence");
                Vec::new()
            }
        }
    }
}
