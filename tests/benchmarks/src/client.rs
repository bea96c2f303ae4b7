//! A client that only sends and reads: the checks of the test suite's client would be measured too.

use std::time::{Duration, Instant};

use end_to_end::Person;
use reqwest::Method;
use serde_json::Value;

/// Requests to one server, most often those of a signed-in person.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Client {
    /// The client of this person.
    pub(crate) fn of(person: &Person) -> Self {
        Self { http: reqwest::Client::new(), base: person.url(""), token: person.token.clone().unwrap_or_default() }
    }

    /// A client of another server, without a token.
    pub(crate) fn without_token(base: impl Into<String>) -> Self {
        Self { http: reqwest::Client::new(), base: base.into(), token: String::new() }
    }

    /// Sends a request. Returns the status, the size of the response's body in bytes, and how long it took.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answered, String> {
        let began = Instant::now();
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(|error| error.to_string())?.len();
        Ok(Answered { status, bytes, after: began.elapsed() })
    }
}

/// A response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    /// The status.
    pub(crate) status: u16,
    /// The size of the body in bytes.
    pub(crate) bytes: usize,
    /// From the request to the whole response.
    pub(crate) after: Duration,
}

/// The share of these times that is not longer than the result: 0.5 is the median.
pub(crate) fn percentile(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index of a short list")]
    let index = (times.len().saturating_sub(1) as f64 * share).round() as usize;
    times.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let mut times = [5.0, 1.0, 4.0, 2.0, 3.0];
        let found = [0.0, 0.5, 1.0].map(|share| percentile(&mut times, share).to_string());
        assert_eq!(found, ["1", "3", "5"]);
    }
}
