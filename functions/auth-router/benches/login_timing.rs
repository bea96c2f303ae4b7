//! Measures whether the time of a refused login reveals if an address is known. Run with `make bench-login`.
//!
//! Logins to fresh accounts run interleaved through the whole handler on the embedded database. Medians within 2 % count as equal. With the feature
//! `early-return`, which skips the work for unknown addresses, the benchmark must see a difference; otherwise it measures nothing.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark talks to the terminal and stops where it cannot go on")]

use std::time::{Duration, Instant};

use auth_router::store::{AuthStore, NewUser};
use auth_router::{App, Rates, Services, Settings, Signer, hash_password};
use files::OwnerKind;
use http::Method;
use mail::{Mailer, Studio};
use serde_json::json;
use shared_utils::auth::Role;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Item, Key, Store, Update, from_json, n, s};
use shared_utils::ids::{FamilyId, SessionId, UserId};
use shared_utils::random::{self, sha256};
use shared_utils::rate_limit::Rate;
use test_harness::{EventBuilder, Harness};

const SAMPLES: usize = 500;
const WARM_UP: usize = 20;
/// Medians that differ by less than this fraction count as equal.
const BAR: f64 = 0.02;

/// The kind of login attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unknown,
    WrongPassword,
    WithLogins,
    LockedUnknown,
    LockedKnown,
    /// A wrong password of somebody with a second factor.
    WithSecondFactor,
    ForgotUnknown,
    ForgotKnown,
}

const KINDS: [(Kind, &str, i64); 8] = [
    (Kind::Unknown, "unknown", 401),
    (Kind::WrongPassword, "wrong password", 401),
    (Kind::WithLogins, "with 20 logins", 401),
    (Kind::LockedUnknown, "locked, unknown", 429),
    (Kind::LockedKnown, "locked, known", 429),
    (Kind::WithSecondFactor, "second factor", 401),
    (Kind::ForgotUnknown, "forgot, unknown", 202),
    (Kind::ForgotKnown, "forgot, known", 202),
];

fn email(kind: Kind, sample: usize) -> String {
    let name = KINDS.iter().find(|(known, ..)| *known == kind).unwrap().1.replace([' ', ','], "-");
    format!("{name}-{sample:05}@mylg.test")
}

/// Creates the accounts and the locks for the samples.
async fn prepare(harness: &Harness) {
    let store = Store::new(harness.aws().dynamodb());
    let accounts = AuthStore::new(store.clone(), harness.table("auth"));
    let password_hash = hash_password("the right password").unwrap();
    for sample in 0..SAMPLES + WARM_UP {
        for kind in [Kind::WrongPassword, Kind::WithLogins, Kind::LockedKnown, Kind::WithSecondFactor, Kind::ForgotKnown] {
            let new = NewUser {
                email: email(kind, sample).parse().unwrap(),
                password_hash: password_hash.clone(),
                role: Role::User,
                first_name: None,
                last_name: None,
                pending: false,
                mail: None,
            };
            let profile = accounts.create_user(new, None, harness.clock.now()).await.unwrap();
            if kind == Kind::WithSecondFactor {
                let change = Update::new("SET totpSecret = :secret, totpStep = :step").value(":secret", s("A".repeat(32))).value(":step", n(1));
                let key = Key::new(format!("USER#{}", profile.user_id), "PROFILE");
                store.update_item(&harness.table("auth"), key, change).await.unwrap().unwrap();
            }
            if kind == Kind::WithLogins {
                store.put_many(&harness.table("auth"), (0..20).map(|_| login(profile.user_id, harness.clock.now())).collect()).await.unwrap();
            }
        }
        for kind in [Kind::LockedUnknown, Kind::LockedKnown] {
            let mut item = Key::new(format!("ATTEMPTS#{}", sha256(email(kind, sample).as_bytes())), "ANYWHERE").into_item();
            let until = harness.clock.now().plus_seconds(900);
            for (name, value) in
                [("failures", 15), ("lastFailureAt", harness.clock.now().millis()), ("lockedUntil", until.millis()), ("ttl", until.seconds())]
            {
                item.insert(name.to_owned(), n(value));
            }
            store.put_item(&harness.table("auth"), item).await.unwrap();
        }
    }
}

