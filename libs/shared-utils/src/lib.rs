//! Code that every function shares: event reading, responses, tokens, CORS, typed ids, logs.
//!
//! The lowest layer. It knows HTTP events and AWS calls, but none of our tables.
//!
//! | module | contents |
//! | --- | --- |
//! | [`http`] | request reading, routing, the error enum, CORS, responses |
//! | [`auth`] | access tokens: claims, signing, verification |
//! | [`aws`] | SDK configuration without the start-up cost of the default configuration |
//! | [`dynamo`] | typed `DynamoDB` calls, with expected outcomes as values |
//! | [`idempotency`] | stored results of requests with an idempotency key |
//! | [`cursor`] | page cursors bound to caller, route and filters |
//! | [`background_tasks`] | work that runs after the response is posted |
//! | [`event_context`] | the event that is being handled: what log lines say of it, and its metrics |
//! | [`audit`], [`logging`] | audit lines and logs, and what is never logged |
//! | [`text`], [`number`] | text of users: visibility, cutting, comparison; numbers by their digits |
//! | [`rate_limit`] | token buckets, each stored as one number |
//! | [`json`], [`fields`] | JSON from clients, and the fields of an object with all field errors |
//! | [`refusal`], [`internal`] | refusals for clients, and causes for the log only |
//! | [`runtime`] | the Lambda run loop around a handler |
//! | [`signed_requests`] | signed requests to S3 and SES, without their SDK clients |
//! | [`origins`] | the browser origins that may call |
//! | [`ids`], [`clock`], [`env`], [`random`] | small helpers |

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
pub mod event_context;
mod field_errors;
mod field_log;
mod field_parts;
mod field_values;
pub mod fields;
pub mod http;
pub mod http_client;
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
pub mod sdk_signing;
pub mod signed_requests;
pub mod text;
