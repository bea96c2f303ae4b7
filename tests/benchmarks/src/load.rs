//! A request that is repeated by several clients at once.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use reqwest::Method;
use serde_json::Value;

use crate::client::{Client, percentile};

/// The clients that send at once.
pub(crate) const CLIENTS: usize = 16;

/// A request that is repeated.
pub(crate) struct Load<'a> {
    /// The client.
    pub(crate) client: &'a Client,
    /// The method.
    pub(crate) method: Method,
    /// The paths. Each of the clients that send at once has one of these.
    pub(crate) paths: Vec<String>,
    /// The body.
    pub(crate) body: Option<Value>,
    /// The status of a success. Any other is an error.
    pub(crate) status: u16,
}

impl Load<'_> {
    async fn request(&self, client: usize) -> Result<f64, String> {
        let answer = self.client.send(self.method.clone(), &self.paths[client % self.paths.len()], self.body.as_ref()).await?;
        if answer.status == self.status {
            Ok(answer.after.as_secs_f64() * 1e3)
        } else {
            Err(format!("a request was answered with {}", answer.status))
        }
    }

    /// How many times per second the request succeeds, when [`CLIENTS`] repeat it for so long.
    pub(crate) async fn per_second(&self, duration: Duration) -> Result<f64, String> {
        try_join_all((0..CLIENTS).map(|client| self.request(client))).await?;
        let began = Instant::now();
        let client = async |client| {
            let mut count = 0u32;
            while began.elapsed() < duration {
                self.request(client).await?;
                count += 1;
            }
            Ok::<u32, String>(count)
        };
        let counts = try_join_all((0..CLIENTS).map(client)).await?;
        Ok(f64::from(counts.iter().sum::<u32>()) / began.elapsed().as_secs_f64())
    }

    /// The median in milliseconds of so many requests, one after another.
    pub(crate) async fn median(&self, requests: usize) -> Result<f64, String> {
        let mut times = Vec::with_capacity(requests);
        for _ in 0..requests {
            times.push(self.request(0).await?);
        }
        Ok(percentile(&mut times, 0.5))
    }

    /// The 99th percentile in milliseconds, when requests begin at this rate per second for so long.
    pub(crate) async fn percentile_at(&self, rate: f64, duration: Duration) -> Result<f64, String> {
        let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        let (began, mut running) = (Instant::now(), Vec::new());
        let requests = async {
            let mut times = Vec::new();
            let mut under_way = futures_util::stream::FuturesUnordered::new();
            let mut client = 0;
            loop {
                tokio::select! {
                    _ = ticks.tick(), if began.elapsed() < duration => {
                        under_way.push(self.request(client));
                        client += 1;
                    }
                    Some(time) = futures_util::StreamExt::next(&mut under_way) => times.push(time?),
                    else => break,
                }
            }
            Ok::<Vec<f64>, String>(times)
        };
        running.extend(requests.await?);
        Ok(percentile(&mut running, 0.99))
    }
}
