//! Data and keys survive a restart of the stack.

use end_to_end::{TestStack, text};
use local_stack::config::Options;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn data_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { folder: Some(folder.path().to_owned()), in_memory: false, ..Options::for_tests() };
    let world = TestStack::start_with(options.clone()).await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let project = world.project(&ana, "Atrium", &[(&ben, "viewer")]).await;
    let conversation = world.direct(&ana, &ben).await;
    let path = format!("/messages/conversations/{conversation}/messages");
    ana.post(&path, json!({"text": "still here?"})).await.expect(201);
    drop(world);

    let world = TestStack::start_with(options).await;
    // The signing key is the same, so an old token is still valid, at the new address.
    let ana = world.with_token(ana.token.as_deref().unwrap());
    assert_eq!(ana.get(&format!("/projects/{project}")).await.expect(200)["title"], json!("Atrium"));
    let ben = world.login("ben").await;
    let page = ben.get(&path).await.expect(200);
    assert_eq!(text(&page["items"][0]["text"]), "still here?");
    let next = ben.post(&path, json!({"text": "yes"})).await.expect(201);
    assert_eq!(next["seq"], json!(2));
}
