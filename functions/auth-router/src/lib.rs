//! `ANY /auth/{proxy+}`: users, sessions, access and refresh tokens, and the public keys that verify access tokens.
//!
//! | module | content |
//! | --- | --- |
//! | `routes` | the route table, one file per route |
//! | `store` | users, token families and failed attempts in the auth table |
//! | `attempts` | counts password attempts |
//! | `session_start` | starts a session, after the password alone or after further steps |
//! | `due_mails` | sends the mails that are due, after the response |
//! | `totp` | codes of the second factor |
//! | `passwords` | argon2id hashing, and the list of common passwords |
//! | `transport` | refresh tokens in request bodies or in a cookie |
//! | `limits` | rate limits per address, session and person |
//! | `signer` | the signing key: in KMS, or in a file on a laptop |
//! | `tokens` | access tokens and the refresh-token chain |

mod attempts;
mod due_mails;
mod limits;
mod passwords;
#[path = "routes/table.rs"]
mod routes;
mod session_start;
mod signer;
pub mod store;
mod tokens;
mod totp;
mod transport;

use std::sync::Arc;

use access::people::People;
use access::revocations::Revocations;
use access::tickets::Tickets;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use files::{FileLimits, FileTable, Files, OwnerKind};
use mail::Mailer;
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

/// The dependencies of all routes, built once per sandbox.
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
    /// Absent where the environment sends no mail.
    mailer: Option<Mailer>,
    sign_up_is_open: bool,
    admins_need_second_factor: bool,
    files: Files,
}

/// The services besides tables and sockets.
pub struct Services {
    /// The signing key.
    pub signer: Signer,
    /// Absent where the environment sends no mail.
    pub mailer: Option<Mailer>,
    /// Pictures of people.
    pub files: Files,
}

/// Settings that an environment can override.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// Lifetimes of tokens and sessions.
    pub lifetimes: Lifetimes,
    /// Rate limits.
    pub rates: Rates,
    /// Whether anybody can ask for an account.
    pub sign_up_is_open: bool,
    /// Whether administrators must have a second factor.
    pub admins_need_second_factor: bool,
}

impl Settings {
    /// Reads the lifetimes, the rates, `SIGN_UP` (`off`, `open`) and `ADMIN_MFA` (`optional`, `required`).
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let is_second = |name: &'static str, words: [&str; 2]| match env.optional(name)?.as_deref() {
            None => Ok(false),
            Some(word) if word == words[0] => Ok(false),
            Some(word) if word == words[1] => Ok(true),
            Some(_) => Err(EnvError::unusable(name, format!("{} or {}", words[0], words[1]))),
        };
        Ok(Self {
            lifetimes: Lifetimes::from_env(env)?,
            rates: Rates::from_env(env)?,
            sign_up_is_open: is_second("SIGN_UP", ["off", "open"])?,
            admins_need_second_factor: is_second("ADMIN_MFA", ["optional", "required"])?,
        })
    }
}

impl App {
    /// Builds the app from the environment variables.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let (context, aws) = (HttpContext::from_env(env)?, AwsConfig::from_env(env)?);
        let broadcaster = Broadcaster::from_env(env, &aws, &context.clock)?;
        let picture = env.parsed("PICTURE_MAX_BYTES", FileLimits::of(OwnerKind::Person).file)?;
        let limits = FileLimits { file: picture, ..FileLimits::of(OwnerKind::Person) };
        let table = FileTable::new(broadcaster.store().clone(), broadcaster.tables().auth.clone());
        let files = Files::from_env(env, &aws, table, limits, context.clock.clone())?;
        let services = Services { signer: Signer::from_env(env, &aws)?, mailer: Mailer::from_env(env, &aws)?, files };
        Ok(Self::new(context, broadcaster, services, Settings::from_env(env)?))
    }

    /// Builds the app from its parts.
    pub fn new(context: HttpContext, broadcaster: Broadcaster, services: Services, settings: Settings) -> Self {
        let (store, auth) = (broadcaster.store(), &broadcaster.tables().auth);
        let Services { signer, mailer, files } = services;
        Self {
            people: People::new(store.clone(), auth.clone()),
            tickets: Tickets::new(store.clone(), auth.clone(), context.clock.clone()),
            cursors: Cursors::new(store.clone(), auth.clone()),
            store: AuthStore::new(store.clone(), auth.clone()),
            rates: settings.rates,
            addresses: AddressLimits::new(settings.rates),
            tokens: TokenIssuer::new(signer, context.verifier.issuer(), context.verifier.audience(), settings.lifetimes),
            revocations: broadcaster.revocations().clone(),
            mailer,
            files,
            sign_up_is_open: settings.sign_up_is_open,
            admins_need_second_factor: settings.admins_need_second_factor,
            context,
            broadcaster,
        }
    }

    /// The tasks that run after each response.
    pub fn background_tasks(&self) -> BackgroundTasks {
        self.broadcaster.background_tasks().clone()
    }

    /// Ends these sessions of a user (refresh and access tokens) in one transaction, and closes their sockets after the response. Returns `false` and
    /// writes nothing if one of the sessions no longer exists.
    async fn revoke(&self, user: UserId, logins: &[(FamilyId, SessionId)]) -> Result<bool, Error> {
        if !self.store.revoke_sessions(logins, &self.revocations, self.context.clock.now()).await? {
            return Ok(false);
        }
        self.broadcaster.close_sessions_later(user, logins.iter().map(|(_, session)| *session).collect());
        Ok(true)
    }

    /// After the response, ends sessions that a change should have ended but missed. A query is not a snapshot, so it may have missed a session that
    /// was being added at the same time.
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

    /// Handles one raw event.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        serve(self, event).await
    }
}

pub use limits::Rates;
pub use routes::{ROUTES, operations};
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
