//! Signing keys and their public keys.

use super::*;

#[tokio::test]
async fn expired_tokens_have_their_own_code_and_jwks_lists_the_key() {
    let studio = studio().await;
    let login = studio.login().await;
    studio.harness.clock.advance_seconds(661);
    assert_eq!(studio.me(&login["accessToken"]).await.body["code"], json!("token_expired"));
    let answer = studio.call(EventBuilder::new(Method::GET, "/auth/.well-known/jwks.json")).await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    let key = &answer.body["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["alg"], &key["kid"]), (&json!("EC"), &json!("P-256"), &json!("ES256"), &json!("test-1")));
    assert!(key.get("d").is_none());
}

/// Key rotation as in operations.md: add the next key, sign with it, then remove the old key after its last token has expired.
#[tokio::test]
async fn key_rotation_refuses_no_request() {
    use std::collections::BTreeMap;

    use shared_utils::auth::{KeyFileSigner, Verifier, spki_from_point};

    let studio = studio().await;
    let pem = KeyFileSigner::generate_pem().unwrap();
    let next = || KeyFileSigner::from_pem("test-2", pem.as_bytes()).unwrap();
    let old_public = ("test-1".to_owned(), spki_from_point(studio.harness.signer().public_point()));
    let new_public = ("test-2".to_owned(), spki_from_point(next().public_point()));
    let deployed = |keys: Vec<(String, String)>, signer: Signer| {
        let context = studio.harness.context();
        let (issuer, audience) = (context.verifier.issuer().to_owned(), context.verifier.audience().to_owned());
        let verifier = Verifier::new(BTreeMap::from_iter(keys), issuer, audience).unwrap();
        App::new(
            HttpContext { verifier, ..context },
            studio.harness.broadcaster(),
            Services { signer, mailer: None, files: studio.harness.files(OwnerKind::Person, "auth") },
            unhurried(),
        )
    };
    let old = || Signer::KeyFile(studio.harness.signer());
    let stages = [
        deployed(vec![old_public.clone()], old()),
        deployed(vec![old_public.clone(), new_public.clone()], old()),
        deployed(vec![old_public, new_public.clone()], Signer::KeyFile(next())),
        deployed(vec![new_public], Signer::KeyFile(next())),
    ];
    let mut sessions = vec![studio.login().await, studio.login_as(&studio.ben).await];
    let me = async |app: &App, session: &Value| {
        send(app, EventBuilder::new(Method::GET, "/auth/me").bearer(session["accessToken"].as_str().unwrap())).await.status
    };
    for (index, window) in stages.windows(2).enumerate() {
        let [before, after] = window else { unreachable!() };
        // During a deployment, both versions run. Each accepts the other's tokens.
        for session in &mut sessions {
            assert_eq!((me(before, session).await, me(after, session).await), (200, 200), "stage {index}");
            let refresh = EventBuilder::new(Method::POST, "/auth/refresh").json(&json!({"refreshToken": session["refreshToken"]}));
            *session = send(after, refresh).await.expect(200);
            assert_eq!((me(before, session).await, me(after, session).await), (200, 200), "stage {index}");
        }
    }
    // A token of the removed key is refused like a token of an unknown key.
    let old_token =
        send(&stages[0], EventBuilder::new(Method::POST, "/auth/login").json(&json!({"email": "ana@mylg.test", "password": PASSWORD}))).await;
    assert_eq!(me(&stages[3], &old_token.body).await, 401);
}
