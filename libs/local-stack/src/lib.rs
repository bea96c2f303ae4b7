//! Development only: AWS's interfaces on this machine, around the real binaries.
//!
//! It knows the Lambda Runtime API, the event formats, `@connections`, the `DynamoDB` API and `terraform/stack.yaml`, and imports no
//! function: it starts their binaries.
//!
//! | module | behaves like |
//! | --- | --- |
//! | [`declaration`] | what Terraform reads: functions, routes, tables, environment |
//! | [`database`] | `DynamoDB`: embedded, counted, with faults on demand |
//! | [`lambda`] | Lambda: sandboxes are processes behind a Runtime API of their own |
//! | [`http_api`] | the HTTP API with payload format 2.0 |
//! | [`websocket_api`] | the WebSocket API with routes, route responses and `@connections` |
//! | [`events`] | the events of both gateways, as AWS sends them |
//! | `environment` | what Lambda and Terraform put into a function's environment |
//! | [`faults`] | nothing that AWS promises, and everything that it does |
//! | [`stack`] | all of it, wired |
//! | [`people`], [`console`] | who can sign in, and a page to try it by hand |

pub mod build;
pub mod config;
pub mod console;
pub mod database;
pub mod declaration;
mod environment;
pub mod events;
pub mod faults;
pub mod http_api;
pub mod lambda;
pub mod people;
pub mod records;
pub mod stack;
pub mod websocket_api;
