//! The main use of the product, from sign-in to sign-out.

use end_to_end::{TestStack, text};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_shared_and_its_budget_added_up() {
    let world = TestStack::start().await;
    let (ana, ben, dana) = (world.login("ana").await, world.login("ben").await, world.login("dana").await);
    let created = ana.post("/projects", json!({"title": "Atrium Launch", "budget": {"total": 50000}})).await;
    let project = text(&created.body["projectId"]);
    assert_eq!(created.header("location"), format!("/projects/{project}"));
    created.expect(201);
    ben.get(&format!("/projects/{project}")).await.expect_error(404, "not_found");
    ana.put(&format!("/projects/{project}/team/{}", ben.id), json!({"role": "editor", "title": "Set design"})).await.expect(200);
    assert_eq!(ben.get(&format!("/projects/{project}")).await.expect(200)["title"], "Atrium Launch");
    let listed = ben.get("/projects/list").await.expect(200);
    assert_eq!(listed["items"][0]["projectId"], json!(project));
    assert_eq!(listed["nextCursor"], json!(null));

    let lines = json!({"lines": [
        {"quantity": 5, "itemBudgetedCost": 20, "itemActualCost": 18.50, "itemReconciledCost": 19, "itemMarkUp": 0.1},
        {"quantity": 3, "itemBudgetedCost": 40, "itemActualCost": 50, "itemFinalCost": 225},
        {"quantity": 2, "itemBudgetedCost": 30, "itemReconciledCost": 75},
    ]});
    ana.patch(&format!("/projects/{project}/budget"), lines).await.expect(200);
    let budget = ben.get(&format!("/projects/{project}/budget")).await.expect(200);
    let totals = &budget["totals"];
    assert_eq!(totals["headerBudgetedTotalCost"].to_string(), "280");
    assert_eq!(totals["headerActualTotalCost"].to_string(), "242.5");
    assert_eq!(totals["headerFinalTotalCost"].to_string(), "479.5");
    assert_eq!(totals["headerEffectiveMarkup"].to_string(), "0.7125");
    assert_eq!(budget["header"]["headerBallPark"].to_string(), "50000");
    assert_eq!(budget["lines"][0]["elementKey"], "atrium-launch-0001");
    assert_eq!(budget["lines"][0]["finalCost"].to_string(), "104.5");
    dana.get(&format!("/projects/{project}/budget")).await.expect_error(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_live_for_its_participants_only() {
    let world = TestStack::start().await;
    let (ana, ben, dana) = (world.login("ana").await, world.login("ben").await, world.login("dana").await);
    let mut bens_socket = ben.connect().await;
    let mut danas_socket = dana.connect().await;
    let conversation = world.direct(&ana, &ben).await;
    assert_eq!(bens_socket.expect("conversationAdded").await["conversation"]["conversationId"], json!(conversation));
    let path = format!("/messages/conversations/{conversation}/messages");
    let sent = ana.post(&path, json!({"text": "Plan v2 is up", "optimisticId": "a-1"})).await.expect(201);
    assert_eq!((&sent["seq"], &sent["senderId"]), (&json!(1), &json!(ana.id)));
    let frame = bens_socket.expect("newMessage").await;
    assert_eq!((&frame["seq"], &frame["prevSeq"], &frame["text"]), (&json!(1), &json!(0), &json!("Plan v2 is up")));
    assert_eq!((&frame["conversationType"], &frame["messageId"]), (&json!("direct"), &sent["messageId"]));

    let (ack, before) = bens_socket
        .ask(json!({"action": "sendMessage", "ref": "1", "conversationId": conversation, "text": "Looking", "optimisticId": "b-1", "senderId": dana.id}))
        .await;
    assert_eq!((&ack["action"], &ack["of"], &ack["optimisticId"]), (&json!("ack"), &json!("sendMessage"), &json!("b-1")));
    assert_eq!((&ack["message"]["seq"], &ack["message"]["senderId"]), (&json!(2), &json!(ben.id)));
    // The sender's own tab gets the frame too. The reply and the frame may overtake each other.
    let own = if let [frame] = &before[..] { frame.clone() } else { bens_socket.expect("newMessage").await };
    assert_eq!((&own["action"], &own["seq"]), (&json!("newMessage"), &json!(2)));

    let page = ana.get(&path).await.expect(200);
    let texts: Vec<_> = page["items"].as_array().unwrap().iter().map(|message| message["text"].clone()).collect();
    assert_eq!((texts, &page["lastSeq"]), (vec![json!("Looking"), json!("Plan v2 is up")], &json!(2)));
    let seen = &ana.get("/messages/conversations").await.expect(200)["items"][0];
    assert_eq!((&seen["unread"], &seen["readSeq"], &seen["lastMessage"]["snippet"]), (&json!(1), &json!(1), &json!("Looking")));

    // The message is edited, then deleted. A tombstone keeps its seq.
    let message = format!("/messages/{}", text(&sent["messageId"]));
    assert_eq!(ana.patch(&message, json!({"text": "Plan v3 is up"})).await.expect(200)["version"], json!(2));
    let frame = bens_socket.expect("editMessage").await;
    assert_eq!((&frame["text"], &frame["version"]), (&json!("Plan v3 is up"), &json!(2)));
    ben.patch(&message, json!({"text": "mine now"})).await.expect_error(403, "forbidden");
    assert_eq!(ana.delete(&message).await.status, 204);
    assert_eq!(ana.delete(&message).await.status, 204);
    let frame = bens_socket.expect("deleteMessage").await;
    assert_eq!((&frame["deleted"], &frame["text"]), (&json!(true), &json!(null)));
    ana.patch(&message, json!({"text": "again"})).await.expect_error(409, "deleted");
    let tombstone = &ben.get(&path).await.expect(200)["items"][1];
    assert_eq!((&tombstone["seq"], &tombstone["deleted"], &tombstone["text"]), (&json!(1), &json!(true), &json!(null)));

    // An outsider sees nothing of the conversation.
    dana.get(&message).await.expect_error(404, "not_found");
    dana.get(&path).await.expect_error(404, "not_found");
    world.settled().await;
    assert_eq!(danas_socket.drain().await, Vec::<serde_json::Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_both_tokens_of_one_session() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    ana.post("/auth/refresh", json!({"refreshToken": ana.refresh_token})).await.expect(200);
    let second = world.login_again(&ana).await;
    assert_eq!(second.post("/auth/logout", json!({"refreshToken": second.refresh_token})).await.status, 204);
    second.post("/auth/refresh", json!({"refreshToken": second.refresh_token})).await.expect_error(401, "invalid_refresh_token");
    second.get("/auth/me").await.expect_error(401, "session_revoked");
    ben.get("/auth/me").await.expect(200);
}
