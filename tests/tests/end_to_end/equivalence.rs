//! After any actions, a client that applies frames alone, and a client that catches up, have the state that a fresh fetch returns.

use std::time::Duration;

use end_to_end::{Answer, Mirror, Person, Socket, TestStack, is_success, text};
use fastrand::Rng;
use local_stack::faults::{Effect, Risk};
use reqwest::Method;
use serde_json::{Value, json};

/// The number of actions in one run, and of actions between two comparisons.
const ACTIONS: usize = 330;
const COMPARED_EVERY: usize = 30;

/// A person with two clients: one that listens, and one that is away.
struct Client {
    person: Person,
    socket: Socket,
    /// The state from frames.
    listening: Mirror,
    /// The state from catching up.
    away: Mirror,
    cursor: String,
}

impl Client {
    async fn new(person: Person) -> Self {
        let socket = person.connect().await;
        let cursor = text(&person.get("/messages/sync").await.expect(200)["cursor"]);
        let known = Mirror::fetch(&person).await;
        Self { person, socket, listening: known.clone(), away: known, cursor }
    }

    /// Applies every frame that has arrived.
    async fn listen(&mut self) {
        for frame in self.socket.drain().await {
            self.listening.frame(&frame);
        }
        for conversation in std::mem::take(&mut self.listening.unknown) {
            self.listening.fetch_history(&self.person, &conversation).await;
        }
    }

    async fn catch_up(&mut self) {
        loop {
            let page = self.person.get(&format!("/messages/sync?since={}&limit=9", self.cursor)).await.expect(200);
            for change in page["changes"].as_array().unwrap() {
                self.away.change(change);
            }
            for conversation in std::mem::take(&mut self.away.unknown) {
                self.away.fetch_history(&self.person, &conversation).await;
            }
            self.cursor = text(&page["cursor"]);
            if page["more"] == json!(false) {
                self.away.keep_only(&page["conversationIds"]);
                return;
            }
        }
    }
}

/// The resources of the actions.
#[derive(Debug, Default)]
struct Things {
    /// Conversations. For a group, with its opener.
    conversations: Vec<(String, Option<usize>)>,
    messages: Vec<String>,
    /// Projects, with their owner.
    projects: Vec<(String, usize)>,
}

/// The fields of a message. Every third one mentions its sender.
fn new_message(number: u64, sender: &Person) -> Value {
    let mentions: &[&String] = if number.is_multiple_of(3) { &[&sender.id] } else { &[] };
    json!({"text": format!("text {number}"), "optimisticId": number.to_string(), "mentions": mentions})
}

fn send_frame(conversation: &str, mut fields: Value) -> Value {
    fields["action"] = json!("sendMessage");
    fields["conversationId"] = json!(conversation);
    fields
}

