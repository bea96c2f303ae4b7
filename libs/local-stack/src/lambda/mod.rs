//! Lambda: functions are pools of sandboxes; a sandbox is a process of the real binary behind a Runtime API of its own.

mod function;
mod runtime_api;
mod sandbox;

pub(crate) use function::line;
pub use function::{Function, FunctionOptions, Invocation, InvokeError, ReportSink, Skew};
pub use sandbox::LineSink;
