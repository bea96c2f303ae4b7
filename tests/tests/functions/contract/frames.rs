//! Frames made from the schemas of the socket's actions.

use end_to_end::TestStack;
use serde_json::json;

use super::Resources;
use super::probes::{faults, probes};

/// Actions whose fields have a meaning. Those of `ACKNOWLEDGED` have none, and `auth` has one token for all that it reads.
fn is_probed(action: &str) -> bool {
    action != "auth" && !ws_provider::ACKNOWLEDGED.contains(&action)
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_are_refused_exactly_where_their_schema_forbids_them() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let resources = Resources::new(&world, &ana, &ben).await;
    let document = ::contract::asyncapi::document();
    let mut count = 0;
    for (name, message) in document["components"]["messages"].as_object().into_iter().flatten() {
        let Some(action) = name.strip_prefix("client.").filter(|action| is_probed(action)) else { continue };
        let mut socket = ana.connect().await;
        let mut found = Vec::new();
        probes(&message["payload"], "", &|value| value, &mut found);
        // A `ref` that is not valid cannot be echoed.
        for probe in found.iter().filter(|probe| probe.pointer != "/ref") {
            let known = |name: &str| message["payload"]["required"].as_array().is_some_and(|all| all.iter().any(|required| required == name));
            let mut frame = json!({"action": action, "ref": count});
            for (name, id) in [("conversationId", &resources.group), ("messageId", &resources.message), ("projectId", &resources.project)] {
                if known(name) && probe.pointer != format!("/{name}") {
                    frame[name] = json!(id);
                }
            }
            for (name, value) in probe.body.as_object().into_iter().flatten() {
                frame[name] = value.clone();
            }
            let (reply, _) = socket.ask(frame.clone()).await;
            let is_malformed_id = reply["code"] == "not_found" && probe.pointer.ends_with("Id");
            let shown: String = frame.to_string().chars().take(200).collect();
            assert!(is_malformed_id || probe.is_met_by(&faults(&reply)), "{action} {} {:?}: {reply} for {shown}", probe.pointer, probe.expected);
            count += 1;
        }
    }
    assert!(count > 60, "only {count} probes");
}
