//! `ANY /auth/{proxy+}`: who someone is, for how long, and under which keys the others can check it.
//!
//! | module | what it has |
//! | --- | --- |
//! | `routes` | the route table, one file per route |
//! | `store` | users, refresh-token families and failed attempts in the auth table |
//! | `attempts` | counting wrong passwords |
//! | `passwords` | argon2id, and which passwords are too common |
//! | `transport` | refresh tokens in bodies or in a cookie |
//! | `limits` | how often an address, a login, a person may ask |
//! | `signer` | the key that signs: in KMS, or a file on a laptop |
//! | `tokens` | access tokens and the refresh-token chain |

mod attempts;
mod limits;
mod passwords;
#[path = "routes/table.rs"]
mod routes;
mod signer;
pub mod store;
mod tokens;
mod transport;

use std::sync::Arc;

use access::people::People;
use access::revocations::Revocations;
use access::tickets::Tickets;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use messaging::broadcast::Broadcaster;
use shared_utils::auth::Caller;
use shared_utils::aws::AwsConfig;
use shared_utils::background_tasks::BackgroundTasks;
use shared_utils::cursor::Cursors;
use shared_utils::env::{EnvError, Environment};
use shared_utils::http::routing::Route;
use shared_utils::http::{Api, Error, HttpContext, serve};
use shared_utils::ids::{FamilyId, SessionId, UserId};

use limits::AddressLimits;
pub use passwords::hash as hash_password;
use store::{AuthStore, TokenFamily};
use tokens::TokenIssuer;

/// Everything the routes need, built once per sandbox.
pub struct App {
    context: HttpContext,
    store: AuthStore,
    people: People,
    tickets: Tickets,
    cursors: Cursors,
    rates: Rates,
    addresses: AddressLimits,
    revocations: Arc<Revocations>,
    broadcaster: Broadcaster,
    tokens: TokenIssuer,
}

/// What an environment may set otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// How long things last.
    pub lifetimes: Lifetimes,
    /// How often things may happen.
    pub rates: Rates,
}

impl App {
    /// Builds the function from its environment.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let (context, aws) = (HttpContext::from_env(env)?, AwsConfig::from_env(env)?);
        let broadcaster = Broadcaster::from_env(env, &aws, &context.clock)?;
        let settings = Settings { lifetimes: Lifetimes::from_env(env)?, rates: Rates::from_env(env)? };
        Ok(Self::new(context, broadcaster, Signer::from_env(env, &aws)?, settings))
    }

    /// Builds the function from its parts.
    pub fn new(context: HttpContext, broadcaster: Broadcaster, signer: Signer, settings: Settings) -> Self {
        let (store, auth) = (broadcaster.store(), &broadcaster.tables().auth);
        Self {
            people: People::new(store.clone(), auth.clone()),
            tickets: Tickets::new(store.clone(), auth.clone(), context.clock.clone()),
            cursors: Cursors::new(store.clone(), auth.clone()),
            store: AuthStore::new(store.clone(), auth.clone()),
            rates: settings.rates,
            addresses: AddressLimits::new(settings.rates),
            tokens: TokenIssuer::new(signer, context.verifier.issuer(), context.verifier.audience(), settings.lifetimes),
            revocations: broadcaster.revocations().clone(),
            context,
            broadcaster,
        }
    }

    /// What runs after each response.
    pub fn background_tasks(&self) -> BackgroundTasks {
        self.broadcaster.background_tasks().clone()
    }

    /// Ends these logins of a user for refresh and access tokens in one transaction, their sockets after the answer. `false` when
    /// one of them is not there any more: then nothing was done.
    async fn revoke(&self, user: UserId, logins: &[(FamilyId, SessionId)]) -> Result<bool, Error> {
        if !self.store.revoke_sessions(logins, &self.revocations, self.context.clock.now()).await? {
            return Ok(false);
        }
        self.broadcaster.close_sessions_later(user, logins.iter().map(|(_, session)| *session).collect());
        Ok(true)
    }

    /// Ends, after the answer, logins that a change should have met and did not: a query does not see a transaction as one, so a login
    /// that was just being added may have been missing in it.
    fn end_missed_later(&self, user: UserId, is_missed: impl Fn(&TokenFamily) -> bool + Send + 'static) {
        let (store, revocations, broadcaster, clock) =
            (self.store.clone(), self.revocations.clone(), self.broadcaster.clone(), self.context.clock.clone());
        self.broadcaster.background_tasks().push(async move {
            let families = match store.user_with_token_families(user).await {
                Ok((_, families)) => families,
                Err(error) => {
                    tracing::error!(cause = error.for_log(), userId = %user, "logins that a change may have missed could not be looked for");
                    return;
                }
            };
            let missed = families.into_iter().filter(|family| family.revoked_at.is_none() && is_missed(family));
            let missed: Vec<_> = missed.map(|family| (family.family_id, family.session_id)).collect();
            if missed.is_empty() {
                return;
            }
            if let Err(error) = store.revoke_sessions(&missed, &revocations, clock.now()).await {
                tracing::error!(cause = error.for_log(), userId = %user, "a login that a change has missed could not be ended");
            }
            let sessions: Vec<SessionId> = missed.into_iter().map(|(_, session)| session).collect();
            broadcaster.close_sessions(user, &sessions).await;
        });
    }

    /// Answers one raw event.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        serve(self, event).await
    }
}

pub use limits::Rates;
pub use routes::ROUTES;
pub use signer::Signer;
pub use tokens::Lifetimes;

impl Api for App {
    const DOMAIN: &'static str = "auth";

    fn routes() -> &'static [Route<Self>] {
        routes::ROUTES
    }

    fn context(&self) -> &HttpContext {
        &self.context
    }

    async fn check_session(&self, caller: &Caller) -> Result<(), Error> {
        Ok(self.revocations.check(caller.user, caller.session, caller.version).await?)
    }
}