/// Performs one action of a person, over HTTP or over the socket.
async fn act(chance: &mut Rng, clients: &mut [Client], things: &mut Things) {
    let Things { conversations, messages, projects } = things;
    let pick = |chance: &mut Rng, count: usize| usize::try_from(chance.u64(..count as u64)).unwrap();
    let (index, other) = (pick(chance, clients.len()), pick(chance, clients.len()));
    let other = clients[other].person.id.clone();
    let number = chance.u64(..);
    let (conversation, opener) = conversations[pick(chance, conversations.len())].clone();
    let message = messages.get(pick(chance, messages.len().max(1))).cloned().unwrap_or_default();
    let emoji = ["👍", "✅", "💯"][pick(chance, 3)];
    let over_socket = chance.u64(..2) == 0;
    let kind = chance.u64(..34);
    let frame = match kind {
        0..7 => send_frame(&conversation, new_message(number, &clients[index].person)),
        7..9 => json!({"action": "editMessage", "messageId": message, "text": format!("edited {number}")}),
        9 => json!({"action": "deleteMessage", "messageId": message}),
        10..13 => json!({"action": "toggleReaction", "messageId": message, "emoji": emoji}),
        13..15 => json!({"action": "markRead", "conversationId": conversation, "seq": chance.u64(..12)}),
        _ => Value::Null,
    };
    if over_socket && !frame.is_null() {
        let mut frame = frame;
        frame["ref"] = json!("a");
        let client = &mut clients[index];
        let (reply, others) = client.socket.ask(frame).await;
        for frame in others {
            client.listening.frame(&frame);
        }
        if let Some(id) = reply["message"]["messageId"].as_str().filter(|_| kind < 7) {
            messages.push(id.to_owned());
        }
        return;
    }
    let (conversation, message) = (format!("/messages/conversations/{conversation}"), format!("/messages/{message}"));
    // Only the opener may change a group's title and people.
    let person = &clients[if kind < 17 { index } else { opener.unwrap_or(index) }].person;
    let answer = match kind {
        0..7 => person.post(&format!("{conversation}/messages"), new_message(number, person)).await,
        7..9 => person.patch(&message, json!({"text": frame["text"]})).await,
        9 => person.delete(&message).await,
        10..13 => {
            person
                .request(if number.is_multiple_of(3) { Method::DELETE } else { Method::PUT }, &format!("{message}/reactions/{emoji}"), &[], None)
                .await
        }
        13..15 => person.put(&format!("{conversation}/read"), json!({"seq": frame["seq"]})).await,
        15 => person.post("/messages/conversations", json!({"type": "direct", "participants": [other]})).await,
        16 => person.post("/messages/conversations", json!({"type": "group", "title": format!("G{number}"), "participants": [other]})).await,
        17..20 if opener.is_some() => person.patch(&conversation, json!({"title": format!("T{number}")})).await,
        20..22 if opener.is_some() => person.request(Method::PUT, &format!("{conversation}/participants/{other}"), &[], None).await,
        22..24 if opener.is_some() => person.delete(&format!("{conversation}/participants/{other}")).await,
        24..27 => person.post("/projects", json!({"title": format!("P{number}"), "team": [{"userId": other, "role": "editor"}]})).await,
        27..34 if !projects.is_empty() => {
            let picked = pick(chance, projects.len());
            change_project(clients, projects, picked, kind, &other).await
        }
        _ => return,
    };
    if answer.status == 201 && (24..27).contains(&kind) {
        let project = text(&answer.body["projectId"]);
        let chat = person.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(200);
        conversations.push((text(&chat["conversationId"]), None));
        projects.push((project, index));
    } else if is_success(answer.status) && kind < 7 {
        messages.push(text(&answer.body["messageId"]));
    } else if answer.status == 201 {
        conversations.push((text(&answer.body["conversationId"]), (kind == 16).then_some(index)));
    }
}

/// Changes a project once, as its owner.
async fn change_project(clients: &[Client], projects: &mut Vec<(String, usize)>, picked: usize, kind: u64, other: &str) -> Answer {
    let (project, owner) = projects[picked].clone();
    let (owner, path) = (&clients[owner].person, format!("/projects/{project}"));
    match kind {
        27..30 => owner.put(&format!("{path}/team/{other}"), json!({"role": "viewer"})).await,
        30..32 => owner.delete(&format!("{path}/team/{other}")).await,
        32 => owner.patch(&path, json!({"title": format!("R{}", projects.len())})).await,
        _ => {
            projects.retain(|(id, _)| *id != project);
            owner.delete(&path).await
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn state_from_frames_and_sync_equals_a_fresh_fetch() {
    let world = TestStack::start().await;
    let mut clients = Vec::new();
    for name in ["ana", "ben", "cleo", "dana"] {
        clients.push(Client::new(world.login(name).await).await);
    }
    let ids: Vec<String> = clients.iter().map(|client| client.person.id.clone()).collect();
    let opened = clients[0].person.post("/messages/conversations", json!({"type": "group", "title": "All", "participants": ids})).await.expect(201);
    let mut things = Things { conversations: vec![(text(&opened["conversationId"]), Some(0))], ..Things::default() };
    let mut chance = Rng::with_seed(7);
    // Some frames are delayed, so that frames of other functions overtake them.
    let late =
        Risk { function: None, action: Some("PostToConnection".to_owned()), effect: Effect::Delay(Duration::from_millis(150)), per_million: 300_000 };
    world.stack().faults.run_risks(7, vec![late]);
    for number in 1..=ACTIONS {
        act(&mut chance, &mut clients, &mut things).await;
        if number % COMPARED_EVERY == 0 {
            world.settled().await;
            for client in &mut clients {
                client.listen().await;
                client.catch_up().await;
                let fresh = Mirror::fetch(&client.person).await;
                assert_eq!(client.listening.without_others_markers(), fresh.without_others_markers(), "frames, after {number} actions");
                assert_eq!(client.away.without_markers(), fresh.without_markers(), "catching up, after {number} actions");
            }
        }
    }
    assert!(things.messages.len() > 20 && things.conversations.len() > 5 && !things.projects.is_empty(), "enough has happened: {things:?}");
}
