//! Lambda: a function is a pool of sandboxes. A sandbox is a process of the real binary with its own Runtime API.

mod account;
mod function;
mod runtime_api;
mod sandbox;

pub use account::Account;
pub use function::{Function, FunctionOptions, Invocation, InvokeError, ReportSink, Skew};
pub(crate) use function::{line, request_id};
pub use runtime_api::RuntimeApi;
pub use sandbox::LineSink;
