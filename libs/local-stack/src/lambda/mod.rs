//! Lambda: a function is a pool of sandboxes. A sandbox is a process of the real binary with its own Runtime API.

mod account;
mod function;
mod invocation;
mod options;
mod runtime_api;
mod sandbox;

pub use account::Account;
pub use function::Function;
pub use invocation::{Invocation, InvokeError};
pub(crate) use invocation::{line, request_id};
pub use options::{FunctionOptions, ReportSink, Skew};
pub use runtime_api::RuntimeApi;
pub use sandbox::LineSink;
