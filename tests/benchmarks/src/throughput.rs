//! Requests per second through the local stack: gateway, functions and database.

use std::time::{Duration, Instant};

use end_to_end::{Person, TestStack, text};
use local_stack::config::Options;
use serde_json::json;

use crate::table::{Bar, Row};

const DURATION: Duration = Duration::from_secs(5);
/// The clients that send at once.
const CLIENTS: usize = 16;

/// Requests and durable sends per second, with as many clients as keep the machine busy. The data is in a file.
pub(crate) async fn measure() -> Result<Vec<Row>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let options = Options { keep: false, in_memory: false, folder: Some(folder.path().to_owned()), ..Options::for_tests() };
    let stack = TestStack::start_with(options).await;
    let (ana, ben) = (stack.login("ana").await, stack.login("ben").await);
    let conversation = stack.direct(&ana, &ben).await;
    let path = format!("/messages/conversations/{conversation}/messages");
    let me = per_second(async || ana.get("/auth/me").await.status == 200).await?;
    let sends = per_second(async || sent(&ana, &path).await).await?;
    let unread = ben.get("/messages/conversations").await.expect(200);
    if text(&unread["items"][0]["conversationId"]) != conversation {
        return Err("the conversation is not in the list".to_owned());
    }
    Ok(vec![
        Row::new("local stack: GET /auth/me", me, "per second", Bar::AtLeast(1_500.0)),
        Row::new("local stack: durable sends", sends, "per second", Bar::AtLeast(300.0)),
    ])
}

async fn sent(person: &Person, path: &str) -> bool {
    person.post(path, json!({"text": "to you"})).await.status == 201
}

/// How many times per second `request` succeeds, when [`CLIENTS`] repeat it.
async fn per_second(request: impl AsyncFn() -> bool) -> Result<f64, String> {
    for _ in 0..CLIENTS {
        request().await;
    }
    let began = Instant::now();
    let client = async || {
        let mut count = 0u32;
        while began.elapsed() < DURATION {
            if !request().await {
                return Err("a request was refused".to_owned());
            }
            count += 1;
        }
        Ok(count)
    };
    let counts = futures_util::future::try_join_all((0..CLIENTS).map(|_| client())).await?;
    Ok(f64::from(counts.iter().sum::<u32>()) / began.elapsed().as_secs_f64())
}
