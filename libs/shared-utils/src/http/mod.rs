//! HTTP: from a raw API Gateway event to a response, and every way in which a request can fail.
//!
//! `event → Request → route → checks in the contract's order → handler → Response`, all in [`serve`].

pub mod cloudfront;
pub mod conditional;
mod cors;
pub mod error;
mod fault;
pub mod idempotency;
mod login_step;
mod request;
mod response;
pub mod routing;
mod serve;

pub use cors::CorsPolicy;
pub use error::Error;
pub use fault::Fault;
pub use login_step::LoginStep;
pub use request::Request;
pub use response::{ProblemDocument, Response};
pub use serve::{Api, Call, HttpContext, Query, is_json, serve};
