//! The data about people and projects that every function may read, by the keys that its IAM role allows.
//!
//! | module | data | written by |
//! | --- | --- | --- |
//! | [`people`] | directory entries in the auth table | auth-router |
//! | [`revocations`] | ended sessions and replaced rights in the auth table | auth-router |
//! | [`tickets`] | credentials that open a socket, in the auth table | auth-router; redeemed by ws-provider |
//! | [`teams`] | project headers with their teams in the projects table | projects-router |

mod error;
pub mod people;
pub mod revocations;
pub mod session;
pub mod teams;
pub mod tickets;

pub use error::Error;
