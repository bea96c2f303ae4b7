//! Telling people: frames to whom they concern, and everything that a connection's end means to others. Every function uses this one, so
//! that each function that finds a connection gone announces the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use access::revocations::Revocations;
use access::teams::{Member, Team, TeamRole, Teams, acts_as};
use realtime::{CloseReason, Connection, Connections, ConnectionsApi, Delivery, Departure, Locks};
use serde_json::{Value, json};
use shared_utils::background_tasks::BackgroundTasks;
use shared_utils::clock::{Clock, Timestamp};
use shared_utils::dynamo::Store;
use shared_utils::ids::{ProjectId, SessionId, UserId};
use shared_utils::refusal::Refusal;

use crate::conversation::Conversation;
use crate::frames::{conversation_removed, conversation_updated};
use crate::{Messaging, Tables};

/// So many frames tell people who begin to share something who of them is online: fifty who meet fifty. Where it would take more, a client
/// asks.
const MAX_INTRODUCTIONS: usize = 2_500;

/// Tells people, after the response.
#[derive(Clone)]
pub struct Broadcaster {
    messaging: Messaging,
    connections: Connections,
    locks: Locks,
    teams: Teams,
    delivery: Delivery,
    after: BackgroundTasks,
}

impl Broadcaster {
    /// A broadcaster on these tables and on the WebSocket API behind `gateway`.
    pub fn new(
        store: Store,
        gateway: ConnectionsApi,
        tables: Tables,
        connections_table: String,
        revocations: Arc<Revocations>,
        clock: &Clock,
    ) -> Self {
        let connections = Connections::new(store.clone(), connections_table.clone(), clock.clone());
        Self {
            teams: Teams::new(store.clone(), tables.projects.clone()),
            locks: Locks::new(store.clone(), connections_table, clock.clone()),
            delivery: Delivery::new(connections.clone(), gateway, revocations, clock.clone()),
            messaging: Messaging::new(store, tables, clock.clone()),
            connections,
            after: BackgroundTasks::default(),
        }
    }

    /// What runs after each response.
    pub fn background_tasks(&self) -> &BackgroundTasks {
        &self.after
    }

    /// Conversations and messages.
    pub fn messaging(&self) -> &Messaging {
        &self.messaging
    }

    /// The connections table.
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// The locks of budget lines.
    pub fn locks(&self) -> &Locks {
        &self.locks
    }

    /// Project teams.
    pub fn teams(&self) -> &Teams {
        &self.teams
    }