/// The table item of one session.
fn login(user: UserId, now: Timestamp) -> Item {
    let (family, session, until) = (FamilyId::generate(now, user), SessionId::generate(now), now.seconds() + 86_400);
    let value = json!({
        "familyId": family, "sessionId": session, "userId": user, "currentHash": random::secret(), "number": 1, "createdAt": now,
        "lastUsedAt": now, "idleExpiry": until, "absoluteExpiry": until, "userAgent": "a browser".repeat(12), "ip": "203.0.113.7",
        "role": Role::User, "pending": false, "version": 1, "ttl": until,
    });
    let mut item = Key::new(format!("USER#{user}"), format!("FAMILY#{family}")).into_item();
    item.insert("type".to_owned(), s("family"));
    item.extend(value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), from_json(value))));
    item
}

async fn measure(app: &App, kind: Kind, status: i64, sample: usize) -> Duration {
    let event = if matches!(kind, Kind::ForgotUnknown | Kind::ForgotKnown) {
        EventBuilder::new(Method::POST, "/auth/password/forgot").json(&json!({"email": email(kind, sample)})).event()
    } else {
        let body = json!({"email": email(kind, sample), "password": "a wrong password"});
        EventBuilder::new(Method::POST, "/auth/login").json(&body).event()
    };
    let began = Instant::now();
    let answer = app.handle(event).await;
    let took = began.elapsed();
    assert_eq!(answer.status_code, status);
    took
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

#[tokio::main]
async fn main() {
    // `cargo test --all-targets` also runs this file, without `--bench`. Then there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let harness = Harness::start().await;
    let settings = Settings { rates: Rates { login: Rate::OFF, mail: Rate::OFF, ..Rates::default() }, ..Settings::default() };
    let studio = Studio::new("MYLG", "https://app.mylg.test").unwrap();
    // Mails are sent after the response, which is not measured.
    let mailer = Mailer::new(&harness.aws(), "no-reply@mylg.test".to_owned(), None, studio);
    let app = App::new(
        harness.context(),
        harness.broadcaster(),
        Services { signer: Signer::KeyFile(harness.signer()), mailer: Some(mailer), files: harness.files(OwnerKind::Person, "auth") },
        settings,
    );
    prepare(&harness).await;
    let mut times: [Vec<Duration>; KINDS.len()] = Default::default();
    for sample in 0..SAMPLES + WARM_UP {
        // Random order: an attempt that follows a password hash finds colder caches.
        let mut order: [usize; KINDS.len()] = std::array::from_fn(|index| index);
        for place in (1..order.len()).rev() {
            order.swap(place, usize::try_from(random::below(place as u64 + 1)).unwrap());
        }
        for index in order {
            let (kind, _, status) = KINDS[index];
            let took = measure(&app, kind, status, sample).await;
            if sample >= WARM_UP {
                times[index].push(took);
            }
        }
    }
    let medians = times.map(|mut times| median(&mut times));
    for ((_, name, _), median) in KINDS.iter().zip(medians) {
        println!("{name:<16} {median:8.3} ms, median of {SAMPLES}");
    }
    let apart = |a: f64, b: f64| (a - b).abs() / a.max(b);
    let (open, used, locked) = (apart(medians[0], medians[1]), apart(medians[0], medians[2]), apart(medians[3], medians[4]));
    let (second, forgot) = (apart(medians[0], medians[5]), apart(medians[6], medians[7]));
    for (what, apart) in [
        ("wrong password", open),
        ("wrong password of someone with 20 logins", used),
        ("locked, known against unknown", locked),
        ("wrong password of someone with a second factor", second),
        ("forgot, known against unknown", forgot),
    ] {
        println!("{what}: {:.2} % apart; the bar is {:.0} %", apart * 100.0, BAR * 100.0);
    }
    let early = cfg!(feature = "early-return");
    let holds = if early { open > BAR && forgot > BAR } else { [open, used, locked, second, forgot].iter().all(|apart| *apart <= BAR) };
    println!("{}", if early { "with an early return they must be told apart" } else { "they must not be told apart" });
    assert!(holds, "and that is not so");
}
