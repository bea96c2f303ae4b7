use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::Region;
use local_stack::faults::{Effect, InjectedFault};
use objects::ObjectKey;
use shared_utils::aws::AwsConfig;
use shared_utils::signed_requests::ServiceError;

use crate::harness::{CONTENT, Harness, expect, key, now, upload};

fn is_denied<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> bool {
    matches!(result, Err(ServiceError::Refused { status: 403, .. }))
}

#[tokio::test]
async fn a_role_without_the_permission_is_denied() {
    let harness = Harness::start().await;
    let key = harness.uploaded().await;
    let other = harness.store_of("ws-provider");
    assert_eq!(other.head(&key).await.unwrap(), None);
    assert!(is_denied(other.delete(&key).await));
    assert!(is_denied(other.tags(&key).await));
    let url = other.presigned_download(&key, "a.png", "image/png", 60, now()).unwrap();
    expect(harness.browser.get(url).send().await.unwrap(), 403, "AccessDenied").await;
    let form = other.presigned_upload(&upload(&self::key()), 600, now());
    expect(harness.post(&form, CONTENT).await, 403, "AccessDenied").await;
    assert_eq!(harness.s3.storage.keys("files"), [key.to_string()]);
}

#[tokio::test]
async fn other_credentials_are_refused() {
    let harness = Harness::start().await;
    let key = harness.uploaded().await;
    let credentials = |aws: &AwsConfig, secret: Option<&str>, token: Option<&str>| {
        let own = &aws.credentials;
        let secret = secret.unwrap_or(own.secret_access_key());
        Credentials::new(own.access_key_id(), secret, token.map(str::to_owned), None, "test")
    };
    let without_token = harness.store_with(|aws| aws.credentials = credentials(aws, None, None));
    let another_token = harness.store_with(|aws| aws.credentials = credentials(aws, None, Some("another")));
    let another_secret = harness.store_with(|aws| aws.credentials = credentials(aws, Some("another"), aws.credentials.session_token()));
    let another_region = harness.store_with(|aws| aws.region = Region::new("us-east-1"));
    for (store, status, code) in [
        (&without_token, 400, "InvalidToken"),
        (&another_token, 400, "InvalidToken"),
        (&another_secret, 403, "SignatureDoesNotMatch"),
        (&another_region, 400, "AuthorizationHeaderMalformed"),
    ] {
        let url = store.presigned_download(&key, "a.png", "image/png", 60, now()).unwrap();
        expect(harness.browser.get(url).send().await.unwrap(), status, code).await;
        expect(harness.post(&store.presigned_upload(&upload(&key), 600, now()), CONTENT).await, status, code).await;
        assert!(store.delete(&key).await.is_err(), "{code}");
    }
    assert!(harness.store.head(&key).await.unwrap().is_some());
}

#[tokio::test]
async fn a_key_outside_the_prefixes_is_denied() {
    let harness = Harness::start().await;
    let foreign = ObjectKey::generate("invoices", "prj_1", now()).unwrap();
    harness.refused(&harness.form(&foreign), CONTENT, 403, "AccessDenied").await;
    assert!(is_denied(harness.store.delete(&foreign).await));
}

#[tokio::test]
async fn every_access_belongs_to_the_function_that_signed() {
    let harness = Harness::start().await;
    let key = harness.uploaded().await;
    harness.store.head(&key).await.unwrap();
    harness.store.tags(&key).await.unwrap();
    let url = harness.store.presigned_download(&key, "a.png", "image/png", 60, now()).unwrap();
    harness.browser.get(url).send().await.unwrap();
    harness.store.delete(&key).await.unwrap();
    assert!(is_denied(harness.store_of("ws-provider").delete(&key).await));
    let accesses = harness.s3.storage.accesses();
    assert!(accesses.iter().all(|access| access.key == key.as_str() && access.bucket == "mylg-local-files"));
    let seen: Vec<_> =
        accesses.iter().map(|access| (access.function.as_str(), access.action.as_str(), access.is_presigned, access.is_allowed)).collect();
    let expected = [
        ("projects-router", "PutObject", true, true),
        ("projects-router", "GetObject", false, true),
        ("projects-router", "GetObjectTagging", false, true),
        ("projects-router", "GetObject", true, true),
        ("projects-router", "DeleteObject", false, true),
        ("ws-provider", "DeleteObject", false, false),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_service_that_recovers_is_asked_again() {
    let harness = Harness::start().await;
    let key = harness.uploaded().await;
    let fault = |times| InjectedFault { action: Some("HeadObject".to_owned()), effect: Effect::Throttle, skip: 0, times };
    harness.faults.add(fault(2));
    assert!(harness.store.head(&key).await.unwrap().is_some());
    harness.faults.add(fault(3));
    assert!(matches!(harness.store.head(&key).await, Err(ServiceError::Unavailable(_))));
    assert_eq!(harness.faults.waiting(), 0);
}
