//! The cost of every route: sequential database calls, compared with the budget of the data model. It is always printed.

mod accounts;
mod files;
mod permissions;
mod rare;

use std::collections::BTreeMap;
use std::time::Duration;

use end_to_end::{Person, TestStack, text};
use local_stack::config::{Options, print_line};
use local_stack::faults::{Effect, InjectedFault};
use local_stack::people::PASSWORD;
use local_stack::records::{EventRecord, round_trips};
use reqwest::Method;
use serde_json::json;

/// The maximum number of round trips before the response, on the warm path.
const BUDGET: &[(&str, usize)] = &[
    ("POST /auth/login", 4),
    ("POST /auth/refresh", 1),
    ("POST /auth/logout", 3),
    ("GET /auth/me", 1),
    ("PATCH /auth/me", 2),
    ("POST /auth/password", 4),
    ("GET /auth/sessions", 1),
    ("DELETE /auth/sessions/{id}", 2),
    ("GET /auth/users", 2),
    ("PATCH /auth/users/{id}", 2),
    // These have no read that could run concurrently with the revocation check, which runs at most every five seconds.
    ("POST /auth/users", 2),
    ("POST /auth/ws-ticket", 2),
    ("GET /projects/list", 2),
    ("POST /projects", 1),
    ("GET /projects/{id}", 1),
    ("PATCH /projects/{id}", 2),
    ("DELETE /projects/{id}", 2),
    ("PUT /projects/{id}/team/{id}", 2),
    ("DELETE /projects/{id}/team/{id}", 2),
    ("GET /projects/{id}/budget", 2),
    ("PATCH /projects/{id}/budget", 3),
    ("GET /messages/conversations", 2),
    ("POST /messages/conversations", 2),
    ("GET /messages/conversations/{id}", 2),
    ("GET /messages/conversations/{id}/messages", 2),
    ("POST /messages/conversations/{id}/messages", 2),
    ("PATCH /messages/conversations/{id}", 2),
    ("PUT /messages/conversations/{id}/read", 2),
    ("PUT /messages/conversations/{id}/participants/{id}", 2),
    ("DELETE /messages/conversations/{id}/participants/{id}", 2),
    ("GET /messages/sync", 3),
    ("GET /messages/notifications", 1),
    ("PUT /messages/notifications/read", 2),
    ("PUT /messages/{id}/reactions/{emoji}", 2),
    ("DELETE /messages/{id}/reactions/{emoji}", 2),
    ("GET /messages/{id}", 1),
    ("PATCH /messages/{id}", 2),
    ("DELETE /messages/{id}", 2),
    ("$connect", 2),
    ("$connect with a ticket", 3),
    ("$disconnect", 1),
    ("sendMessage", 2),
    ("editMessage", 2),
    ("deleteMessage", 2),
    ("toggleReaction", 2),
    ("markRead", 2),
    ("typing", 2),
    ("presenceLookup", 3),
    ("lineLocked", 2),
    ("lineUnlocked", 2),
    ("ping", 2),
];

/// The maximum number of rounds. Within a round, the most expensive event of a route counts. Of the rounds, the cheapest counts: on a busy machine,
/// concurrent calls may look sequential, but never the reverse. A round that is within the budget is the last.
const ROUNDS: usize = 6;

