//! What one interaction uses: the events that it causes, and their calls.

use std::ops::{Add, AddAssign, Mul};
use std::time::Duration;

use futures_util::future::join_all;
use local_stack::records::{EventRecord, round_trips};
use serde_json::{Value, json};

use crate::{Person, Socket, TestStack, text};

/// What AWS charges for. One socket is open for each person who is online.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Requests to the HTTP API.
    pub http_requests: f64,
    /// Frames from clients, and the replies to them.
    pub frames: f64,
    /// Frames that functions post to connections.
    pub posts: f64,
    /// Invocations of functions.
    pub invocations: f64,
    /// Sequential calls to tables, while a sandbox waits.
    pub waits: f64,
    /// Read request units.
    pub reads: f64,
    /// Write request units.
    pub writes: f64,
    /// Signatures by KMS.
    pub signatures: f64,
    /// Bytes of log lines.
    pub log_bytes: f64,
}

impl Usage {
    fn of_event(event: &EventRecord) -> Self {
        let is_http = event.label.contains(" /");
        let is_frame = !is_http && !["$connect", "$disconnect"].contains(&event.label.as_str());
        let calls = || event.calls.iter().chain(&event.calls_after);
        let signs = event.label == "POST /auth/login" || event.label == "POST /auth/refresh";
        let one = |is: bool| if is { 1.0 } else { 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let count = |count: usize| count as f64;
        Self {
            http_requests: one(is_http),
            frames: 2.0 * one(is_frame),
            posts: count(calls().filter(|call| call.action == "PostToConnection").count()),
            invocations: 1.0,
            waits: count(round_trips(&event.calls) + round_trips(&event.calls_after)),
            reads: calls().map(|call| call.capacity.read).sum(),
            writes: calls().map(|call| call.capacity.write).sum(),
            signatures: one(signs),
            log_bytes: 0.0,
        }
    }
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            http_requests: self.http_requests + other.http_requests,
            frames: self.frames + other.frames,
            posts: self.posts + other.posts,
            invocations: self.invocations + other.invocations,
            waits: self.waits + other.waits,
            reads: self.reads + other.reads,
            writes: self.writes + other.writes,
            signatures: self.signatures + other.signatures,
            log_bytes: self.log_bytes + other.log_bytes,
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Mul<f64> for Usage {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        Self {
            http_requests: self.http_requests * times,
            frames: self.frames * times,
            posts: self.posts * times,
            invocations: self.invocations * times,
            waits: self.waits * times,
            reads: self.reads * times,
            writes: self.writes * times,
            signatures: self.signatures * times,
            log_bytes: self.log_bytes * times,
        }
    }
}

/// What one person uses besides conversations. Posts are presence frames to the acquaintances who are online.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone {
    /// A refresh of the tokens.
    pub refresh: Usage,
    /// A socket opens: ticket, connect, sync.
    pub arrive: Usage,
    /// A socket closes.
    pub leave: Usage,
    /// A heartbeat.
    pub ping: Usage,
    /// A page of messages is read.
    pub read: Usage,
}

/// What interactions in a conversation of one size use.
#[derive(Debug, Clone, Copy, Default)]
pub struct InConversation {
    /// A message is sent, without what readers do.
    pub send: Usage,
    /// A message is sent that mentions one person, who is away if someone is.
    pub mention: Usage,
    /// A reader's marker, of which others are told.
    pub marker_told: Usage,
    /// A reader's marker right after another, of which others need not be told.
    pub marker_again: Usage,
    /// A typing frame of which others are told.
    pub typing: Usage,
    /// A change of the project that the conversation belongs to.
    pub change: Usage,
}

/// Counts what happens from one call to the next.
struct Meter<'a> {
    world: &'a TestStack,
    events: usize,
    lines: usize,
}

/// The line with an event's metrics, which functions write in AWS alone (`shared_utils::event_context`).
const METRICS_LINE_BYTES: usize = 330;

impl<'a> Meter<'a> {
    async fn new(world: &'a TestStack) -> Self {
        let mut meter = Self { world, events: 0, lines: 0 };
        meter.take().await;
        meter
    }

    async fn take(&mut self) -> Usage {
        self.world.settled().await;
        let (events, lines) = (self.world.stack().records.events(), self.world.stack().log_lines());
        let mut usage = events.iter().skip(self.events).map(Usage::of_event).fold(Usage::default(), Add::add);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let log_bytes = lines.iter().skip(self.lines).map(String::len).sum::<usize>() as f64;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let metrics_bytes = (METRICS_LINE_BYTES * (events.len() - self.events)) as f64;
        usage.log_bytes = log_bytes + metrics_bytes;
        (self.events, self.lines) = (events.len(), lines.len());
        usage
    }
}

