//! One JSON object per line on standard output, where Lambda collects it.
//!
//! Never logged: tokens, passwords, tickets, cookies, message texts, whole events.

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging at the level that `LOG_LEVEL` names (`info` by default). Does nothing when logging has begun already.
pub fn init() {
    let level = std::env::var("LOG_LEVEL").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_target(false).with_current_span(false).with_span_list(false);
    // The SDK and the runtime narrate every call at info and below; their warnings are enough.
    let ours = tracing_subscriber::filter::filter_fn(|metadata| {
        *metadata.level() <= tracing::Level::WARN || !["aws_", "hyper", "lambda_"].iter().any(|theirs| metadata.target().starts_with(theirs))
    });
    let _ = tracing_subscriber::registry().with(level).with(lines).with(ours).try_init();
}
