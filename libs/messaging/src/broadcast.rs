//! Broadcasts frames to the people concerned, including those about a closed connection. Every function uses this module, so each one that finds
//! a connection gone sends the same frames.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use access::revocations::Revocations;
use access::teams::{Member, Team, TeamRole, Teams, acts_as};
use files::Files;
use realtime::{Audience, Connection, Connections, ConnectionsApi, Delivery, Departure, EphemeralFrame, Locks, MAX_AUDIENCE};
use serde_json::{Value, json};
use shared_utils::aws::AwsConfig;
use shared_utils::background_tasks::BackgroundTasks;
use shared_utils::clock::{Clock, Timestamp};
use shared_utils::dynamo::Store;
use shared_utils::env::{EnvError, Environment};
use shared_utils::ids::UserId;

use crate::conversation::Conversation;
use crate::frames::{conversation_removed, conversation_updated, presence_changed};
use crate::{Messaging, Tables};

/// Broadcasts frames after the response.
#[derive(Clone)]
pub struct Broadcaster {
    store: Store,
    tables: Tables,
    revocations: Arc<Revocations>,
    pub(crate) messaging: Messaging,
    pub(crate) connections: Connections,
    pub(crate) locks: Locks,
    pub(crate) teams: Teams,
    pub(crate) delivery: Delivery,
    pub(crate) after: BackgroundTasks,
    /// The files of conversations, in the functions that write messages.
    files: Option<Files>,
}

impl Broadcaster {
    /// Reads the table names and `WEBSOCKET_ENDPOINT`. Where `DynamoDB` is behind TLS, it reads the revocations beside what follows: the first
    /// request finds them, and an open connection. If this read fails or takes too long, the first request reads them itself.
    pub fn from_env(env: &Environment, aws: &AwsConfig, clock: &Clock) -> Result<Self, EnvError> {
        let broadcaster = Self::new(aws, Tables::from_env(env)?, &env.required("WEBSOCKET_ENDPOINT")?, clock);
        let revocations = broadcaster.revocations.clone();
        aws.warm_up(async move {
            let _ = revocations.refresh().await;
        });
        Ok(broadcaster)
    }

    /// A broadcaster for these tables and for the WebSocket API at this `@connections` endpoint.
    pub fn new(aws: &AwsConfig, tables: Tables, websocket_endpoint: &str, clock: &Clock) -> Self {
        let store = Store::new(aws.dynamodb());
        let revocations = Arc::new(Revocations::new(store.clone(), tables.auth.clone(), clock.clone()));
        let connections = Connections::new(store.clone(), tables.connections.clone(), clock.clone());
        Self {
            teams: Teams::new(store.clone(), tables.projects.clone()),
            locks: Locks::new(store.clone(), tables.connections.clone(), clock.clone()),
            delivery: Delivery::new(connections.clone(), ConnectionsApi::new(aws, websocket_endpoint), revocations.clone(), clock.clone()),
            messaging: Messaging::new(store.clone(), &tables, clock.clone()),
            connections,
            after: BackgroundTasks::default(),
            files: None,
            store,
            tables,
            revocations,
        }
    }

    /// A broadcaster that also deletes the objects of deleted messages, after the response.
    #[must_use]
    pub fn with_files(self, files: Files) -> Self {
        Self { files: Some(files), ..self }
    }

    /// After the response, deletes the objects that are due.
    pub fn remove_objects_later(&self) {
        if let Some(files) = &self.files {
            files.process_removals_later(&self.after);
        }
    }

    /// The process's only `DynamoDB` client.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Full table names.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Revoked access tokens.
    pub fn revocations(&self) -> &Arc<Revocations> {
        &self.revocations
    }

    /// The tasks that run after each response.
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

    /// Sends an ephemeral frame to those of this audience who are online and not too many.
    pub fn broadcast_ephemeral_later(&self, audience: Audience, frame: EphemeralFrame) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let departures = broadcaster.delivery.broadcast_ephemeral(&audience, &frame).await;
            broadcaster.departed(departures).await;
        });
    }

    /// Like [`Self::broadcast_later`], with a separate frame for each person.
    pub fn broadcast_each_later(&self, frames: Vec<(UserId, Value)>) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let departures = broadcaster.delivery.broadcast_each(&frames).await;
            broadcaster.departed(departures).await;
        });
    }

    /// Sends a separate frame to each person. Team members' frames get their view of the project's conversation. The others also get
    /// `conversationRemoved`.
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

    /// Sends `conversationUpdated` for a project's conversation to everyone in its team.
    pub fn broadcast_conversation_later(&self, team: Team) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let Some(conversation) = broadcaster.conversation_of(team).await else { return };
            let frames: Vec<_> =
                conversation.participants().into_iter().map(|person| (person, conversation_updated(&conversation, person))).collect();
            let departures = broadcaster.delivery.broadcast_each(&frames).await;
            broadcaster.departed(departures).await;
        });
    }

    /// A project's conversation. If the read fails, the frame is sent without it, and the client fetches it.
    async fn conversation_of(&self, team: Team) -> Option<Conversation> {
        match self.messaging.project_conversation(team).await {
            Ok(conversation) => Some(conversation),
            Err(error) => {
                tracing::warn!(cause = error.for_log(), "a project's conversation could not be read for a frame");
                None
            }
        }
    }

    /// Sends a frame to the team members who may see the budget.
    pub fn broadcast_budget_later(&self, team: &BTreeMap<UserId, Member>, frame: Value) {
        let (broadcaster, team) = (self.clone(), team.clone());
        self.after.push(async move {
            let departures = broadcaster.broadcast_budget(&team, &frame).await;
            broadcaster.departed(departures).await;
        });
    }

    pub(crate) async fn broadcast_budget(&self, team: &BTreeMap<UserId, Member>, frame: &Value) -> Vec<Departure> {
        let people: Vec<UserId> = team.keys().copied().collect();
        let may_see = |connection: &Connection| acts_as(team, connection.user_id, connection.role) >= Some(TeamRole::Editor);
        self.delivery.broadcast(&people, frame, may_see).await
    }

    /// Notifies a person's contacts that the person is online.
    pub fn came_later(&self, user: UserId, at: Timestamp) {
        let broadcaster = self.clone();
        self.after.push(async move {
            let departures = broadcaster.tell_presence(user, true, at).await;
            broadcaster.departed(departures).await;
        });
    }

    /// Notifies a person's contacts that the person is online again. A late renewal may have made them appear offline.
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

    /// Notifies `joined` and `others`, who begin to share something, of each other's presence, if they
    /// are not too many for ephemeral frames.
    pub fn introduce_later(&self, joined: Vec<UserId>, others: Vec<UserId>) {
        let everyone: BTreeSet<UserId> = joined.iter().chain(&others).copied().collect();
        if everyone.len() < 2 || everyone.len() > MAX_AUDIENCE + 1 {
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
            let mut departures = Vec::new();
            for (user, at) in &online {
                // A person who joined is new to everyone. The others already know each other's presence.
                let told: Vec<UserId> =
                    online.keys().copied().filter(|other| other != user && (joined.contains(user) || joined.contains(other))).collect();
                departures.extend(broadcaster.delivery.broadcast_ephemeral(&Audience::others(told), &presence_changed(*user, true, *at)).await);
            }
            broadcaster.departed(departures).await;
        });
    }
}
