//! Random interleavings of refresh-token operations by several tabs, compared with a reference model of the chain.
//!
//! `REFRESH_MODEL_CASES` sets the number of cases (default 300, 10,000 in CI). `REFRESH_MODEL_SEED` sets the random seed.

use futures_util::future::join_all;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use super::*;

const TABS: usize = 3;
const THREADS: u8 = 4;
const GRACE: i64 = 30;
const IDLE: i64 = 7 * 86_400;
const ABSOLUTE: i64 = 30 * 86_400;
const SLACK: i64 = 120;

/// One operation of a case.
#[derive(Debug, Clone, Copy)]
enum Op {
    /// A tab signs in.
    Login(usize),
    /// The second tab takes over the first tab's token, as tabs of one browser do.
    Share(usize, usize),
    /// A tab refreshes, with or without an idempotency key.
    Refresh(usize, Key),
    /// A tab refreshes, and the response is lost.
    RefreshUnheard(usize, Key),
    /// A tab sends three concurrent refreshes with the same token.
    RefreshThrice(usize, Key),
    /// A well-formed secret that was never a token of the tab's session.
    Forge(usize),
    /// A tab signs out.
    Logout(usize),
    /// This many seconds pass.
    Wait(i64),
}

/// The idempotency key that a tab sends, if any.
type Key = Option<&'static str>;

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![3 => Just(None), 3 => Just(Some("key-1")), 1 => Just(Some("key-2"))]
}

fn op() -> impl Strategy<Value = Op> {
    let tab = || 0..TABS;
    prop_oneof![
        1 => tab().prop_map(Op::Login),
        2 => (tab(), tab()).prop_map(|(from, to)| Op::Share(from, to)),
        6 => (tab(), key()).prop_map(|(tab, key)| Op::Refresh(tab, key)),
        3 => (tab(), key()).prop_map(|(tab, key)| Op::RefreshUnheard(tab, key)),
        2 => (tab(), key()).prop_map(|(tab, key)| Op::RefreshThrice(tab, key)),
        1 => tab().prop_map(Op::Forge),
        1 => tab().prop_map(Op::Logout),
        4 => prop_oneof![Just(1), Just(GRACE - 1), Just(GRACE + 1), Just(600), Just(6 * 86_400), Just(IDLE + SLACK - 1), Just(IDLE + SLACK + 1)].prop_map(Op::Wait),
    ]
}

/// A session in the reference model.
struct Chain {
    /// Every token that was ever current, in order.
    tokens: Vec<String>,
    rotated_at: i64,
    /// The idempotency key of the last rotation.
    rotation_key: Key,
    idle_expiry: i64,
    absolute_expiry: i64,
    revoked: bool,
}

/// The result that the model expects of a refresh.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    /// A token that was never seen before.
    New,
    /// Exactly this token.
    Same(String),
    Refused,
}

#[derive(Default)]
struct Reference {
    chains: Vec<Chain>,
}

impl Reference {
    fn find(&mut self, token: &str) -> Option<(&mut Chain, usize)> {
        self.chains.iter_mut().find_map(|chain| {
            let place = chain.tokens.iter().position(|known| known == token)?;
            Some((chain, place))
        })
    }

    fn login(&mut self, token: &str, now: i64) {
        let chain = Chain {
            tokens: vec![token.to_owned()],
            rotated_at: 0,
            rotation_key: None,
            idle_expiry: now + IDLE,
            absolute_expiry: now + ABSOLUTE,
            revoked: false,
        };
        self.chains.push(chain);
    }

    /// The expected result of a refresh. Reuse revokes the chain.
    fn refresh(&mut self, token: &str, key: Key, now: i64) -> Expected {
        let Some((chain, place)) = self.find(token) else { return Expected::Refused };
        if chain.revoked || now >= chain.idle_expiry.min(chain.absolute_expiry) + SLACK {
            return Expected::Refused;
        }
        let current = chain.tokens.len() - 1;
        if place == current {
            chain.rotated_at = now;
            chain.rotation_key = key;
            chain.idle_expiry = now + IDLE;
            return Expected::New;
        }
        let is_same_request = key.is_some() && chain.rotation_key == key;
        if place + 1 == current && (is_same_request || now - chain.rotated_at <= GRACE) {
            return Expected::Same(chain.tokens[current].clone());
        }
        chain.revoked = true;
        Expected::Refused
    }

    fn rotated(&mut self, from: &str, to: &str) {
        if let Some((chain, _)) = self.find(from) {
            chain.tokens.push(to.to_owned());
        }
    }

    /// A logout needs a live session, and its current or previous token.
    fn logout(&mut self, token: &str, now: i64) {
        if let Some((chain, place)) = self.find(token)
            && place + 2 >= chain.tokens.len()
            && now < chain.idle_expiry.min(chain.absolute_expiry) + SLACK
        {
            chain.revoked = true;
        }
    }

    fn forged(&mut self, token: &str, now: i64) {
        if let Some((chain, _)) = self.find(token)
            && now < chain.idle_expiry.min(chain.absolute_expiry) + SLACK
        {
            chain.revoked = true;
        }
    }
}

/// One case: its own person, their tabs, and the reference model.
struct Case<'a> {
    app: &'a App,
    clock: &'a Clock,
    email: String,
    tabs: [Option<String>; TABS],
    reference: Reference,
}

type Verdict = Result<(), String>;

