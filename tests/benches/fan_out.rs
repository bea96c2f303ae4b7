//! Measures the delivery of a message to a hundred people with three sockets each, in units of one post: `make bench-fan-out`.
//!
//! Every post takes 20 ms at the gateway. The time from the acknowledgement to the last frame must not exceed five sequential posts, even
//! if some connections are dead or slow.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark talks to the terminal and stops where it cannot go on")]

use std::time::{Duration, Instant};

use end_to_end::{Person, Socket, TestStack, text};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use local_stack::faults::{Effect, InjectedFault};
use serde_json::json;

const PEOPLE: usize = 100;
const SOCKETS: usize = 3;
const ROUNDS: usize = 21;
/// The time of one post at the gateway.
const POST: Duration = Duration::from_millis(20);
/// The maximum delivery time, in sequential posts.
const BAR: f64 = 5.0;

/// Sends a message. Returns the time from its acknowledgement until `expected` of these sockets have its frame, in milliseconds.
async fn send(sender: &Person, conversation: &str, sockets: &mut [Socket], expected: usize) -> f64 {
    let path = format!("/messages/conversations/{conversation}/messages");
    let body = json!({"text": "to all"});
    let acknowledged = async {
        sender.post(&path, body).await.expect(201);
        Instant::now()
    };
    let arrived = async {
        let frames: FuturesUnordered<_> = sockets.iter_mut().map(Socket::next).collect();
        frames.take(expected).collect::<Vec<_>>().await;
        Instant::now()
    };
    let (began, ended) = tokio::join!(acknowledged, arrived);
    ended.saturating_duration_since(began).as_secs_f64() * 1e3
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

#[tokio::main]
async fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let world = TestStack::start_peopled(PEOPLE + 1).await;
    let owner = world.login("ana").await;
    let mut people = Vec::new();
    for n in 1..PEOPLE {
        people.push(world.login(&format!("user{n:03}")).await);
    }
    let named: Vec<(&Person, &str)> = people.iter().take(90).map(|person| (person, "viewer")).collect();
    let project = world.project(&owner, "Atrium", &named).await;
    for person in &people[90..] {
        owner.put(&format!("/projects/{project}/team/{}", person.id), json!({"role": "viewer"})).await.expect(200);
    }
    let all = owner.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(200);
    let all = text(&all["conversationId"]);
    // Measures one post alone: the sender has one socket, and the other person has none.
    let alone = world.login(&format!("user{:03}", PEOPLE + 1)).await;
    let other = world.login("dana").await;
    let pair = world.direct(&alone, &other).await;
    let mut single = vec![alone.connect().await];
    let mut sockets = Vec::new();
    for person in people.iter().chain([&owner]) {
        sockets.extend(join_all((0..SOCKETS).map(|_| person.connect())).await);
    }
    world.settled().await;
    let mut drained = join_all(sockets.iter_mut().map(Socket::drain)).await;
    drained.clear();

    let faults = &world.stack().faults;
    let slow = |action: &str, effect, skip, times| InjectedFault { action: Some(action.to_owned()), effect, skip, times };
    let every = || slow("PostToConnection", Effect::Delay(POST), 0, usize::MAX);
    let (mut one, mut many, mut mixed) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        faults.clear();
        faults.add(every());
        one.push(send(&alone, &pair, &mut single, 1).await);
        world.settled().await;
        many.push(send(&owner, &all, &mut sockets, PEOPLE * SOCKETS).await);
        world.settled().await;
        // The first connection is very slow, and the second seems dead. All others must get the frame as quickly as before.
        faults.clear();
        faults.add(slow("PostToConnection", Effect::Delay(Duration::from_secs(1)), 0, 1));
        faults.add(slow("PostToConnection", Effect::Gone, 0, 1));
        faults.add(every());
        mixed.push(send(&owner, &all, &mut sockets, PEOPLE * SOCKETS - 2).await);
        world.settled().await;
        faults.clear();
        join_all(sockets.iter_mut().map(Socket::drain)).await;
    }
    let (one, many, mixed) = (median(one), median(many), median(mixed));
    println!("one connection                                {one:8.1} ms from the acknowledgement to the frame, median of {ROUNDS}");
    println!("{} connections                               {many:8.1} ms, {:.1} posts", PEOPLE * SOCKETS, many / POST.as_secs_f64() / 1e3);
    println!("and with a dead and a slow one among them     {mixed:8.1} ms, {:.1} posts", mixed / POST.as_secs_f64() / 1e3);
    let most = many.max(mixed) / POST.as_secs_f64() / 1e3;
    println!("the bar is {BAR} posts");
    assert!(most <= BAR, "and it took {most:.1}");
}
