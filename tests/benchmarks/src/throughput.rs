//! Requests per second through the local stack: gateway, functions and database.

use std::time::Duration;

use end_to_end::{Person, Socket, TestStack};
use futures_util::future::join_all;
use local_stack::config::Options;
use reqwest::Method;
use serde_json::json;

use crate::client::Client;
use crate::load::{CLIENTS, Load};
use crate::table::{Bar, Row};

const DURATION: Duration = Duration::from_secs(5);
/// The sockets that are open at once.
const SOCKETS: usize = 1_000;

/// Requests and durable sends per second, with as many clients as keep the machine busy; the slowest at half of that; a thousand open sockets. The
/// data is in a file.
pub(crate) async fn measure() -> Result<Vec<Row>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let options =
        Options { keep: false, in_memory: false, folder: Some(folder.path().to_owned()), more_people: SOCKETS / 10, ..Options::for_tests() };
    let stack = TestStack::start_with(options).await;
    let ana = stack.login("ana").await;
    let client = Client::of(&ana);
    let me = Load { client: &client, method: Method::GET, paths: vec!["/auth/me".to_owned()], body: None, status: 200 };
    let mut paths = Vec::new();
    for n in 1..=CLIENTS {
        let other = stack.login(&format!("user{n:03}")).await;
        paths.push(format!("/messages/conversations/{}/messages", stack.direct(&ana, &other).await));
    }
    let one = vec![paths[0].clone()];
    let send = |paths| Load { client: &client, method: Method::POST, paths, body: Some(json!({"text": "to you"})), status: 201 };
    let mut rows = Vec::new();
    for (name, load, bar) in [
        ("GET /auth/me", me, Bar::AtLeast(1_500.0)),
        ("durable sends into sixteen conversations", send(paths), Bar::AtLeast(300.0)),
        ("durable sends into one conversation", send(one), Bar::None),
    ] {
        let most = load.per_second(DURATION).await?;
        rows.push(Row::new(format!("local stack: {name}"), most, "per second", bar));
        if let Bar::AtLeast(bar) = bar {
            let slow = load.percentile_at(bar / 2.0, DURATION).await?;
            rows.push(Row::new(format!("local stack: {name}, {} per second: 99th percentile", bar / 2.0), slow, "ms", Bar::AtMost(20.0)));
        }
    }
    rows.push(open_sockets(&stack).await?);
    Ok(rows)
}

/// Opens a thousand sockets of a hundred people, and asks each for a reply. Returns how many reply.
async fn open_sockets(stack: &TestStack) -> Result<Row, String> {
    let mut people: Vec<Person> = Vec::new();
    for n in 1..=SOCKETS / 10 {
        people.push(stack.login(&format!("user{n:03}")).await);
    }
    let mut sockets: Vec<Socket> = Vec::new();
    for _ in 0..10 {
        sockets.extend(join_all(people.iter().map(Person::connect)).await);
    }
    let replies = join_all(sockets.iter_mut().map(Socket::try_drain)).await;
    let replies = u32::try_from(replies.iter().filter(|reply| reply.is_ok()).count()).map_err(|error| error.to_string())?;
    Ok(Row::new("local stack: open sockets that reply", f64::from(replies), "", Bar::AtLeast(1_000.0)))
}