impl Case<'_> {
    async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.app, EventBuilder::new(Method::POST, path).json(&body)).await
    }

    /// Compares a response with the expected result. Returns the token in the response.
    fn hold(&mut self, presented: &str, expected: &Expected, answer: &Answer) -> Result<Option<String>, String> {
        let token = answer.body["refreshToken"].as_str().map(str::to_owned);
        match (expected, answer.status, &token) {
            (Expected::Refused, 401, None) => Ok(None),
            (Expected::Same(wanted), 200, Some(token)) if token == wanted => Ok(Some(wanted.clone())),
            (Expected::New, 200, Some(token)) if self.reference.find(token).is_none() => {
                self.reference.rotated(presented, token);
                Ok(Some(token.clone()))
            }
            _ => Err(format!("expected {expected:?}, and was answered {} {}", answer.status, answer.body)),
        }
    }

    async fn ask(&self, token: &str, key: Key) -> Answer {
        let event = EventBuilder::new(Method::POST, "/auth/refresh").json(&json!({"refreshToken": token}));
        send(self.app, key.map_or(event.clone(), |key| event.header("idempotency-key", key))).await
    }

    async fn refresh(&mut self, token: &str, key: Key) -> Result<Option<String>, String> {
        let expected = self.reference.refresh(token, key, self.clock.now().seconds());
        let answer = self.ask(token, key).await;
        self.hold(token, &expected, &answer)
    }

    async fn step(&mut self, op: Op) -> Verdict {
        let now = self.clock.now().seconds();
        match op {
            Op::Login(tab) => {
                let answer = self.post("/auth/login", json!({"email": self.email, "password": PASSWORD})).await;
                let token = answer.body["refreshToken"].as_str().ok_or_else(|| answer.body.to_string())?.to_owned();
                self.reference.login(&token, now);
                self.tabs[tab] = Some(token);
            }
            Op::Share(from, to) => {
                let shared = self.tabs[from].clone();
                self.tabs[to] = shared;
            }
            Op::Refresh(tab, key) => {
                if let Some(token) = self.tabs[tab].clone() {
                    self.tabs[tab] = self.refresh(&token, key).await?;
                }
            }
            Op::RefreshUnheard(tab, key) => {
                if let Some(token) = self.tabs[tab].clone() {
                    self.refresh(&token, key).await?;
                }
            }
            Op::RefreshThrice(tab, key) => {
                if let Some(token) = self.tabs[tab].clone() {
                    let expected = self.reference.refresh(&token, key, now);
                    let answers = join_all((0..3).map(|_| self.ask(&token, key))).await;
                    let first = self.hold(&token, &expected, &answers[0])?;
                    let token_of = |answer: &Answer| (answer.status, answer.body["refreshToken"].as_str().map(str::to_owned));
                    if answers.iter().any(|answer| token_of(answer) != (answers[0].status, first.clone())) {
                        return Err("one token led to several".to_owned());
                    }
                    self.tabs[tab] = first;
                }
            }
            Op::Forge(tab) => {
                if let Some(token) = self.tabs[tab].clone() {
                    let (family, _) = token.split_once('.').ok_or("no token")?;
                    let forged = format!("{family}.{}", shared_utils::random::secret());
                    let answer = self.post("/auth/refresh", json!({"refreshToken": forged})).await;
                    if answer.status != 401 {
                        return Err(format!("a forgery was answered {}", answer.status));
                    }
                    self.reference.forged(&token, now);
                }
            }
            Op::Logout(tab) => {
                if let Some(token) = self.tabs[tab].take() {
                    let answer = self.post("/auth/logout", json!({"refreshToken": token})).await;
                    if answer.status != 204 {
                        return Err(format!("a logout was answered {}", answer.status));
                    }
                    self.reference.logout(&token, now);
                }
            }
            Op::Wait(seconds) => self.clock.advance_seconds(seconds),
        }
        Ok(())
    }
}

fn variable(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn random_interleavings_match_the_reference_model() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let harness = runtime.block_on(Harness::start());
    let cases = variable("REFRESH_MODEL_CASES", 300) / u32::from(THREADS);
    let seed = u8::try_from(variable("REFRESH_MODEL_SEED", 0)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (harness, runtime) = (&harness, &runtime);
            scope.spawn(move || {
                let clock = Clock::manual();
                let context = HttpContext { clock: clock.clone(), ..harness.context() };
                let broadcaster = Broadcaster::new(&harness.engine(), harness.tables(), NO_GATEWAY, &clock);
                let app = App::new(
                    context,
                    broadcaster,
                    Services { signer: Signer::KeyFile(harness.signer()), mailer: None, files: harness.files(OwnerKind::Person, "auth") },
                    unhurried(),
                );
                let mut random = [seed; 32];
                random[0] = thread;
                let config = Config { cases, failure_persistence: None, ..Config::default() };
                let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &random));
                let outcome = runner.run(&proptest::collection::vec(op(), 4..14), |ops| {
                    let verdict: Verdict = runtime.block_on(async {
                        let email = format!("{}@mylg.test", test_harness::random_name());
                        account(harness, &email, Role::User).await;
                        let mut case = Case { app: &app, clock: &clock, email, tabs: Default::default(), reference: Reference::default() };
                        case.step(Op::Login(0)).await?;
                        for (index, op) in ops.iter().enumerate() {
                            case.step(*op).await.map_err(|violation| format!("step {index}, {op:?}: {violation}"))?;
                        }
                        Ok(())
                    });
                    verdict.map_err(TestCaseError::fail)
                });
                if let Err(violation) = outcome {
                    panic!("thread {thread}: {violation}");
                }
            });
        }
    });
}
