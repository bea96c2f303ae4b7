//! Lambda: a function is a pool of sandboxes. A sandbox is a process of the real binary with its own Runtime API.

mod function;
mod runtime_api;
mod sandbox;

pub(crate) use function::line;
pub use function::{Function, FunctionOptions, Invocation, InvokeError, ReportSink, Skew};
pub use runtime_api::RuntimeApi;
pub use sandbox::LineSink;
