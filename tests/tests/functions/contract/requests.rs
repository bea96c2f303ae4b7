//! Bodies made from the schemas of requests.

use ::contract::openapi::{RoutedOperation, operations};
use end_to_end::{Answer, Person, TestStack};
use serde_json::Value;

use super::Resources;
use super::probes::{faults, probes};

async fn call(person: &Person, resources: &Resources, routed: &RoutedOperation, body: &Value) -> Answer {
    person.send(routed.operation.method.clone(), &resources.path(routed.operation.pattern), &[], body).await
}

/// Operations whose bodies are read only for who presents a token in them.
fn is_probed(routed: &RoutedOperation) -> bool {
    routed.operation.request.is_some() && !["login", "refreshSession", "logout", "changePassword"].contains(&routed.operation.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_refused_exactly_where_their_schema_forbids_them() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let resources = Resources::new(&world, &ana, &ben).await;
    let mut count = 0;
    for routed in operations().iter().filter(|routed| is_probed(routed)) {
        let request = routed.operation.request.clone().unwrap();
        let variants = request["oneOf"].as_array().cloned().unwrap_or_else(|| vec![request]);
        for variant in variants {
            let kind = variant["properties"]["type"]["const"].clone();
            let mut found = Vec::new();
            probes(&variant, "", &|value| value, &mut found);
            for mut probe in found {
                if !kind.is_null() {
                    probe.body["type"] = kind.clone();
                }
                let answer = call(&ana, &resources, routed, &probe.body).await;
                let faults = faults(&answer.body);
                let status = if probe.is_refused() { 422 } else { answer.status };
                let shown: String = probe.body.to_string().chars().take(200).collect();
                let id = routed.operation.id;
                assert!(
                    answer.status == status && probe.is_met_by(&faults),
                    "{id} {} {:?}: {} {faults:?} for {shown}",
                    probe.pointer,
                    probe.expected,
                    answer.status
                );
                count += 1;
            }
        }
    }
    assert!(count > 350, "only {count} probes");
}