    /// Sends a frame to every live connection of these people.
    pub fn broadcast_later(&self, people: Vec<UserId>, frame: Value) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let departures = broadcaster.delivery.broadcast(&people, &frame, |_| true).await;
            broadcaster.departed(departures).await;
        });
    }

    /// As [`Self::broadcast_later`], with a frame of their own for each of these people.
    pub fn broadcast_each_later(&self, frames: Vec<(UserId, Value)>) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let departures = broadcaster.delivery.broadcast_each(&frames).await;
            broadcaster.departed(departures).await;
        });
    }

    /// Sends frames of their own to these people: those in the team get the project's conversation with it, as they see it, the others
    /// are told that they take part in it no longer.
    pub fn broadcast_with_conversation_later(&self, team: Team, mut frames: Vec<(UserId, Value)>) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let mut departures = Vec::new();
            if let Some(conversation) = broadcaster.conversation_of(team).await {
                let left: Vec<UserId> = frames.iter().map(|(person, _)| *person).filter(|person| !conversation.includes(*person)).collect();
                for (person, frame) in frames.iter_mut().filter(|(person, _)| conversation.includes(*person)) {
                    frame["conversation"] = json!(conversation.view(*person));
                }
                departures = broadcaster.delivery.broadcast(&left, &conversation_removed(&conversation), |_| true).await;
            }
            departures.extend(broadcaster.delivery.broadcast_each(&frames).await);
            broadcaster.departed(departures).await;
        });
    }

    /// `conversationUpdated` of a project's conversation, to everyone in its team.
    pub fn announce_conversation_later(&self, team: Team) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let Some(conversation) = broadcaster.conversation_of(team).await else { return };
            let frames: Vec<_> =
                conversation.participants().into_iter().map(|person| (person, conversation_updated(&conversation, person))).collect();
            let departures = broadcaster.delivery.broadcast_each(&frames).await;
            broadcaster.departed(departures).await;
        });
    }

    /// A project's conversation. A frame goes without it where it cannot be read: a client fetches it then.
    async fn conversation_of(&self, team: Team) -> Option<Conversation> {
        match self.messaging.project_conversation(team).await {
            Ok(conversation) => Some(conversation),
            Err(error) => {
                tracing::warn!(cause = error.for_log(), "a project's conversation could not be read for a frame");
                None
            }
        }
    }

    /// Sends a frame to those in a team who may see its budget.
    pub fn broadcast_budget_later(&self, team: &BTreeMap<UserId, Member>, frame: Value) {
        let (broadcaster, team) = (self.clone(), team.clone());
        self.after.push(async move {
            let departures = broadcaster.broadcast_budget(&team, &frame).await;
            broadcaster.departed(departures).await;
        });
    }

    async fn broadcast_budget(&self, team: &BTreeMap<UserId, Member>, frame: &Value) -> Vec<Departure> {
        let people: Vec<UserId> = team.keys().copied().collect();
        let may_see = |connection: &Connection| acts_as(team, connection.user_id, connection.role) >= Some(TeamRole::Editor);
        self.delivery.broadcast(&people, frame, may_see).await
    }

    /// Tells a person's contacts that they came.
    pub fn came_later(&self, user: UserId, at: Timestamp) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let departures = broadcaster.tell_presence(user, true, at).await;
            broadcaster.departed(departures).await;
        });
    }

    /// Tells a person's contacts that they are there again: their connection was renewed late, and others may have found them gone.
    pub fn came_back_later(&self, user: UserId) {
        let broadcaster = self.clone();
        self.after.push(async move {
            match broadcaster.connections.came_back(user).await {
                Ok(at) => {
                    let departures = broadcaster.tell_presence(user, true, at).await;
                    broadcaster.departed(departures).await;
                }
                Err(error) => tracing::warn!(cause = error.for_log(), "someone's return could not be noted"),
            }
        });
    }

    /// Tells `joined` and `others`, who begin to share something, who of them is online.
    pub fn introduce_later(&self, joined: Vec<UserId>, others: Vec<UserId>) {
        let everyone: BTreeSet<UserId> = joined.iter().chain(&others).copied().collect();
        if everyone.len() < 2 {
            return;
        }
        let broadcaster = self.clone();
        self.after.push(async move {
            let online = match broadcaster.connections.online(&everyone.iter().copied().collect::<Vec<_>>()).await {
                Ok(online) => online,
                Err(error) => {
                    tracing::warn!(cause = error.for_log(), "it could not be looked up who of those who share something now is online");
                    return;
                }
            };
            if joined.iter().filter(|user| online.contains_key(user)).count() * online.len() > MAX_INTRODUCTIONS {
                return;
            }
            let mut departures = Vec::new();
            for (user, at) in &online {
                // One who joined is new to everyone; the others know each other.
                let told: Vec<UserId> =
                    online.keys().copied().filter(|other| other != user && (joined.contains(user) || joined.contains(other))).collect();
                departures.extend(broadcaster.delivery.broadcast(&told, &presence_changed(*user, true, *at), |_| true).await);
            }
            broadcaster.departed(departures).await;
        });
    }

    /// Tells a connection why it ends and closes it.
    pub fn end_later(&self, connection: Connection, reason: CloseReason) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let departure = broadcaster.delivery.end(&connection, reason).await;
            broadcaster.departed(departure.into_iter().collect()).await;
        });
    }

    /// Ends a connection that another one of its tab has replaced: its locks go on with that one.
    pub fn replace_later(&self, old: Connection, new: Connection) {
        let broadcaster = self.clone();
        self.after.push(async move {
            broadcaster.hand_over(&old, &new).await;
            let departure = broadcaster.delivery.end(&old, CloseReason::Replaced).await;
            broadcaster.departed(departure.into_iter().collect()).await;
        });
    }

    /// Ends the connections that were active least recently, as many as there are over `most`.
    pub fn end_surplus_later(&self, connections: Vec<Connection>, surplus: usize) {
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
                let departure = broadcaster.delivery.end(&connection, CloseReason::TooManyConnections).await;
                broadcaster.departed(departure.into_iter().collect()).await;
            }
        });
    }

    /// Ends the sockets of these logins of a person.
    pub fn end_sessions_later(&self, user: UserId, sessions: Vec<SessionId>) {
        let broadcaster = self.clone();
        self.after.push(async move { broadcaster.end_sessions(user, &sessions).await });
    }

    /// As [`Self::end_sessions_later`], at once: for what runs after the response itself.
    pub async fn end_sessions(&self, user: UserId, sessions: &[SessionId]) {
        let departures = self.delivery.end_where(user, CloseReason::SessionRevoked, |connection| sessions.contains(&connection.session_id)).await;
        self.departed(departures).await;
    }

    /// Ends all sockets of a person.
    pub fn end_all_later(&self, user: UserId, reason: CloseReason) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let departures = broadcaster.delivery.end_where(user, reason, |_| true).await;
            broadcaster.departed(departures).await;
        });
    }

    /// Notes that a connection was told that its token's time is over.
    pub fn tell_expired_later(&self, connection: Connection) {
        let delivery = self.delivery.clone();
        self.after.push(async move { delivery.tell_expired(&connection).await });
    }

    /// Tells a connection that no item knows why it ends, and closes it.
    pub fn close_unknown_later(&self, connection_id: &str) {
        let (delivery, connection_id) = (self.delivery.clone(), connection_id.to_owned());
        self.after.push(async move { delivery.close_unknown(&connection_id).await });
    }

    /// `$disconnect` of a connection, by its id alone.
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
                // Someone else has taken it out, and may not have lived to release its locks.
                None => broadcaster.release_locks(&connection_id).await,
            };
            broadcaster.departed(departures).await;
        });
    }

    /// What the end of connections means to others, told at once: locks first, then presence. Those whom that finds gone in turn are told
    /// of as well.
    async fn departed(&self, mut departures: Vec<Departure>) {
        while !departures.is_empty() {
            let mut found = Vec::new();
            for departure in &departures {
                let id = &departure.connection.connection_id;
                let tab = departure.connection.tab_id.as_ref();
                match departure.others.iter().find(|other| tab.is_some() && other.tab_id.as_ref() == tab) {
                    // The tab is here again: it goes on with its locks.
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

    /// Releases what a connection had locked, and tells those who may see the budgets.
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

    /// Tells a person's contacts that they came or went.
    async fn tell_presence(&self, user: UserId, online: bool, at: Timestamp) -> Vec<Departure> {
        match self.messaging.contacts(user).await {
            Ok(people) => {
                let people: Vec<UserId> = people.into_iter().collect();
                self.delivery.broadcast(&people, &presence_changed(user, online, at), |_| true).await
            }
            Err(error) => {
                tracing::warn!(cause = error.for_log(), "nobody could be looked up for someone's presence");
                Vec::new()
            }
        }
    }
}

/// `presenceChanged`: of several about one person, the one with the latest `at` holds.
fn presence_changed(user: UserId, online: bool, at: Timestamp) -> Value {
    json!({"action": "presenceChanged", "userId": user, "online": online, "at": at})
}
