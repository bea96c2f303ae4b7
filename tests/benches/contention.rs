//! Measures how long writers of the same item wait for each other: `make bench-contention`.
//!
//! Measures sends into one conversation, 4, 16 and 200 at a time, and changes of one budget by 20 editors, each of their own line. With
//! 16 at a time, the slowest send may take at most ten times the median. The server must not refuse any write.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark talks to the terminal and stops where it cannot go on")]

use std::time::Instant;

use end_to_end::{Person, TestStack, text};
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use serde_json::json;

/// The maximum ratio of the slowest send to the median, with 16 at a time.
const BAR: f64 = 10.0;
/// The number of times that each measurement is made. The median of the ratios counts.
const ROUNDS: usize = 5;

/// The times of writes in milliseconds, and the statuses of writes that failed.
struct Measured {
    times: Vec<f64>,
    refused: Vec<u16>,
}

impl Measured {
    fn at(&self, part: f64) -> f64 {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index of a short list")]
        let index = ((times.len() - 1) as f64 * part) as usize;
        times[index]
    }

    fn ratio(&self) -> f64 {
        self.at(1.0) / self.at(0.5)
    }

    fn print(&self, what: &str) {
        println!(
            "{what:<34} median {:7.1} ms   95th percentile {:7.1} ms   maximum {:7.1} ms   {:4.1} x   refused {}",
            self.at(0.5),
            self.at(0.95),
            self.at(1.0),
            self.ratio(),
            self.refused.len()
        );
    }
}

/// Sends `count` messages, `at_a_time` of them concurrently.
async fn sends(people: &[Person], conversation: &str, round: usize, at_a_time: usize, count: usize) -> Measured {
    let path = format!("/messages/conversations/{conversation}/messages");
    let send = |n: usize| {
        let (person, path) = (&people[n % people.len()], &path);
        async move {
            let began = Instant::now();
            let body = json!({"text": "to all", "optimisticId": format!("{round}-{at_a_time}-{n}")});
            let answer = person.post(path, body).await;
            (began.elapsed().as_secs_f64() * 1e3, answer.status)
        }
    };
    measured(stream::iter(0..count).map(send).buffer_unordered(at_a_time).collect().await, 201)
}

fn measured(outcomes: Vec<(f64, u16)>, expected: u16) -> Measured {
    let refused = outcomes.iter().map(|(_, status)| *status).filter(|status| *status != expected).collect();
    Measured { times: outcomes.into_iter().map(|(time, _)| time).collect(), refused }
}

/// Twenty editors change their own line five times each, concurrently.
async fn edits(people: &[Person], budget: &str, lines: &[String]) -> Measured {
    let edit = |n: usize| {
        let person = &people[n % people.len()];
        async move {
            let mut outcomes = Vec::new();
            for quantity in 1..=5 {
                let began = Instant::now();
                let answer = person.patch(budget, json!({"lines": [{"budgetItemId": lines[n], "quantity": quantity}]})).await;
                outcomes.push((began.elapsed().as_secs_f64() * 1e3, answer.status));
            }
            outcomes
        }
    };
    measured(join_all((0..lines.len()).map(edit)).await.concat(), 200)
}

#[tokio::main]
async fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let world = TestStack::start().await;
    let mut people = Vec::new();
    for name in ["ana", "ben", "cleo", "dana"] {
        people.push(world.login(name).await);
    }
    let team: Vec<(&Person, &str)> = people[1..].iter().map(|person| (person, "editor")).collect();
    let project = world.project(&people[0], "Atrium", &team).await;
    let budget = format!("/projects/{project}/budget");
    let made = people[0].patch(&budget, json!({"lines": vec![json!({"quantity": 1}); 20]})).await.expect(200);
    let lines: Vec<String> = made["lines"].as_array().unwrap().iter().map(|line| text(&line["budgetItemId"])).collect();
    let opened = people[0].post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(200);
    let conversation = text(&opened["conversationId"]);
    // Starts the sandboxes before the measurements.
    sends(&people, &conversation, 0, 200, 200).await;
    edits(&people, &budget, &lines).await;
    let (mut ratios, mut refused) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        for (at_a_time, count) in [(4, 100), (16, 100), (200, 200)] {
            let measured = sends(&people, &conversation, round, at_a_time, count).await;
            measured.print(&format!("{count} sends, {at_a_time} at a time"));
            if at_a_time == 16 {
                ratios.push(measured.ratio());
            }
            refused.extend(measured.refused);
        }
        let measured = edits(&people, &budget, &lines).await;
        measured.print("100 changes by 20 editors");
        refused.extend(measured.refused);
        world.settled().await;
    }
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios[ratios.len() / 2];
    println!("sixteen at a time: the slowest takes {ratio:.1} times the median (bar {BAR}); refused: {refused:?}");
    assert!(refused.is_empty(), "a write was refused: {refused:?}");
    assert!(ratio < BAR, "the slowest send takes {ratio:.1} times the median");
}
