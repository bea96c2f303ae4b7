//! Real faults: acknowledged writes stay, other writes can be repeated, and nothing happens twice.

use std::time::Duration;

use end_to_end::{TestStack, is_success};
use local_stack::faults::{Effect, InjectedFault};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_function_loses_no_acknowledged_message() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let conversation = world.direct(&ana, &ben).await;
    let path = format!("/messages/conversations/{conversation}/messages");
    let (mut acknowledged, mut failed) = (Vec::new(), 0);
    for number in 0..60 {
        let body = json!({"text": format!("message {number}"), "optimisticId": format!("n-{number}")});
        if number % 10 == 3 {
            let function = world.stack().function("messages-router").unwrap().clone();
            // The kill comes during the send, a little later each time.
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_micros(700 * number)).await;
                function.kill();
            });
        }
        // A client repeats a request that did not succeed.
        let answer = loop {
            let answer = ana.post(&path, body.clone()).await;
            if is_success(answer.status) {
                break answer.body;
            }
            assert_eq!(answer.status, 500, "{}", answer.body);
            failed += 1;
            assert!(failed < 100, "the function does not come back");
        };
        acknowledged.push((answer["seq"].as_u64().unwrap(), answer["messageId"].clone()));
    }
    assert!(failed > 0, "no kill hit a send");
    let mut stored: Vec<Value> = Vec::new();
    let mut after = 0;
    loop {
        let answer = ben.get(&format!("{path}?afterSeq={after}&limit=25")).await;
        if answer.status == 500 {
            // The last kill came after the last send.
            continue;
        }
        let page = answer.expect(200);
        let items = page["items"].as_array().unwrap();
        let Some(last) = items.last() else { break };
        after = last["seq"].as_u64().unwrap();
        stored.extend(items.iter().cloned());
    }
    let seqs: Vec<u64> = stored.iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=60).collect::<Vec<_>>(), "contiguous, and none twice");
    for (seq, id) in acknowledged {
        assert_eq!(stored[usize::try_from(seq - 1).unwrap()]["messageId"], id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_response_creates_no_duplicate() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let conversation = world.direct(&ana, &ben).await;
    let path = format!("/messages/conversations/{conversation}/messages");
    let fault = |effect, times| InjectedFault { action: Some("TransactWriteItems".to_owned()), effect, skip: 0, times };
    for (number, effect) in
        [Effect::DropResponse, Effect::Throttle, Effect::ServerError, Effect::Delay(Duration::from_millis(50))].into_iter().enumerate()
    {
        world.stack().faults.add(fault(effect, 1));
        let sent = ana.post(&path, json!({"text": "once"})).await.expect(201);
        assert_eq!(sent["seq"], json!(number + 1), "{effect:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lasting_throttling_is_503_and_writes_nothing() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    world.stack().faults.add(InjectedFault { action: Some("TransactWriteItems".to_owned()), effect: Effect::Throttle, skip: 0, times: usize::MAX });
    let answer = ana.post("/projects", json!({"title": "Never"})).await;
    assert_eq!(answer.header("retry-after"), "1");
    answer.expect_error(503, "unavailable");
    world.stack().faults.clear();
    assert_eq!(ana.get("/projects/list").await.expect(200)["items"], json!([]));
    ana.post("/projects", json!({"title": "Now"})).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_refresh_is_not_reuse() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    world.stack().faults.add(InjectedFault { action: Some("UpdateItem".to_owned()), effect: Effect::Throttle, skip: 0, times: 4 });
    ana.post("/auth/refresh", json!({"refreshToken": ana.refresh_token})).await.expect_error(503, "unavailable");
    ana.post("/auth/refresh", json!({"refreshToken": ana.refresh_token})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_revocations_refuse_everyone() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    world.stack().faults.add(InjectedFault { action: Some("BatchGetItem".to_owned()), effect: Effect::Throttle, skip: 0, times: usize::MAX });
    ana.get("/auth/me").await.expect_error(503, "unavailable");
}
