//! Sending messages.

use crate::*;

#[tokio::test]
async fn concurrent_sends_get_contiguous_seqs() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = messages_of(&direct(&ana, &ben).await);
    let sends = (0..50).map(|n| if n % 2 == 0 { &ana } else { &ben }.post(&path, json!({"text": n.to_string(), "optimisticId": n.to_string()})));
    let mut seqs: Vec<u64> = join_all(sends).await.into_iter().map(|answer| answer.expect(201)["seq"].as_u64().unwrap()).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=50).collect::<Vec<_>>());
    let page = ben.get(&format!("{path}?limit=100")).await.body;
    let texts: std::collections::BTreeSet<&str> = page["items"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap()).collect();
    assert_eq!((texts.len(), &page["lastSeq"]), (50, &json!(50)));
}

#[tokio::test]
async fn an_optimistic_id_creates_one_message() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = messages_of(&direct(&ana, &ben).await);
    let body = json!({"text": "once", "optimisticId": "o-1"});
    let all = join_all((0..8).map(|_| ana.post(&path, body.clone()))).await;
    assert_eq!(all.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(all.iter().all(|answer| answer.body["messageId"] == all[0].body["messageId"]));
    // The same id from another sender is another message.
    assert_eq!(ben.post(&path, body.clone()).await.body["seq"], json!(2));
    let Answer { status, body: problem, .. } = ana.post(&path, json!({"text": "twice", "optimisticId": "o-1"})).await;
    assert_eq!((status, &problem["code"]), (422, &json!("idempotency_mismatch")));
    // A retry is compared with the first body, but returns the message's current state: edited, or a tombstone.
    let message = format!("/messages/{}", all[0].body["messageId"].as_str().unwrap());
    ana.patch(&message, json!({"text": "edited"})).await;
    let Answer { status, body: now, .. } = ana.post(&path, body.clone()).await;
    assert_eq!((status, &now["text"]), (200, &json!("edited")));
    ana.delete(&message).await;
    let Answer { status, body: now, .. } = ana.post(&path, body).await;
    assert_eq!((status, &now["deleted"]), (200, &json!(true)));
}

#[tokio::test]
async fn a_send_survives_one_failure_of_each_call() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = messages_of(&direct(&ana, &ben).await);
    for (index, effect) in [Effect::Throttle, Effect::ServerError, Effect::DropResponse].into_iter().enumerate() {
        for skip in 0..2 {
            studio.harness.faults.add(InjectedFault { action: None, effect, skip, times: 1 });
            let Answer { status, body, .. } = ana.post(&path, json!({"text": "x", "optimisticId": format!("{index}-{skip}")})).await;
            assert_eq!(status, 201, "{effect:?} after {skip}: {body}");
            studio.harness.faults.clear();
        }
    }
    let page = ben.get(&path).await.body;
    assert_eq!((page["items"].as_array().unwrap().len(), &page["lastSeq"]), (6, &json!(6)));
}

#[tokio::test]
async fn sent_at_never_decreases() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let conversation = direct(&ana, &ben).await;
    let mut times = Vec::new();
    for ahead in [0, 2, -3, 1, -1] {
        studio.harness.clock.advance_seconds(ahead);
        times.push(say(&ana, &conversation, "tick").await["timestamp"].as_str().unwrap().to_owned());
    }
    assert!(times.is_sorted() && times.first() < times.last(), "{times:?}");
}

#[tokio::test]
async fn sends_are_limited_per_person_and_conversation() {
    let studio = studio_with_rate(SEND_RATE).await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let (path, other) = (messages_of(&direct(&ana, &ben).await), messages_of(&direct(&ana, &cleo).await));
    // Concurrent sends too: the rate counter changes in the message's own transaction.
    let statuses = join_all((0..15).map(|n| ana.post(&path, json!({"text": format!("{n}")})))).await;
    assert_eq!(statuses.iter().filter(|answer| answer.status == 201).count(), 10);
    assert!(statuses.iter().all(|answer| answer.status == 201 || answer.code() == "too_many_requests"));
    let event = EventBuilder::new(Method::POST, &path).bearer(&ana.token).json(&json!({"text": "more"}));
    let refused = studio.app.handle(event.event()).await;
    assert_eq!((refused.status_code, refused.headers["retry-after"].to_str().unwrap()), (429, "1"));
    // Other people and other conversations are not limited.
    assert_eq!(ben.post(&path, json!({"text": "and I?"})).await.status, 201);
    assert_eq!(ana.post(&other, json!({"text": "elsewhere"})).await.status, 201);
    studio.harness.clock.advance_seconds(1);
    assert_eq!(ana.post(&path, json!({"text": "again"})).await.status, 201);
    assert_eq!(ana.post(&path, json!({"text": "too soon"})).await.status, 429);
    let page = ana.get(&path).await.body;
    assert_eq!(page["lastSeq"], json!(12));
}

/// Also holds with far more concurrent senders than a studio has. `make bench-contention` tests two hundred.
#[tokio::test]
async fn every_concurrent_send_is_acknowledged() {
    let studio = studio_without_faults().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = messages_of(&direct(&ana, &ben).await);
    let count = test_harness::size(100, 60);
    let sends = (0..count).map(|n| if n % 2 == 0 { &ana } else { &ben }.post(&path, json!({"text": n.to_string(), "optimisticId": n.to_string()})));
    let answers = join_all(sends).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    let page = ben.get(&format!("{path}?limit=1")).await.body;
    assert_eq!(page["lastSeq"], json!(count));
}
