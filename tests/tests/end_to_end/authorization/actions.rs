//! Every socket action × every actor.

use super::*;

/// An action, valid fields for it, and the codes of outsider, viewer, editor, owner, author and admin. `None` is an ack.
type ActionRow = (&'static str, fn(&Things) -> Value, [Option<&'static str>; 6]);

const UNSEEN: Option<&str> = Some("not_found");

const FORBIDDEN: Option<&str> = Some("forbidden");

/// The codes of an action that affects only the connection itself, or that is ignored.
const HARMLESS: [Option<&str>; 6] = [None; 6];

#[rustfmt::skip]
fn actions() -> Vec<ActionRow> {
    vec![
        ("sendMessage", |things| json!({"conversationId": things.conversation, "text": "hello", "optimisticId": "o"}), [UNSEEN, None, None, None, None, UNSEEN]),
        ("editMessage", |things| json!({"messageId": things.message, "text": "changed"}), [UNSEEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, None, UNSEEN]),
        ("deleteMessage", |things| json!({"messageId": things.message}), [UNSEEN, FORBIDDEN, FORBIDDEN, None, None, UNSEEN]),
        ("toggleReaction", |things| json!({"messageId": things.message, "emoji": "👍"}), [UNSEEN, None, None, None, None, UNSEEN]),
        ("markRead", |things| json!({"conversationId": things.conversation, "seq": 1}), [UNSEEN, None, None, None, None, UNSEEN]),
        ("typing", |things| json!({"conversationId": things.conversation}), [UNSEEN, None, None, None, None, UNSEEN]),
        ("presenceLookup", |_| json!({}), HARMLESS),
        ("lineLocked", |things| json!({"projectId": things.project, "lineId": "lin_1", "revision": 1}), [UNSEEN, FORBIDDEN, None, None, None, None]),
        ("lineUnlocked", |things| json!({"projectId": things.project, "lineId": "lin_1", "revision": 1}), [UNSEEN, FORBIDDEN, None, None, None, None]),
        ("auth", |things| json!({"token": things.project}), [Some("invalid_token"); 6]),
        ("ping", |_| json!({}), HARMLESS),
        ("setActiveConversation", |things| json!({"conversationId": things.conversation}), HARMLESS),
        ("setActiveRevision", |_| json!({"revision": 1}), HARMLESS),
        ("projectUpdated", |_| json!({"fields": {"title": "forged"}}), HARMLESS),
        ("budgetUpdated", |_| json!({"revision": 1, "total": 1}), HARMLESS),
        ("clientRevisionUpdated", |_| json!({"clientRevisionId": 1}), HARMLESS),
        ("timelineUpdated", |_| json!({"events": []}), HARMLESS),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_socket_action_answers_every_actor_as_declared() {
    let mut cast = cast().await;
    // These actors have no valid session or no approved account, so they cannot open a socket.
    for (index, actor) in cast.actors.iter().enumerate().take(OUTSIDER) {
        let query = actor.token.as_ref().map(|token| format!("?token={token}")).unwrap_or_default();
        let status = if index == PENDING { 403 } else { 401 };
        assert_eq!(actor.try_connect(&query, &[]).await.err(), Some(cast.world.refusal(status)), "{}", ACTORS[index]);
    }
    for (action, fields, expected) in actions() {
        let mut things = cast.things().await;
        for (index, code) in (OUTSIDER..=ADMIN).zip(expected) {
            let mut socket = cast.actors[index].connect().await;
            let mut frame = fields(&things);
            frame["action"] = json!(action);
            frame["ref"] = json!("r");
            let (reply, _) = socket.ask(frame).await;
            assert_eq!(reply["code"].as_str(), code, "{action} as {}: {reply}", ACTORS[index]);
            if code.is_none() && expected != HARMLESS {
                things = cast.things().await;
            }
        }
    }
}

#[test]
fn every_socket_action_is_in_the_authorization_table() {
    let listed: BTreeSet<&str> = actions().iter().map(|row| row.0).collect();
    let document = document("asyncapi.json");
    let messages = document["components"]["messages"].as_object().unwrap();
    assert_eq!(listed, messages.keys().filter_map(|name| name.strip_prefix("client.")).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_and_unknown_ids_get_the_same_socket_reply() {
    let mut cast = cast().await;
    let things = cast.things().await;
    let mut gone = cast.things().await;
    gone.project = gone.project.replace("prj_01", "prj_00");
    gone.conversation = gone.conversation.replace("cnv_01", "cnv_00");
    gone.message = gone.message.replace("msg_01", "msg_00");
    let malformed = Things { project: "prj_x".to_owned(), conversation: "cnv_..".to_owned(), message: "msg_".to_owned(), ..cast.things().await };
    let mut socket = cast.actors[OUTSIDER].connect().await;
    for (action, fields, expected) in actions() {
        if expected[0] != UNSEEN {
            continue;
        }
        let mut replies = Vec::new();
        for things in [&things, &gone, &malformed] {
            let mut frame = fields(things);
            frame["action"] = json!(action);
            frame["ref"] = json!("r");
            replies.push(socket.ask(frame).await.0);
        }
        assert_eq!((&replies[0], &replies[0]), (&replies[1], &replies[2]));
    }
}
