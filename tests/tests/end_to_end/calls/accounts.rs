//! The cost of the routes by which people come in: invitations, forgotten passwords, addresses, sign-ups, second factors.

use super::*;

use end_to_end::totp_code;
use serde_json::Value;

/// The maximum number of round trips before the response, on the warm path.
const BUDGET: &[(&str, usize)] = &[
    ("POST /auth/password/forgot", 2),
    ("POST /auth/password/reset", 2),
    // The password and the code are counted before they are checked, and the mails to an address too.
    ("POST /auth/me/email", 6),
    ("POST /auth/email/confirm", 2),
    ("POST /auth/sign-up", 3),
    ("POST /auth/sign-up/confirm", 2),
    ("POST /auth/login/mfa", 5),
    ("POST /auth/login/password", 3),
    ("GET /auth/mfa", 1),
    ("POST /auth/mfa/totp", 5),
    ("POST /auth/mfa/totp/confirm", 5),
    ("POST /auth/mfa/disable", 8),
    ("POST /auth/users/{id}/invitation", 4),
    ("DELETE /auth/users/{id}/invitation", 3),
    ("POST /auth/users/{id}/password-reset", 3),
    ("DELETE /auth/users/{id}/mfa", 2),
];

/// Routes that the other test of costs measures.
const OTHERS: [&str; 4] = ["POST /auth/login", "POST /auth/users", "PATCH /auth/users/{id}", "POST /auth/logout"];

#[tokio::test(flavor = "multi_thread")]
async fn no_way_in_exceeds_its_call_budget() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let before = delayed_and_warm(&world, &ana).await;
    let (mut ends, mut measured) = (Vec::new(), BTreeMap::new());
    for round in 0..ROUNDS {
        // The end of each round ends every login of hers.
        let dana = world.login("dana").await;
        ways_in(&world, &ana, &dana, round).await;
        world.settled().await;
        let day = world.stack().records.events().split_off(before);
        ends.push(day.len());
        measured = costs(&world, day, &ends, |_, label| route(label));
        measured.retain(|route, _| !OTHERS.contains(&route.as_str()));
        if problems(&measured, BUDGET).is_empty() {
            break;
        }
    }
    hold_to_budget(&measured, BUDGET);
}

/// Invitation, forgotten password, change of address and second factor.
async fn ways_in(world: &TestStack, ana: &Person, other: &Person, round: usize) {
    let token = async |to: &str| {
        world.settled().await;
        let mail = world.stack().mails.mails(Some(to)).into_iter().next().expect("a mail");
        mail.text.split_once("#token=").expect("a link").1.lines().next().expect("a token").to_owned()
    };
    let nobody = world.anonymous();
    let (invited, moved) = (format!("invited{round}@mylg.test"), format!("moved{round}@mylg.test"));
    let made = ana.post("/auth/users", json!({"email": invited})).await.expect(201);
    let path = format!("/auth/users/{}", text(&made["userId"]));
    world.settled().await;
    ana.request(Method::POST, &format!("{path}/invitation"), &[], None).await.expect(202);
    world.settled().await;
    ana.delete(&format!("{path}/invitation")).await;
    ana.request(Method::POST, &format!("{path}/password-reset"), &[], None).await.expect(202);
    nobody.post("/auth/password/reset", json!({"token": token(&invited).await, "newPassword": PASSWORD})).await.expect(204);
    nobody.post("/auth/password/forgot", json!({"email": invited})).await.expect(202);
    other.post("/auth/me/email", json!({"email": moved, "currentPassword": PASSWORD})).await.expect(202);
    nobody.post("/auth/email/confirm", json!({"token": token(&moved).await})).await.expect(204);
    ana.patch(&format!("/auth/users/{}", other.id), json!({"email": "dana@mylg.test"})).await.expect(200);

    let signed_up = format!("signed-up{round}@mylg.test");
    nobody.post("/auth/sign-up", json!({"email": signed_up})).await.expect(202);
    nobody.post("/auth/sign-up/confirm", json!({"token": token(&signed_up).await, "password": PASSWORD})).await.expect(201);

    other.get("/auth/mfa").await.expect(200);
    enrol(other).await;
    ana.delete(&format!("/auth/users/{}/mfa", other.id)).await;
    let codes = enrol(other).await;
    let credentials = json!({"email": "dana@mylg.test", "password": PASSWORD});
    let challenge = nobody.post("/auth/login", credentials.clone()).await.expect_error(403, "mfa_required")["challenge"].clone();
    nobody.post("/auth/login/mfa", json!({"challenge": challenge, "code": codes[0]})).await.expect(200);
    other.post("/auth/mfa/disable", json!({"currentPassword": PASSWORD, "code": codes[1]})).await;

    // The next login must set a new password. The one after it sets the seeded one again.
    for (old, new) in [(PASSWORD, "another long password"), ("another long password", PASSWORD)] {
        ana.patch(&format!("/auth/users/{}", other.id), json!({"passwordExpired": true})).await.expect(200);
        let login = nobody.post("/auth/login", json!({"email": "dana@mylg.test", "password": old})).await;
        let challenge = login.expect_error(403, "password_change_required")["challenge"].clone();
        nobody.post("/auth/login/password", json!({"challenge": challenge, "newPassword": new})).await.expect(200);
    }
}

/// Turns a person's second factor on. Returns the recovery codes.
async fn enrol(person: &Person) -> Vec<Value> {
    let begun = person.post("/auth/mfa/totp", json!({"currentPassword": PASSWORD})).await.expect(200);
    let code = totp_code(&text(&begun["secret"]));
    let codes = person.post("/auth/mfa/totp/confirm", json!({"code": code})).await.expect(200);
    codes["recoveryCodes"].as_array().cloned().unwrap_or_default()
}
