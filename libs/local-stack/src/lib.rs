//! For development only: AWS's interfaces on this machine, around the real binaries.
//!
//! This crate knows the Lambda Runtime API, the event formats, `@connections`, the APIs of `DynamoDB` and S3 and `terraform/stack.yaml`. It imports no
//! function, but starts their binaries.
//!
//! | module | contents |
//! | --- | --- |
//! | [`declaration`] | what Terraform reads: functions, routes, tables, environment |
//! | [`database`] | `DynamoDB`: an embedded engine, with counted calls and injected faults |
//! | [`object_storage`] | S3: presigned uploads and downloads, checked as S3 checks them |
//! | [`credentials`] | the credentials of each sandbox |
//! | [`lambda`] | Lambda: sandboxes are processes, each with its own Runtime API |
//! | [`http_api`] | the HTTP API with payload format 2.0 |
//! | [`websocket_api`] | the WebSocket API with routes, route responses and `@connections` |
//! | [`events`] | the events of both gateways, as AWS sends them |
//! | `environment` | the variables that Lambda and Terraform set for a function |
//! | [`accesses`] | what calls access, and whether the role of the function allows it |
//! | [`mail_catcher`] | the stand-in for SES: keeps every mail, shows it on a page |
//! | [`faults`] | injected faults |
//! | [`stack`] | the whole stack |
//! | [`clock`] | the time of the whole stack, which can be moved |
//! | `feed` | what happened lately: events with their calls and log lines, frames |
//! | [`console`], `control` | the page that looks into the stack, and its interface |
//! | `local_only` | who may call the servers |
//! | [`programs`] | how the binaries of this repository are started |
//! | [`people`], `demo` | the accounts, and a studio with a few weeks of work |

pub mod accesses;
pub mod build;
pub mod clock;
pub mod config;
pub mod console;
mod control;
pub mod credentials;
pub mod database;
pub mod declaration;
mod demo;
mod environment;
pub mod events;
pub mod faults;
mod feed;
pub mod http_api;
pub mod lambda;
mod local_only;
pub mod mail_catcher;
pub mod object_storage;
pub mod people;
pub mod programs;
pub mod records;
pub mod stack;
pub mod websocket_api;