/// A label with its ids replaced.
fn route(label: &str) -> String {
    let segment = |segment: &str| {
        let is_id = ["prj_", "usr_", "cnv_", "msg_", "ses_", "fil_"].iter().any(|prefix| segment.starts_with(prefix));
        match segment {
            _ if is_id => "{id}".to_owned(),
            segment if segment.contains('%') => "{emoji}".to_owned(),
            segment => segment.to_owned(),
        }
    };
    label.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_exceeds_its_call_budget_or_scans() {
    let world = TestStack::start().await;
    let (ana, ben, cleo) = (world.login("ana").await, world.login("ben").await, world.login("cleo").await);
    let before = delayed_and_warm(&world, &ana).await;
    // The gateway has one label for all actions without their own route.
    let mut actions: BTreeMap<usize, &str> = BTreeMap::new();
    let (mut ends, mut measured) = (Vec::new(), BTreeMap::new());
    for round in 0..ROUNDS {
        project_and_message_routes(&world, [&ana, &ben, &cleo], &mut actions).await;
        auth_routes(&world, &ana, &ben, round).await;
        world.settled().await;
        until_disconnected(&world, before + ends.last().copied().unwrap_or_default(), 1).await;
        let day = world.stack().records.events().split_off(before);
        ends.push(day.len());
        let named = |index: usize, label: &str| actions.get(&(before + index)).map_or_else(|| route(label), |action| (*action).to_owned());
        measured = costs(&world, day, &ends, named);
        if problems(&measured, BUDGET).is_empty() {
            break;
        }
    }
    hold_to_budget(&measured, BUDGET);
    rare::rarer_paths(&world, &ana, &cleo).await;
    let with_files = files::world_with_files().await;
    files::routes_of_files(&with_files).await;
    permissions::hold_to_permissions(&[&world, &rare::lost_connections().await, &with_files]);
}

/// Delays every call, so that concurrent calls overlap even on a busy machine, and warms sandboxes of each function: one that works after its response
/// cannot take the next event. Returns the number of events, which are not counted.
async fn delayed_and_warm(world: &TestStack, person: &Person) -> usize {
    world.stack().faults.add(InjectedFault { action: None, effect: Effect::Delay(Duration::from_millis(100)), skip: 0, times: usize::MAX });
    let requests = async || {
        tokio::join!(person.get("/auth/users?q=a"), person.get("/projects/list"), person.get("/messages/sync"), person.connect());
    };
    tokio::join!(requests(), requests(), requests(), requests());
    until_disconnected(world, 0, 4).await;
    world.settled().await;
    world.stack().records.events().len()
}

/// Waits for this many `$disconnect` events after the first `before` events: the gateway reports a closed socket when it notices the close.
async fn until_disconnected(world: &TestStack, before: usize, times: usize) {
    let all = async {
        while world.stack().records.events().iter().skip(before).filter(|event| event.label == "$disconnect").count() < times {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), all).await.expect("the gateway reports every closed socket");
}

/// The round trips and calls of each route.
type Costs = BTreeMap<String, (usize, usize)>;

/// A route over its budget or without one, and a budget without a route.
fn problems(costs: &Costs, budget: &[(&str, usize)]) -> Vec<String> {
    let most = |route: &str| budget.iter().find(|(known, _)| *known == route).map(|(_, budget)| *budget);
    let over = costs.iter().filter(|(route, (trips, _))| most(route).is_none_or(|most| *trips > most));
    let missing = budget.iter().filter(|(route, _)| !costs.contains_key(*route));
    over.map(|(route, _)| format!("{route} is over its budget, or has none"))
        .chain(missing.map(|(route, _)| format!("{route} was not measured")))
        .collect()
}

/// Prints the costs, and fails with their problems.
fn hold_to_budget(costs: &Costs, budget: &[(&str, usize)]) {
    print_line(&format!("{:<46} {:>11} {:>6} {:>6}", "route", "round trips", "calls", "budget"));
    for (route, (trips, calls)) in costs {
        let most = budget.iter().find(|(known, _)| known == route).map(|(_, budget)| *budget);
        print_line(&format!("{route:<46} {trips:>11} {calls:>6} {:>6}", most.map_or("?".to_owned(), |most| most.to_string())));
    }
    let problems = problems(costs, budget);
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Calls every route of projects and messages once, and every socket action.
async fn project_and_message_routes(world: &TestStack, [ana, ben, cleo]: [&Person; 3], actions: &mut BTreeMap<usize, &'static str>) {
    let project = world.project(ana, "Atrium", &[]).await;
    let path = format!("/projects/{project}");
    ana.put(&format!("{path}/team/{}", ben.id), json!({"role": "editor"})).await.expect(200);
    ana.get(&path).await.expect(200);
    ana.patch(&path, json!({"status": "10%", "description": "long"})).await.expect(200);
    ana.get("/projects/list").await.expect(200);
    let lines: Vec<_> = (0..90).map(|n| json!({"itemBudgetedCost": n})).collect();
    ana.patch(&format!("{path}/budget"), json!({"lines": lines})).await.expect(200);
    ana.get(&format!("{path}/budget")).await.expect(200);
    let opened = ana.post("/messages/conversations", json!({"type": "project", "projectId": project})).await;
    let conversation = text(&opened.body["conversationId"]);
    world.direct(ana, cleo).await;
    let messages = format!("/messages/conversations/{conversation}/messages");
    let sent = ana.post(&messages, json!({"text": "one", "optimisticId": "1"})).await.expect(201);
    let message = format!("/messages/{}", text(&sent["messageId"]));
    ana.get(&message).await.expect(200);
    ana.get(&messages).await.expect(200);
    ana.get(&format!("/messages/conversations/{conversation}")).await.expect(200);
    ana.get("/messages/conversations").await.expect(200);
    ana.patch(&message, json!({"text": "two"})).await.expect(200);
    let reaction = format!("{message}/reactions/%F0%9F%91%8D");
    ana.request(Method::PUT, &reaction, &[], None).await.expect(200);
    ana.delete(&reaction).await.expect(200);
    let since = text(&ben.get("/messages/sync").await.expect(200)["cursor"]);
    ana.post(&messages, json!({"text": "three", "optimisticId": "3"})).await.expect(201);
    ben.put(&format!("/messages/conversations/{conversation}/read"), json!({"seq": 2})).await;
    ben.get(&format!("/messages/sync?since={since}")).await.expect(200);
    notifications(world, ana, ben, &messages).await;
    let group = ana.post("/messages/conversations", json!({"type": "group", "title": "G", "participants": [ben.id]})).await.expect(201);
    let group = format!("/messages/conversations/{}", text(&group["conversationId"]));
    ana.patch(&group, json!({"title": "H"})).await.expect(200);
    ana.request(Method::PUT, &format!("{group}/participants/{}", cleo.id), &[], None).await;
    ana.delete(&format!("{group}/participants/{}", cleo.id)).await;
    over_a_socket(world, ben, &conversation, &project, actions).await;
    ana.delete(&message).await;
    ana.delete(&format!("{path}/team/{}", ben.id)).await;
    ana.request(Method::DELETE, &path, &[], None).await;
}

/// Mentions someone who is away, and marks the notification as read.
async fn notifications(world: &TestStack, sender: &Person, reader: &Person, messages: &str) {
    sender.post(messages, json!({"text": "four", "optimisticId": "4", "mentions": [reader.id]})).await.expect(201);
    world.settled().await;
    let page = reader.get("/messages/notifications").await.expect(200);
    let last = &page["items"][0]["notificationId"];
    assert_eq!(page["items"][0]["type"], json!("mention"));
    assert_eq!(reader.put("/messages/notifications/read", json!({"upTo": last})).await.status, 204);
    assert_eq!(reader.put("/messages/notifications/read", json!({"notificationIds": [last]})).await.status, 204);
}

/// Calls every route of auth-router once.
async fn auth_routes(world: &TestStack, ana: &Person, ben: &Person, round: usize) {
    let other = world.login("dana").await;
    other.post("/auth/refresh", json!({"refreshToken": other.refresh_token})).await.expect(200);
    other.get("/auth/me").await.expect(200);
    other.patch("/auth/me", json!({"firstName": format!("Dana {round}")})).await.expect(200);
    other.get("/auth/users?q=dan").await.expect(200);
    other.get(&format!("/auth/users?ids={},{}", ana.id, ben.id)).await.expect(200);
    let ticket = text(&other.post("/auth/ws-ticket", json!({})).await.expect(200)["ticket"]);
    drop(other.try_connect(&format!("?ticket={ticket}"), &[]).await.unwrap());
    let elsewhere = world.login_again(&other).await;
    let sessions = elsewhere.get("/auth/sessions").await.expect(200);
    let session = sessions["items"].as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
    elsewhere.delete(&format!("/auth/sessions/{}", text(&session["sessionId"]))).await;
    elsewhere.post("/auth/password", json!({"currentPassword": PASSWORD, "newPassword": PASSWORD})).await;
    let other = elsewhere;
    let made = ana.post("/auth/users", json!({"email": format!("new{round}@mylg.test"), "pending": true})).await.expect(201);
    ana.patch(&format!("/auth/users/{}", text(&made["userId"])), json!({"role": "builder", "pending": false})).await.expect(200);
    other.post("/auth/logout", json!({})).await;
}

/// The round trips and calls of each route: the most expensive event of each round, and of these the cheapest.
fn costs(world: &TestStack, day: Vec<EventRecord>, ends: &[usize], named: impl Fn(usize, &str) -> String) -> Costs {
    let mut costs: BTreeMap<String, BTreeMap<usize, (usize, usize)>> = BTreeMap::new();
    for (index, event) in day.into_iter().enumerate() {
        for call in event.calls.iter().chain(&event.calls_after) {
            assert_ne!(call.action, "Scan", "{} scans {:?}", event.label, call.accesses);
        }
        if event.label == "$connect" {
            assert!(event.calls.iter().all(|call| call.action != "PostToConnection"), "nothing is posted inside $connect");
        }
        // A cold sandbox also reads the cursor key, and a waiting write also reads the revocations.
        if event.status >= 400 || event.cold {
            continue;
        }
        // Routes that read nothing first wait for the revocations, at most every five seconds.
        let waits = ["POST /projects", "$connect"].contains(&route(&event.label).as_str());
        let calls: Vec<_> = event
            .calls
            .iter()
            .filter(|call| {
                !(waits
                    && call.action == "BatchGetItem"
                    && call.accesses.iter().all(|access| access.table == world.stack().declaration.table_name("auth")))
            })
            .cloned()
            .collect();
        let cost = (round_trips(&calls), event.calls.iter().filter(|call| !call.accesses.is_empty()).count());
        let with_ticket = event.label == "$connect" && event.calls.iter().any(|call| call.action == "DeleteItem");
        let rounds = costs.entry(named(index, &event.label) + if with_ticket { " with a ticket" } else { "" }).or_default();
        let known = rounds.entry(ends.iter().filter(|end| index >= **end).count()).or_insert(cost);
        *known = cost.max(*known);
    }
    costs.into_iter().filter_map(|(route, rounds)| Some((route, rounds.into_values().min()?))).collect()
}

/// Sends actions over a socket, then drops it without a close frame. Records which event belongs to which action.
async fn over_a_socket(world: &TestStack, ben: &Person, conversation: &str, project: &str, actions: &mut BTreeMap<usize, &'static str>) {
    let mut socket = ben.connect().await;
    let (sent, _) = socket.ask(json!({"action": "sendMessage", "ref": "1", "conversationId": conversation, "text": "x", "optimisticId": "s"})).await;
    let (message, seq) = (&sent["message"]["messageId"], &sent["message"]["seq"]);
    let line = json!({"projectId": project, "lineId": "lin_1", "revision": 1});
    for (action, fields) in [
        ("ping", json!({})),
        ("editMessage", json!({"messageId": message, "text": "y"})),
        ("toggleReaction", json!({"messageId": message, "emoji": "✅"})),
        ("markRead", json!({"conversationId": conversation, "seq": seq})),
        ("typing", json!({"conversationId": conversation})),
        ("presenceLookup", json!({})),
        ("deleteMessage", json!({"messageId": message})),
        ("lineLocked", line.clone()),
        ("lineUnlocked", line.clone()),
        ("lineLocked", line),
    ] {
        world.settled().await;
        actions.insert(world.stack().records.events().len(), action);
        let mut frame = fields;
        frame["action"] = json!(action);
        frame["ref"] = json!(action);
        let (reply, _) = socket.ask(frame).await;
        assert_ne!(reply["action"], json!("error"), "{reply}");
    }
    world.settled().await;
}
