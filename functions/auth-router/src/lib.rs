//! `ANY /auth/{proxy+}`: who someone is, for how long, and under which keys the others can check it.
//!
//! | module | room |
//! | --- | --- |
//! | `routes` | the route table, one file per route |
//! | `store` | users, refresh-token families and failed attempts in the auth table |
//! | `passwords` | argon2id |
//! | `signer` | the key that signs: in KMS, or a file on a laptop |
//! | `tokens` | access tokens and the refresh-token chain |

mod passwords;
mod routes;
mod signer;
pub mod store;
mod tokens;

use std::sync::Arc;

use access::revocations::{Mark, Revocations};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use realtime::{Announcer, Connections, Gateway};
use shared_utils::after_answer::AfterAnswer;
use shared_utils::aws::AwsConfig;
use shared_utils::dynamo::{Store, TransactError};
use shared_utils::env::{self, EnvError};
use shared_utils::http::{Edge, Error, serve};
use shared_utils::ids::{FamilyId, SessionId, UserId};

pub use passwords::hash as hash_password;
use store::AuthStore;
use tokens::TokenIssuer;

/// Everything the routes need, built once per sandbox.
pub struct App {
    edge: Edge,
    store: AuthStore,
    revocations: Arc<Revocations>,
    announcer: Announcer,
    tokens: TokenIssuer,
    after: AfterAnswer,
}

/// The names of the tables that this function uses.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Users, families, attempts, revocations.
    pub auth: String,
    /// Open sockets.
    pub connections: String,
}

impl App {
    /// Builds the function from its environment.
    pub fn from_env() -> Result<Self, EnvError> {
        let aws = AwsConfig::from_env()?;
        let tables = Tables { auth: env::required("AUTH_TABLE")?, connections: env::required("CONNECTIONS_TABLE")? };
        let signer = Signer::from_env(&aws)?;
        Ok(Self::new(Edge::from_env()?, &aws, tables, &env::required("WEBSOCKET_ENDPOINT")?, signer, tokens::Lifetimes::from_env()?))
    }

    /// Builds the function from its parts.
    pub fn new(edge: Edge, aws: &AwsConfig, tables: Tables, websocket_endpoint: &str, signer: Signer, lifetimes: tokens::Lifetimes) -> Self {
        let store = Store::new(aws.dynamodb());
        let revocations = Arc::new(Revocations::new(store.clone(), tables.auth.clone(), edge.clock.clone()));
        let connections = Connections::new(store.clone(), tables.connections, edge.clock.clone());
        let announcer = Announcer::new(connections, Gateway::new(aws, websocket_endpoint), revocations.clone(), edge.clock.clone());
        let tokens = TokenIssuer::new(signer, edge.verifier.issuer(), edge.verifier.audience(), lifetimes);
        Self { edge, store: AuthStore::new(store, tables.auth), revocations, announcer, tokens, after: AfterAnswer::default() }
    }

    /// What is owed after each answer.
    pub fn after_answer(&self) -> AfterAnswer {
        self.after.clone()
    }

    /// Ends these logins of a user for refresh and access tokens in one transaction, their sockets after the answer. `false` when
    /// one of them is not there any more: then nothing was done.
    async fn revoke(&self, user: UserId, logins: &[(FamilyId, SessionId)]) -> Result<bool, Error> {
        let now = self.edge.clock.now();
        let sessions: Vec<SessionId> = logins.iter().map(|(_, session)| *session).collect();
        let mut writes: Vec<_> = logins.iter().map(|(family, _)| self.store.family_revoke(*family, now)).collect();
        writes.push(self.revocations.write(&sessions.iter().copied().map(Mark::Session).collect::<Vec<_>>()));
        match self.store.transact(writes).await {
            Ok(()) => {}
            Err(TransactError::Refused(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.revocations.forget().await;
        let announcer = self.announcer.clone();
        self.after.push(async move { announcer.end_sessions(user, &sessions).await });
        Ok(true)
    }

    /// Answers one raw event.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        serve(self, event).await
    }
}

pub use routes::ROUTES;
pub use signer::Signer;
pub use tokens::Lifetimes;
