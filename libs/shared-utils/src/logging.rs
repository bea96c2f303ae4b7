//! One JSON object per line on standard output, where Lambda collects it.
//!
//! Never logged: tokens, passwords, tickets, cookies, message texts, whole events.

use tracing::Level;
use tracing_subscriber::filter::{FilterFn, LevelFilter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::audit;

/// Starts logging at the level that `LOG_LEVEL` names (`info` by default). Does nothing when logging has begun already.
pub fn init() {
    let level = std::env::var("LOG_LEVEL").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_target(false).with_current_span(false).with_span_list(false);
    let ours = FilterFn::new(move |metadata| {
        // The SDK and the runtime narrate every call at info and below; their warnings are enough.
        let narration = *metadata.level() > Level::WARN && ["aws_", "hyper", "lambda_"].iter().any(|theirs| metadata.target().starts_with(theirs));
        metadata.target() == audit::TARGET || (*metadata.level() <= level && !narration)
    });
    let _ = tracing_subscriber::registry().with(lines).with(ours.with_max_level_hint(level.max(LevelFilter::INFO))).try_init();
}
