//! Logging: one JSON object per line on standard output, which Lambda collects.
//!
//! Never logged: tokens, passwords, tickets, cookies, message texts, whole events.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{FilterFn, LevelFilter};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::audit;
use crate::env::Environment;
use crate::event_context;

/// Starts logging at the level of the environment. Does nothing if logging has already started.
pub fn init(env: &Environment) {
    let _ = lines(level(env), std::io::stdout).try_init();
}

/// The level that `LOG_LEVEL` names, `info` by default.
pub fn level(env: &Environment) -> LevelFilter {
    env.optional("LOG_LEVEL").ok().flatten().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO)
}

/// Writes lines of this level or more severe, and every audit line.
fn lines(level: LevelFilter, out: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) -> impl Subscriber + Send + Sync {
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_target(false).with_current_span(false).with_span_list(false);
    let lines = lines.map_event_format(EventFields);
    let filter = FilterFn::new(move |metadata| {
        // The SDK and the runtime log every call at info and below. Their warnings and errors are enough.
        let is_dependency_noise =
            *metadata.level() > Level::WARN && ["aws_", "hyper", "lambda_"].iter().any(|prefix| metadata.target().starts_with(prefix));
        metadata.target() == audit::TARGET || (*metadata.level() <= level && !is_dependency_noise)
    });
    tracing_subscriber::registry().with(lines.with_writer(out)).with(filter.with_max_level_hint(level.max(LevelFilter::INFO)))
}

/// Ends each JSON line with the fields of the event that is being handled.
struct EventFields<F>(F);

impl<S, N, F> FormatEvent<S, N> for EventFields<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, line: &Event<'_>) -> fmt::Result {
        let Some(fields) = event_context::json_fields() else { return self.0.format_event(context, writer, line) };
        let mut text = String::new();
        self.0.format_event(context, Writer::new(&mut text), line)?;
        let object = text.trim_end().strip_suffix('}').ok_or(fmt::Error)?;
        writeln!(writer, "{object},{fields}}}")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// The messages that are logged at this level.
    fn logged(level: LevelFilter) -> Vec<String> {
        let written = Arc::new(Mutex::new(Vec::new()));
        let out = Arc::clone(&written);
        let writer = move || Shared(Arc::clone(&out));
        tracing::subscriber::with_default(lines(level, writer), || {
            tracing::debug!("ours debug");
            tracing::info!("ours info");
            tracing::error!(code = "internal", "ours error");
            tracing::info!(target: "aws_smithy_runtime::client", "sdk info");
            tracing::warn!(target: "aws_smithy_runtime::client", "sdk warning");
            tracing::info!(target: "hyper_util::client", "client info");
            tracing::info!(target: "lambda_runtime", "runtime info");
            audit!("login_failed", reason = "audit event");
        });
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let messages = ["ours debug", "ours info", "ours error", "sdk info", "sdk warning", "client info", "runtime info", "audit event"];
        for line in text.lines() {
            assert!(crate::json::parse(line, 8).is_some(), "a line is one JSON object: {line}");
        }
        messages.iter().filter(|message| text.contains(*message)).map(ToString::to_string).collect()
    }

    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn dependencies_log_warnings_only_and_audit_lines_are_always_logged() {
        assert_eq!(logged(LevelFilter::INFO), ["ours info", "ours error", "sdk warning", "audit event"]);
        assert_eq!(logged(LevelFilter::ERROR), ["ours error", "audit event"]);
        assert_eq!(logged(LevelFilter::DEBUG), ["ours debug", "ours info", "ours error", "sdk warning", "audit event"]);
    }

    #[test]
    fn the_level_is_info_unless_the_environment_names_one() {
        let level = |value: &str| level(&Environment::of([("LOG_LEVEL".to_owned(), value.to_owned())].into()));
        assert_eq!(
            [level("warn"), level("DEBUG"), level(""), level("loud")],
            [LevelFilter::WARN, LevelFilter::DEBUG, LevelFilter::INFO, LevelFilter::INFO]
        );
    }
}
