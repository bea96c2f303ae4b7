//! The context of the event that this sandbox handles: what every log line says of it, and what is counted for its metrics.
//!
//! A sandbox handles one event at a time. The context lasts until the background tasks of the event have ended, so their lines have it too.

use std::fmt::Write as _;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use lambda_runtime::Context;
use serde_json::{Map, Value, json};

tokio::task_local! {
    static CURRENT: Arc<EventContext>;
}

/// What is counted while an event is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Requests to AWS services, repetitions included.
    Calls,
    /// Frames that the gateway accepted for a connection.
    Deliveries,
    /// Posts that the gateway refused with 429 each time.
    ThrottledPosts,
    /// Logins that were refused: wrong credentials or too many attempts.
    RefusedLogins,
}

/// Adds to a counter of the current event. Without an event, as in a tool, this does nothing.
pub fn count(counter: Counter, by: usize) {
    let _ = CURRENT.try_with(|event| event.counter(counter).fetch_add(u64::try_from(by).unwrap_or(u64::MAX), Ordering::Relaxed));
}

/// Names the current event by the gateway's id of its request, which clients have as `X-Request-Id`.
pub(crate) fn set_request_id(request_id: &str) {
    let _ = CURRENT.try_with(|event| event.request_id.set(request_id.to_owned()));
}

/// The fields that a log line of the current event ends with: `"requestId":"…",…,"calls":3`.
pub(crate) fn json_fields() -> Option<String> {
    CURRENT.try_with(|event| event.json_fields()).ok()
}

/// One event.
#[derive(Debug)]
pub(crate) struct EventContext {
    started: Instant,
    is_cold: bool,
    function: String,
    /// `"lambdaRequestId":"…","traceId":"…","coldStart":true,"version":"12"`: the same in every line.
    identity: String,
    request_id: OnceLock<String>,
    calls: AtomicU64,
    deliveries: AtomicU64,
    throttled_posts: AtomicU64,
    refused_logins: AtomicU64,
}

impl EventContext {
    /// `is_cold`: the first event of this sandbox.
    pub(crate) fn new(context: &Context, is_cold: bool) -> Arc<Self> {
        let mut identity = Map::new();
        identity.insert("lambdaRequestId".to_owned(), json!(context.request_id));
        if let Some(trace_id) = context.xray_trace_id.as_deref().and_then(trace_root) {
            identity.insert("traceId".to_owned(), json!(trace_id));
        }
        identity.insert("coldStart".to_owned(), json!(is_cold));
        identity.insert("version".to_owned(), json!(context.env_config.version));
        Arc::new(Self {
            started: Instant::now(),
            is_cold,
            function: context.env_config.function_name.clone(),
            identity: object_fields(identity),
            request_id: OnceLock::new(),
            calls: AtomicU64::new(0),
            deliveries: AtomicU64::new(0),
            throttled_posts: AtomicU64::new(0),
            refused_logins: AtomicU64::new(0),
        })
    }

    /// Runs `work` with this event as the current one.
    pub(crate) async fn scope<F: Future>(self: &Arc<Self>, work: F) -> F::Output {
        CURRENT.scope(Arc::clone(self), work).await
    }

