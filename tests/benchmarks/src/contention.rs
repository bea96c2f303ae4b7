//! How long writers of the same item wait for each other: sends into one conversation, changes of one budget.

use std::time::Instant;

use end_to_end::{Person, Socket, TestStack, text};
use futures_util::future::{join, join_all, try_join_all};
use local_stack::config::Options;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, percentile};
use crate::table::{Bar, Row};

/// The writes of one measurement.
const SENDS: usize = 200;
/// The sockets of each of the four people.
const SOCKETS: usize = 3;
/// The number of times that each measurement is made.
const ROUNDS: usize = 5;
/// The editors of one budget, and the changes that each makes.
const EDITORS: usize = 20;
const CHANGES: usize = 5;

/// The times of writes in milliseconds, and how many were not acknowledged.
#[derive(Default)]
struct Measured {
    times: Vec<f64>,
    refused: u32,
}

impl Measured {
    fn add(&mut self, outcomes: impl IntoIterator<Item = Option<f64>>) {
        for outcome in outcomes {
            match outcome {
                Some(time) => self.times.push(time),
                None => self.refused += 1,
            }
        }
    }

    fn rows(mut self, name: &str) -> [Row; 2] {
        [
            Row::new(format!("{name}: not acknowledged"), f64::from(self.refused), "", Bar::AtMost(0.0)),
            Row::new(format!("{name}: 99th percentile"), percentile(&mut self.times, 0.99), "ms", Bar::AtMost(5_000.0)),
        ]
    }
}

/// Two hundred sends at once, half of them over twelve sockets; sixteen at a time; a hundred changes of one budget by twenty editors.
pub(crate) async fn measure() -> Result<Vec<Row>, String> {
    let stack = TestStack::start_with(Options { keep: false, ..Options::for_tests() }).await;
    let mut people = Vec::new();
    for name in ["ana", "ben", "cleo", "dana"] {
        people.push(stack.login(name).await);
    }
    let team: Vec<(&Person, &str)> = people[1..].iter().map(|person| (person, "editor")).collect();
    let project = stack.project(&people[0], "Atrium", &team).await;
    let opened = people[0].post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(200);
    let conversation = text(&opened["conversationId"]);
    let budget = format!("/projects/{project}/budget");
    let made = people[0].patch(&budget, json!({"lines": vec![json!({"quantity": 1}); EDITORS]})).await.expect(200);
    let lines: Vec<String> = made["lines"].as_array().into_iter().flatten().map(|line| text(&line["budgetItemId"])).collect();
    let clients: Vec<Client> = people.iter().map(Client::of).collect();
    let mut sockets: Vec<Socket> = Vec::new();
    for person in &people {
        sockets.extend(join_all((0..SOCKETS).map(|_| person.connect())).await);
    }
    // Starts the sandboxes before the measurements.
    at_once(&clients, &mut sockets, &conversation, 0).await;
    let (mut all, mut few, mut edits, mut ratios) = (Measured::default(), Measured::default(), Measured::default(), Vec::new());
    for round in 1..=ROUNDS {
        all.add(at_once(&clients, &mut sockets, &conversation, round).await);
        let mut sixteen = Measured::default();
        sixteen.add(sixteen_at_a_time(&clients, &conversation).await?);
        ratios.push(percentile(&mut sixteen.times, 1.0) / percentile(&mut sixteen.times, 0.5));
        few.add(sixteen.times.into_iter().map(Some));
        few.refused += sixteen.refused;
        edits.add(changes(&clients, &budget, &lines).await?);
        stack.settled().await;
    }
    let mut rows = Vec::from(all.rows("200 sends at once into one conversation"));
    rows.extend(few.rows("sends into one conversation, 16 at a time"));
    rows.push(Row::new("sends, 16 at a time: the slowest, of the median", percentile(&mut ratios, 0.5), "times", Bar::AtMost(10.0)));
    rows.extend(edits.rows("changes of one budget by 20 editors"));
    Ok(rows)
}

/// Sends all messages at once: half over HTTP, half over the sockets. The time of each, or nothing if it was not acknowledged.
async fn at_once(clients: &[Client], sockets: &mut [Socket], conversation: &str, round: usize) -> Vec<Option<f64>> {
    let path = format!("/messages/conversations/{conversation}/messages");
    let by_http = join_all((0..SENDS / 2).map(|n| sent(&clients[n % clients.len()], &path)));
    let count = sockets.len();
    let by_socket = join_all(sockets.iter_mut().enumerate().map(|(index, socket)| {
        let share = (SENDS / 2 - index).div_ceil(count);
        sent_over(socket, conversation, format!("{round}-{index}"), share)
    }));
    let (by_http, by_socket) = join(by_http, by_socket).await;
    by_http.into_iter().chain(by_socket.into_iter().flatten()).collect()
}

async fn sent(client: &Client, path: &str) -> Option<f64> {
    let answer = client.send(Method::POST, path, Some(&json!({"text": "to all"}))).await.ok()?;
    (answer.status == 201).then_some(answer.after.as_secs_f64() * 1e3)
}

/// Sends this many messages over one socket without waiting for replies, then reads the replies.
async fn sent_over(socket: &mut Socket, conversation: &str, prefix: String, count: usize) -> Vec<Option<f64>> {
    let began = Instant::now();
    for n in 0..count {
        let id = format!("{prefix}-{n}");
        socket.send(&json!({"action": "sendMessage", "conversationId": conversation, "text": "to all", "optimisticId": id, "ref": id})).await;
    }
    let mut times = Vec::new();
    while times.len() < count {
        let Ok(frame) = socket.next_unchecked().await else { break };
        let frame: Value = serde_json::from_str(&frame).unwrap_or_default();
        // The gateway's own errors do not say what they are about.
        if frame["ref"].as_str().is_some_and(|id| id.starts_with(&prefix)) || frame["action"].is_null() {
            times.push((frame["action"] == "ack").then(|| began.elapsed().as_secs_f64() * 1e3));
        }
    }
    times.resize(count, None);
    times
}

async fn sixteen_at_a_time(clients: &[Client], conversation: &str) -> Result<Vec<Option<f64>>, String> {
    let path = &format!("/messages/conversations/{conversation}/messages");
    let writer = |n: usize| async move {
        let mut times = Vec::new();
        for _ in 0..SENDS / 2 / 16 {
            times.push(sent(&clients[n % clients.len()], path).await);
        }
        Ok::<_, String>(times)
    };
    Ok(try_join_all((0..16).map(writer)).await?.concat())
}

/// Each editor changes their own line, one change after another.
async fn changes(clients: &[Client], budget: &str, lines: &[String]) -> Result<Vec<Option<f64>>, String> {
    let edit = |(n, line): (usize, &String)| {
        let (client, line) = (&clients[n % clients.len()], line.clone());
        async move {
            let mut times = Vec::new();
            for quantity in 1..=CHANGES {
                let body = json!({"lines": [{"budgetItemId": line, "quantity": quantity}]});
                let answer = client.send(Method::PATCH, budget, Some(&body)).await?;
                times.push((answer.status == 200).then_some(answer.after.as_secs_f64() * 1e3));
            }
            Ok::<_, String>(times)
        }
    };
    Ok(try_join_all(lines.iter().enumerate().map(edit)).await?.concat())
}
