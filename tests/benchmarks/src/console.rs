//! What an open console costs the requests that it shows.

use std::time::Duration;

use end_to_end::{Page, TestStack};
use local_stack::config::Options;
use reqwest::Method;

use crate::client::{Client, percentile};
use crate::load::Load;
use crate::table::{Bar, Row};

/// Closed and open are measured in turn, so many times.
const ROUNDS: usize = 5;
const DURATION: Duration = Duration::from_secs(4);
/// The page draws what has happened before the first round.
const DRAWS: Duration = Duration::from_secs(1);

/// Requests per second with the console open in a browser on the same machine, as a share of those without it: the median of rounds.
pub(crate) async fn measure() -> Result<Vec<Row>, String> {
    let stack = TestStack::start_with(Options { keep: false, ..Options::for_tests() }).await;
    let client = Client::of(&stack.login("ana").await);
    let load = Load { client: &client, method: Method::GET, paths: vec!["/auth/me".to_owned()], body: None, status: 200 };
    let address = format!("{}/#token={}", stack.stack().console_url, stack.stack().control_token);
    let (mut shares, mut closed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let without = load.per_second(DURATION).await?;
        let page = Page::open(&address).await.ok_or("there is no Chromium")?;
        tokio::time::sleep(DRAWS).await;
        shares.push(load.per_second(DURATION).await? / without);
        drop(page);
        closed.push(without);
    }
    Ok(vec![
        Row::new("local stack, console closed: GET /auth/me", percentile(&mut closed, 0.5), "per second", Bar::None),
        Row::new("local stack, console open: GET /auth/me, share of that", percentile(&mut shares, 0.5), "", Bar::AtLeast(0.95)),
    ])
}
