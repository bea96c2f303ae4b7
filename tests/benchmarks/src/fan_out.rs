//! The delivery of a message to a hundred people with three sockets each, in units of one post.
//!
//! Every post takes 20 ms at the gateway. Measured is the time from the acknowledgement to the last frame, also when some connections are dead or slow.

use std::time::{Duration, Instant};

use end_to_end::{Person, Socket, TestStack, text};
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use local_stack::config::Options;
use local_stack::faults::{Effect, InjectedFault};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, percentile};
use crate::table::{Bar, Row};

const PEOPLE: usize = 100;
const SOCKETS: usize = 3;
const ROUNDS: usize = 21;
/// The time of one post at the gateway.
const POST: Duration = Duration::from_millis(20);
/// The maximum delivery time, in sequential posts.
const BAR: f64 = 3.0;

/// People with their sockets in one conversation.
struct Room<'a> {
    stack: &'a TestStack,
    people: Vec<&'a Person>,
    /// [`SOCKETS`] of each person, in the order of the people.
    sockets: Vec<Socket>,
    sender: Client,
    path: String,
}

impl Room<'_> {
    /// Sends a message. Returns the time from its acknowledgement until `expected` sockets have its frame, in posts.
    async fn send(&mut self, expected: usize) -> Result<f64, String> {
        let body = json!({"text": "to all"});
        let acknowledged = async {
            let answer = self.sender.send(Method::POST, &self.path, Some(&body)).await?;
            if answer.status == 201 { Ok(Instant::now()) } else { Err(format!("the message was answered with {}", answer.status)) }
        };
        let arrived = async {
            let frames: FuturesUnordered<_> = self.sockets.iter_mut().map(arrival).collect();
            let count = frames.filter(|arrived| std::future::ready(*arrived)).take(expected).count().await;
            (count, Instant::now())
        };
        let (began, (count, ended)) = tokio::join!(acknowledged, arrived);
        self.stack.settled().await;
        if count < expected {
            return Err(format!("{count} of {expected} sockets got the frame"));
        }
        Ok(ended.saturating_duration_since(began?).as_secs_f64() / POST.as_secs_f64())
    }

    /// Reads what is left, and opens a new socket where a connection was found gone: nothing arrives there any more.
    async fn renew(&mut self) {
        let reads = self.sockets.iter_mut().map(Socket::try_drain);
        for (index, read) in join_all(reads).await.into_iter().enumerate() {
            if read.is_err() {
                self.sockets[index] = self.people[index / SOCKETS].connect().await;
            }
        }
        self.stack.settled().await;
        join_all(self.sockets.iter_mut().map(Socket::try_drain)).await;
    }
}

/// Waits for the frame of a message. Whether it came.
async fn arrival(socket: &mut Socket) -> bool {
    loop {
        match socket.next_unchecked().await {
            Ok(frame) if frame.contains("\"newMessage\"") => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

/// The time of a delivery in posts: to one connection, to three hundred, and with a dead and a slow one among them.
pub(crate) async fn measure() -> Result<Vec<Row>, String> {
    let stack = TestStack::start_with(Options { keep: false, more_people: PEOPLE + 1, ..Options::for_tests() }).await;
    let owner = stack.login("ana").await;
    let mut people = Vec::new();
    for n in 1..PEOPLE {
        people.push(stack.login(&format!("user{n:03}")).await);
    }
    let conversation = conversation_of_all(&stack, &owner, &people).await;
    // Measures one post alone: the sender has one socket, and the other person has none.
    let alone = stack.login(&format!("user{:03}", PEOPLE + 1)).await;
    let pair = stack.direct(&alone, &stack.login("dana").await).await;
    let room = |people, sockets, sender, conversation| Room {
        stack: &stack,
        people,
        sockets,
        sender: Client::of(sender),
        path: format!("/messages/conversations/{conversation}/messages"),
    };
    let mut small = room(vec![&alone], vec![alone.connect().await], &alone, pair);
    let mut large = room(people.iter().chain([&owner]).collect(), Vec::new(), &owner, conversation);
    for person in large.people.clone() {
        large.sockets.extend(join_all((0..SOCKETS).map(|_| person.connect())).await);
    }
    large.renew().await;

    let faults = &stack.stack().faults;
    let fault = |effect, times| faults.add(InjectedFault { action: Some("PostToConnection".to_owned()), effect, skip: 0, times });
    let (mut one, mut many, mut mixed) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        faults.clear();
        fault(Effect::Delay(POST), usize::MAX);
        one.push(small.send(1).await?);
        many.push(large.send(PEOPLE * SOCKETS).await?);
        // The first connection is very slow, and the second is dead. All others must get the frame as quickly as before.
        faults.clear();
        fault(Effect::Delay(Duration::from_secs(1)), 1);
        fault(Effect::Gone, 1);
        fault(Effect::Delay(POST), usize::MAX);
        mixed.push(large.send(PEOPLE * SOCKETS - 2).await?);
        faults.clear();
        large.renew().await;
    }
    let row = |name, times: &mut Vec<f64>, bar| Row::new(format!("delivery to {name}"), percentile(times, 0.5), "posts", bar);
    Ok(vec![
        row("one connection", &mut one, Bar::None),
        row("300 connections", &mut many, Bar::AtMost(BAR)),
        row("300 connections, one slow and one dead", &mut mixed, Bar::AtMost(BAR)),
    ])
}

/// A project's conversation, with everyone in the team.
async fn conversation_of_all(stack: &TestStack, owner: &Person, people: &[Person]) -> String {
    let named: Vec<(&Person, &str)> = people.iter().take(90).map(|person| (person, "viewer")).collect();
    let project = stack.project(owner, "Atrium", &named).await;
    for person in people.iter().skip(90) {
        owner.put(&format!("/projects/{project}/team/{}", person.id), json!({"role": "viewer"})).await.expect(200);
    }
    let opened = owner.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(200);
    text(&opened["conversationId"])
}