    /// Calls `work` with this event as the current one.
    pub(crate) fn enter<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(Arc::clone(self), work)
    }

    fn counter(&self, counter: Counter) -> &AtomicU64 {
        match counter {
            Counter::Calls => &self.calls,
            Counter::Deliveries => &self.deliveries,
            Counter::ThrottledPosts => &self.throttled_posts,
            Counter::RefusedLogins => &self.refused_logins,
        }
    }

    fn counted(&self, counter: Counter) -> u64 {
        self.counter(counter).load(Ordering::Relaxed)
    }

    fn json_fields(&self) -> String {
        let mut fields = String::with_capacity(192);
        if let Some(request_id) = self.request_id.get() {
            let _ = write!(fields, "\"requestId\":{},", Value::from(request_id.as_str()));
        }
        let _ = write!(fields, "{},\"calls\":{}", self.identity, self.counted(Counter::Calls));
        fields
    }

    /// The metrics of this event as one line in `CloudWatch`'s embedded metric format, with the function as the only dimension.
    /// Other counters than `Calls` are left out where they are zero: the service adds up the lines that have them.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
    pub(crate) fn metrics_line(&self, namespace: &str, now_millis: i64) -> String {
        let duration = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let counts = [
            ("ColdStarts", u64::from(self.is_cold)),
            ("Deliveries", self.counted(Counter::Deliveries)),
            ("ThrottledPosts", self.counted(Counter::ThrottledPosts)),
            ("RefusedLogins", self.counted(Counter::RefusedLogins)),
        ];
        let mut definitions = vec![json!({"Name": "Duration", "Unit": "Milliseconds"}), json!({"Name": "Calls", "Unit": "Count"})];
        let mut line = Map::new();
        line.insert("function".to_owned(), json!(self.function));
        line.insert("Duration".to_owned(), json!(duration));
        line.insert("Calls".to_owned(), json!(self.counted(Counter::Calls)));
        for (name, value) in counts.into_iter().filter(|(_, value)| *value > 0) {
            definitions.push(json!({"Name": name, "Unit": "Count"}));
            line.insert(name.to_owned(), json!(value));
        }
        let metrics = json!({"Namespace": namespace, "Dimensions": [["function"]], "Metrics": definitions});
        line.insert("_aws".to_owned(), json!({"Timestamp": now_millis, "CloudWatchMetrics": [metrics]}));
        Value::Object(line).to_string()
    }
}

/// The trace's id in `Root=1-…;Parent=…;Sampled=0`.
fn trace_root(header: &str) -> Option<&str> {
    header.split(';').find_map(|part| part.trim().strip_prefix("Root="))
}

/// An object without its braces.
fn object_fields(object: Map<String, Value>) -> String {
    let text = Value::Object(object).to_string();
    text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default().to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use lambda_runtime::Config;

    use super::*;

    /// A context as Lambda's run loop makes it.
    pub(crate) fn context() -> Context {
        let mut context = Context::default();
        context.request_id = "4f6e1b1a-0000-4000-8000-000000000000".to_owned();
        context.xray_trace_id = Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1".to_owned());
        context.env_config = Arc::new(Config { function_name: "mylg-dev-messages-router".to_owned(), version: "12".to_owned(), ..Config::default() });
        context
    }

    #[tokio::test]
    async fn lines_have_the_event_and_the_calls_so_far() {
        assert_eq!(json_fields(), None);
        let event = EventContext::new(&context(), true);
        let before = event.scope(async { json_fields().unwrap() }).await;
        let after = event.scope(async {
            set_request_id("JKJaXmPLvHcESHA=");
            count(Counter::Calls, 2);
            json_fields().unwrap()
        });
        let identity = r#""coldStart":true,"lambdaRequestId":"4f6e1b1a-0000-4000-8000-000000000000","traceId":"1-5759e988-bd862e3fe1be46a994272793","version":"12""#;
        assert_eq!(before, format!("{identity},\"calls\":0"));
        assert_eq!(after.await, format!("\"requestId\":\"JKJaXmPLvHcESHA=\",{identity},\"calls\":2"));
    }

    #[tokio::test]
    async fn metrics_are_one_object_that_cloudwatch_reads() {
        let event = EventContext::new(&context(), true);
        event.scope(async { count(Counter::Deliveries, 1) }).await;
        let line: Value = serde_json::from_str(&event.metrics_line("mylg-dev", 1_700_000_000_000)).unwrap();
        assert_eq!((&line["function"], &line["ColdStarts"], &line["Deliveries"]), (&json!("mylg-dev-messages-router"), &json!(1), &json!(1)));
        assert_eq!(line["_aws"]["Timestamp"], 1_700_000_000_000_i64);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!((&directive["Namespace"], &directive["Dimensions"]), (&json!("mylg-dev"), &json!([["function"]])));
        // Each metric that is declared has a number, and what did not happen is not declared.
        let names: Vec<&str> = directive["Metrics"].as_array().unwrap().iter().map(|metric| metric["Name"].as_str().unwrap()).collect();
        assert_eq!(names, ["Duration", "Calls", "ColdStarts", "Deliveries"]);
        assert!(names.iter().all(|name| line[*name].is_u64()), "{line}");
    }

    #[test]
    fn the_root_of_a_trace_is_found() {
        assert_eq!(trace_root("Sampled=0;Root=1-a-b"), Some("1-a-b"));
        assert_eq!(trace_root("Self=1-a-b"), None);
    }
}
