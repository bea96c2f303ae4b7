//! What every function may know of people and projects, by the keys that its role may read.
//!
//! | module | of | written by |
//! | --- | --- | --- |
//! | [`people`] | directory entries in the auth table | auth-router |
//! | [`revocations`] | ended logins and outdated rights in the auth table | auth-router |
//! | [`tickets`] | what a socket is opened with, in the auth table | auth-router; taken by ws-provider |
//! | [`teams`] | project headers with their teams in the projects table | projects-router |

mod error;
pub mod people;
pub mod revocations;
pub mod session;
pub mod teams;
pub mod tickets;

pub use error::Error;