/// People who are online in one conversation.
pub struct Crowd {
    people: Vec<Person>,
    sockets: Vec<Socket>,
    conversation: String,
    project: String,
}

impl Crowd {
    /// A project's team of `participants` people, of whom `online` have a socket.
    ///
    /// # Panics
    /// If a request is refused.
    pub async fn new(world: &TestStack, participants: usize, online: usize) -> Self {
        let owner = world.login("ana").await;
        let mut people = vec![owner.clone()];
        for number in 1..participants {
            people.push(world.login(&format!("user{number:03}")).await);
        }
        let project = world.project(&owner, "Crowd", &[]).await;
        for person in &people[1..] {
            owner.put(&format!("/projects/{project}/team/{}", person.id), json!({"role": "viewer"})).await.expect(200);
        }
        let opened = owner.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(200);
        world.settled().await;
        let sockets = join_all(people[..online].iter().map(Person::connect)).await;
        world.settled().await;
        Self { people, sockets, conversation: text(&opened["conversationId"]), project }
    }

    async fn act(&mut self, index: usize, mut frame: Value) -> Value {
        frame["conversationId"] = json!(self.conversation);
        frame["ref"] = json!("cost");
        let (reply, _) = self.sockets[index].ask(frame).await;
        assert_eq!(reply["action"], json!("ack"), "{reply}");
        reply
    }

    /// Measures a send, with and without a mention, a typing frame, and the marker of a reader: told, and right after.
    ///
    /// # Panics
    /// If an action is refused.
    pub async fn in_conversation(&mut self, world: &TestStack) -> InConversation {
        let reader = self.sockets.len() - 1;
        let text = "a message as people write them, with a sentence or two in it";
        let mut meter = Meter::new(world).await;
        for number in 1..=3 {
            self.act(0, json!({"action": "sendMessage", "text": text, "optimisticId": number.to_string()})).await;
        }
        let send = meter.take().await * (1.0 / 3.0);
        let mentioned = self.people.last().map(|person| person.id.clone());
        self.act(0, json!({"action": "sendMessage", "text": text, "optimisticId": "mention", "mentions": [mentioned]})).await;
        let mention = meter.take().await;
        self.act(reader, json!({"action": "typing"})).await;
        let typing = meter.take().await;
        self.act(reader, json!({"action": "markRead", "seq": 1})).await;
        let marker_told = meter.take().await;
        self.act(reader, json!({"action": "markRead", "seq": 2})).await;
        let marker_again = meter.take().await;
        self.people[0].patch(&format!("/projects/{}", self.project), json!({"status": "40%"})).await.expect(200);
        let change = meter.take().await;
        InConversation { send, mention, marker_told, marker_again, typing, change }
    }

    /// Measures what one person does alone, and what the arrival and the departure of someone whom everyone in the crowd knows cost the others.
    ///
    /// # Panics
    /// If a request is refused.
    pub async fn alone(&mut self, world: &TestStack) -> Alone {
        self.sockets.pop();
        let person = self.people[self.sockets.len()].clone();
        let mut usage = Alone::default();
        self.gone(world, 1).await;
        let mut meter = Meter::new(world).await;
        let ticket = text(&person.post("/auth/ws-ticket", json!({})).await.expect(200)["ticket"]);
        let mut socket = person.try_connect(&format!("?ticket={ticket}"), &[]).await.unwrap_or_else(|status| panic!("refused with {status}"));
        world.settled().await;
        let cursor = text(&person.get("/messages/sync").await.expect(200)["cursor"]);
        person.get(&format!("/messages/sync?since={cursor}")).await.expect(200);
        usage.arrive = meter.take().await;
        socket.ask(json!({"action": "ping", "ref": "p"})).await;
        usage.ping = meter.take().await;
        person.get(&format!("/messages/conversations/{}/messages", self.conversation)).await.expect(200);
        usage.read = meter.take().await;
        person.post("/auth/refresh", json!({"refreshToken": person.refresh_token})).await.expect(200);
        usage.refresh = meter.take().await;
        drop(socket);
        self.gone(world, 2).await;
        usage.leave = meter.take().await;
        usage
    }

    /// Waits until this many sockets have closed.
    async fn gone(&self, world: &TestStack, count: usize) {
        while world.stack().records.events().iter().filter(|event| event.label == "$disconnect").count() < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        world.settled().await;
    }
}
