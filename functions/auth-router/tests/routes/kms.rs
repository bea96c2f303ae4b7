//! Signing with a KMS key. The KMS is a small local server with its own key and the KMS protocol.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use shared_utils::auth::{Verifier, spki_from_point};

use shared_utils::aws::AwsConfig;

use super::*;

const ARN: &str = "arn:aws:kms:eu-central-1:000000000000:key/k";

/// A KMS with one key.
#[derive(Clone)]
struct Kms {
    key: Arc<EcdsaKeyPair>,
    /// The errors of the next calls: HTTP status and error type.
    refusals: Arc<Mutex<Vec<(u16, &'static str)>>>,
    signed: Arc<Mutex<usize>>,
}

async fn answer(State(kms): State<Kms>, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    assert_eq!(headers["x-amz-target"], "TrentService.Sign");
    let request: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&request["KeyId"], &request["MessageType"], &request["SigningAlgorithm"]), (&json!(ARN), &json!("RAW"), &json!("ECDSA_SHA_256")));
    if let Some((status, kind)) = kms.refusals.lock().unwrap().pop() {
        return (StatusCode::from_u16(status).unwrap(), json!({"__type": kind, "message": "refused"}).to_string());
    }
    *kms.signed.lock().unwrap() += 1;
    let message = BASE64_STANDARD.decode(request["Message"].as_str().unwrap()).unwrap();
    let signature = BASE64_STANDARD.encode(kms.key.sign(&SystemRandom::new(), &message).unwrap());
    let answer = json!({"KeyId": ARN, "Signature": signature, "SigningAlgorithm": "ECDSA_SHA_256"});
    (StatusCode::OK, answer.to_string())
}

/// An app that signs with a KMS key, and that KMS.
async fn studio_with_kms() -> (Studio, App, Kms) {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
    let kms = Kms { key: Arc::new(key), refusals: Arc::default(), signed: Arc::default() };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let service = Router::new().route("/", post(answer)).with_state(kms.clone());
    tokio::spawn(async move { axum::serve(listener, service).await });

    let studio = studio().await;
    let context = studio.harness.context();
    let keys = BTreeMap::from([("kms-1".to_owned(), spki_from_point(kms.key.public_key().as_ref()))]);
    let verifier = Verifier::new(keys, context.verifier.issuer().to_owned(), context.verifier.audience().to_owned()).unwrap();
    let aws = AwsConfig { endpoint: Some(endpoint), ..studio.harness.aws() };
    let signer = Signer::kms(&aws, ARN.to_owned(), "kms-1".to_owned());
    let app = App::new(
        HttpContext { verifier, ..context },
        studio.harness.broadcaster(),
        Services { signer, mailer: None, files: studio.harness.files(OwnerKind::Person, "auth") },
        unhurried(),
    );
    (studio, app, kms)
}

fn login() -> EventBuilder {
    EventBuilder::new(Method::POST, "/auth/login").json(&json!({"email": "ana@mylg.test", "password": PASSWORD}))
}

#[tokio::test]
async fn tokens_that_kms_has_signed_are_accepted() {
    let (_studio, app, kms) = studio_with_kms().await;
    let mut session = send(&app, login()).await.expect(200);
    // Repeated, because about one signature in a hundred has an integer that is one byte shorter.
    for _ in 0..20 {
        let me = EventBuilder::new(Method::GET, "/auth/me").bearer(session["accessToken"].as_str().unwrap());
        send(&app, me).await.expect(200);
        let refresh = EventBuilder::new(Method::POST, "/auth/refresh").json(&json!({"refreshToken": session["refreshToken"]}));
        session = send(&app, refresh).await.expect(200);
    }
    assert_eq!(*kms.signed.lock().unwrap(), 21, "each token is signed once");
}

#[tokio::test]
async fn a_throttled_signature_is_tried_again_and_a_refused_one_is_unavailable() {
    let (_studio, app, kms) = studio_with_kms().await;
    kms.refusals.lock().unwrap().extend([(400, "ThrottlingException"), (500, "KMSInternalException")]);
    send(&app, login()).await.expect(200);
    kms.refusals.lock().unwrap().extend([(400, "DisabledException"); 4]);
    send(&app, login()).await.expect_error(503, "unavailable");
}
