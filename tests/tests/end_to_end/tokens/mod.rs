//! Every class of attack on access tokens, in all four functions. All attacks get the same refusal, and none causes an internal error.

mod attacks;

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use end_to_end::{Person, TestStack, claims_of};
use reqwest::Method;
use serde_json::json;

use crate::sessions::refused;
use attacks::{ORDER, claim_attacks, confusion_attacks, difference, encoded, header_attacks, payload_attacks, signature_attacks, unsigned_attacks};

const PATHS: [&str; 3] = ["/auth/me", "/projects/list", "/messages/conversations"];

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            write!(encoded, "{}", char::from(byte))
        } else {
            write!(encoded, "%{byte:02X}")
        };
        encoded
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_forged_token_is_accepted_anywhere() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let token = ana.token.clone().unwrap();
    let (claims, forge) = (claims_of(&token), world.forge().unwrap());
    // A token that the forge signs is accepted, so each refusal is caused by the attack itself.
    world.with_token(&forge.sign(&claims).await).get("/auth/me").await.expect(200);
    let mut attacks = Vec::new();
    unsigned_attacks(&token, &claims, &mut attacks);
    confusion_attacks(&forge, &claims, &mut attacks);
    header_attacks(&forge, &claims, &mut attacks).await;
    signature_attacks(&token, &claims, &mut attacks);
    claim_attacks(&forge, &claims, &mut attacks).await;
    payload_attacks(&forge, &claims, &mut attacks).await;
    attacks.push(("22 a refresh token".to_owned(), ana.refresh_token.clone()));
    assert!(attacks.len() > 200, "{}", attacks.len());

    let detail = world.with_token("a.b.c").get("/auth/me").await.expect_error(401, "invalid_token")["detail"].clone();
    let mut socket = ana.connect().await;
    for (name, attack) in &attacks {
        let attacker = world.anonymous();
        // A header's value has no control characters. A request with control characters does not reach the functions.
        for path in PATHS {
            let answer = attacker.request(Method::GET, path, &[("authorization", &format!("Bearer {attack}"))], None).await;
            assert_eq!((answer.status, &answer.body["code"], &answer.body["detail"]), (401, &json!("invalid_token"), &detail), "{name} at {path}");
            assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
        }
        let refused = attacker.try_connect(&format!("?token={}", percent_encoded(attack)), &[]).await.err();
        assert_eq!(refused, Some(401), "{name} at $connect");
        let (reply, _) = socket.ask(json!({"action": "auth", "ref": "r", "token": attack})).await;
        assert!(["invalid_token", "validation_failed"].contains(&reply["code"].as_str().unwrap_or_default()), "{name} over the socket: {reply}");
    }
    ana.get("/auth/me").await.expect(200);
    let exceptions: Vec<_> =
        world.stack().log_lines().into_iter().filter(|line| line.contains("\"level\":\"ERROR\"") || line.contains("panicked")).collect();
    assert!(exceptions.is_empty(), "{exceptions:?}");
}

/// 20, 21: the location, number and length of credentials.
#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_one_bearer_token_in_its_header() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let token = ana.token.clone().unwrap();
    let bearer = format!("Bearer {token}");
    for header in [
        format!("Basic {}", STANDARD.encode("ana@mylg.test:x")),
        "Bearer".to_owned(),
        format!("Bearer  {token}"),
        format!("Bearer\t{token}"),
        token.clone(),
        format!("Token {token}"),
        format!("{bearer}, {bearer}"),
        format!("{bearer},"),
        format!("{bearer}; {bearer}"),
    ] {
        for path in PATHS {
            let answer = world.anonymous().request(Method::GET, path, &[("authorization", &header)], None).await;
            answer.expect_error(401, "invalid_token");
        }
    }
    for path in PATHS {
        for query in ["token", "access_token"] {
            let answer = world.anonymous().get(&format!("{path}?{query}={token}")).await;
            answer.expect_error(401, "missing_token");
        }
        let twice = world.anonymous().request(Method::GET, path, &[("authorization", &bearer), ("authorization", &bearer)], None).await;
        twice.expect_error(401, "invalid_token");
        let spelled = world.anonymous().request(Method::GET, path, &[("authorization", &format!("bEARER {token}"))], None).await;
        spelled.expect(200);
    }
    // 20: a header that no gateway accepts.
    let huge = world.anonymous().request(Method::GET, "/auth/me", &[("authorization", &format!("Bearer {}", "a".repeat(100_000)))], None).await;
    assert!((400..500).contains(&huge.status), "{}", huge.status);
}

/// 15: the limits of the leeway.
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_accepted_for_a_minute() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let token = ana.token.clone().unwrap();
    let (claims, forge) = (claims_of(&token), world.forge().unwrap());
    let now = i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let expired = |ago: i64| json!({"iat": now - 600, "exp": now - ago});
    for (ago, status) in [(30, 200), (120, 401)] {
        let mut changed = claims.clone();
        changed.as_object_mut().unwrap().extend(expired(ago).as_object().unwrap().clone());
        let person = world.with_token(&forge.sign(&changed).await);
        for path in PATHS {
            let answer = person.get(path).await;
            assert_eq!(answer.status, status, "{}", answer.body);
            assert!(status == 200 || answer.body["code"] == "token_expired");
        }
    }
}

/// 11: a signature can also be written as r and n − s. A token in this form belongs to the same session, and ends with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_reencoded_token_ends_with_its_session() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let token = ana.token.clone().unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let other = format!("{signed}.{}", encoded([&bytes[..32], &difference(&ORDER, &bytes[32..])].concat()));
    let twin: Person = world.with_token(&other);
    twin.get("/auth/me").await.expect(200);
    assert_eq!(ana.post("/auth/logout", json!({})).await.status, 204);
    refused(&twin, "/auth/me").await.expect_error(401, "session_revoked");
}
