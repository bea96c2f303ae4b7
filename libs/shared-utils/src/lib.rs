//! What every function shares: raw events in, answers out, tokens, CORS, typed ids, logs.
//!
//! The lowest layer: it knows HTTP events and how to call AWS, and no table of ours.
//!
//! | module | what it has |
//! | --- | --- |
//! | [`http`] | request reading, routing, the one error enum, CORS, answers |
//! | [`auth`] | access tokens: claims, signing, verification |
//! | [`aws`] | SDK configuration without the start-up cost of the default one |
//! | [`aws_limits`] | how large a response and a frame may be |
//! | [`contract`] | what the generated contract says of an operation; not linked into functions |
//! | [`dynamo`] | typed `DynamoDB` calls; expected outcomes as values |
//! | [`idempotency`] | what a request with a key came to |
//! | [`cursor`] | page cursors bound to caller, route and filters |
//! | [`background_tasks`] | work that runs after the answer went out |
//! | [`audit`], [`logging`] | what is logged, and what never is |
//! | [`text`], [`number`] | what people write: visible, cut, compared; numbers by their digits |
//! | [`rate_limit`] | rate limits: token buckets, each one number |
//! | [`json`], [`fields`] | reading JSON from outside, and the fields of an object with every fault |
//! | [`refusal`], [`internal`] | what a client is told when something is refused, and what only the log is told |
//! | [`runtime`] | the Lambda run loop around a handler |
//! | [`origins`] | the browser origins that may call |
//! | [`ids`], [`clock`], [`env`], [`random`] | small things, one each |

pub mod audit;
pub mod auth;
pub mod aws;
pub mod aws_limits;
pub mod background_tasks;
pub mod clock;
pub mod contract;
pub mod cursor;
pub mod dynamo;
pub mod env;
mod field_errors;
mod field_log;
mod field_values;
pub mod fields;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod internal;
pub mod json;
pub mod logging;
pub mod number;
pub mod origins;
pub mod random;
pub mod rate_limit;
pub mod refusal;
pub mod runtime;
pub mod text;
