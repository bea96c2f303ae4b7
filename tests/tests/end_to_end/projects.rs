//! Projects and budgets with concurrent editors, many rows and killed functions.

use std::collections::BTreeSet;
use std::time::Duration;

use end_to_end::{Person, Socket, TestStack, is_success, text};
use futures_util::future::join_all;
use local_stack::faults::{Effect, InjectedFault};
use reqwest::Method;
use serde_json::{Value, json};
use shared_utils::aws::AwsConfig;
use shared_utils::clock::{Clock, Timestamp};
use shared_utils::dynamo::{Item, PartitionQuery, Store, s};
use shared_utils::ids::ProjectId;

/// The actions of the frames that a socket got.
async fn heard(socket: &mut Socket) -> Vec<String> {
    socket.drain().await.iter().map(|frame| text(&frame["action"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn project_changes_are_broadcast_to_the_team() {
    let world = TestStack::start().await;
    let (ana, ben, cleo, dana) = (world.login("ana").await, world.login("ben").await, world.login("cleo").await, world.login("dana").await);
    let project = world.project(&ana, "Atrium", &[(&ben, "editor"), (&cleo, "viewer")]).await;
    let path = format!("/projects/{project}");
    let mut sockets = Vec::new();
    for person in [&ana, &ben, &cleo, &dana] {
        sockets.push(person.connect().await);
    }
    let nothing = Vec::<String>::new();
    // The requests, and the frames that an editor, a viewer and an outsider get. The owner gets the same frames as the editor.
    let put = |person: &Person| format!("{path}/team/{}", person.id);
    for (method, path, body, [editor, viewer, outsider]) in [
        (Method::PATCH, path.clone(), json!({"status": "35%"}), [&["projectUpdated"][..], &["projectUpdated"], &[]]),
        (Method::PATCH, format!("{path}/budget"), json!({"lines": [{"quantity": 2}]}), [&["budgetUpdated"], &[], &[]]),
        (Method::PATCH, format!("{path}/budget"), json!({"clientRevision": 1}), [&["budgetUpdated", "clientRevisionUpdated"], &[], &[]]),
        (Method::PATCH, format!("{path}/budget"), json!({}), [&[], &[], &[]]),
        (Method::PUT, put(&dana), json!({"role": "viewer"}), [&["teamChanged"], &["teamChanged"], &["teamChanged"]]),
        (Method::PUT, put(&dana), json!({"role": "viewer"}), [&[], &[], &[]]),
        (Method::DELETE, put(&dana), Value::Null, [&["teamChanged"], &["teamChanged"], &["conversationRemoved", "teamChanged"]]),
        (Method::PATCH, path.clone(), json!({"title": 7}), [&[], &[], &[]]),
        (
            Method::PATCH,
            path.clone(),
            json!({"title": "Renamed"}),
            [&["conversationUpdated", "projectUpdated"], &["conversationUpdated", "projectUpdated"], &[]],
        ),
        (Method::PATCH, path.clone(), json!({"title": "Renamed"}), [&["projectUpdated"], &["projectUpdated"], &[]]),
        (Method::DELETE, path.clone(), Value::Null, [&["projectRemoved"], &["projectRemoved"], &[]]),
    ] {
        let body = (!body.is_null()).then(|| body.to_string());
        let label = format!("{method} {path} {body:?}");
        ana.request(method, &path, &[("content-type", "application/json")], body).await;
        world.settled().await;
        for (index, expected) in [editor, editor, viewer, outsider].into_iter().enumerate() {
            let mut actions = heard(&mut sockets[index]).await;
            actions.sort();
            assert_eq!(actions, expected, "{label}: {index}");
        }
    }
    assert_eq!(heard(&mut sockets[3]).await, nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn line_locks_are_visible_until_released() {
    let world = TestStack::start().await;
    let (ana, ben, cleo) = (world.login("ana").await, world.login("ben").await, world.login("cleo").await);
    let project = world.project(&ana, "Atrium", &[(&ben, "editor"), (&cleo, "viewer")]).await;
    let budget = format!("/projects/{project}/budget");
    let made = ana.patch(&budget, json!({"lines": [{"quantity": 1}]})).await.expect(200);
    let line = text(&made["lines"][0]["budgetItemId"]);
    let (mut anas, mut bens, mut cleos) = (ana.connect().await, ben.connect().await, cleo.connect().await);
    world.settled().await;
    let frame = |action: &str, reference: &str| json!({"action": action, "ref": reference, "projectId": project, "lineId": line, "revision": 1});
    let before = ana.get(&budget).await;
    assert_eq!(before.body["locks"], json!([]));
    let (ack, _) = bens.ask(frame("lineLocked", "1")).await;
    assert_eq!((&ack["action"], &ack["lock"]["userId"]), (&json!("ack"), &json!(ben.id)), "{ack}");
    world.settled().await;
    let told = anas.drain().await;
    let expected = json!({"action": "lineLocked", "projectId": project, "lineId": line, "revision": 1, "userId": ben.id, "at": ack["lock"]["at"], "expiresAt": ack["lock"]["expiresAt"]});
    assert_eq!(told, [expected]);
    assert_eq!(anas.ask(frame("lineLocked", "2")).await.0["code"], json!("conflict"));
    assert_eq!(cleos.ask(frame("lineLocked", "3")).await.0["code"], json!("forbidden"));

    // A later reader gets the lock with the budget. The entity tag has changed, and the version has not.
    let during = ana.get(&budget).await;
    assert_eq!(
        during.body["locks"],
        json!([{"lineId": line, "revision": 1, "userId": ben.id, "at": ack["lock"]["at"], "expiresAt": ack["lock"]["expiresAt"]}])
    );
    assert_eq!(during.body["version"], before.body["version"]);
    assert_ne!(during.header("etag"), before.header("etag"));
    let known = ana.request(Method::GET, &budget, &[("if-none-match", during.header("etag"))], None).await;
    assert_eq!(known.status, 304);
    // A lock is advice. It prevents no write, with either tag. Both tags are of the same version.
    for (tag, status) in [(before.header("etag"), 200), (during.header("etag"), 412)] {
        let body = json!({"lines": [{"budgetItemId": line, "quantity": 2}]});
        let answer = ana.send(Method::PATCH, &budget, &[("if-match", tag)], &body).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let fresh = ana.get(&budget).await;
    let body = json!({"lines": [{"budgetItemId": line, "quantity": 3}]});
    ana.send(Method::PATCH, &budget, &[("if-match", fresh.header("etag"))], &body).await.expect(200);

    world.settled().await;
    anas.drain().await;
    // The connection ends without a close frame.
    drop(bens);
    assert_eq!(anas.expect("lineUnlocked").await["lineId"], json!(line));
    assert_eq!(ana.get(&budget).await.expect(200)["locks"], json!([]));
    assert_eq!(anas.ask(frame("lineLocked", "4")).await.0["action"], json!("ack"));
    assert_eq!(anas.ask(frame("lineUnlocked", "5")).await.0["action"], json!("ack"));
    world.settled().await;
    assert_eq!(heard(&mut cleos).await, Vec::<String>::new(), "who may not see the budget hears nothing of its locks");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_budget_editors_lose_no_change() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let project = world.project(&ana, "Atrium", &[]).await;
    let budget = format!("/projects/{project}/budget");
    let made = ana.patch(&budget, json!({"lines": vec![json!({"quantity": 1}); 20]})).await.expect(200);
    let lines: Vec<String> = made["lines"].as_array().unwrap().iter().map(|line| text(&line["budgetItemId"])).collect();
    // Each change is of another line. All changes are concurrent.
    let change = |(number, line): (usize, &String)| {
        let body = json!({"lines": [{"budgetItemId": line, "itemBudgetedCost": number + 1}]});
        let (ana, budget) = (&ana, &budget);
        async move { ana.patch(budget, body).await.expect(200) }
    };
    join_all(lines.iter().enumerate().map(change)).await;
    let after = ana.get(&budget).await;
    let costs: Vec<String> = after.body["lines"].as_array().unwrap().iter().map(|line| line["itemBudgetedCost"].to_string()).collect();
    assert_eq!(costs, (1..=20).map(|cost| cost.to_string()).collect::<Vec<_>>());
    assert_eq!(after.body["totals"]["headerBudgetedTotalCost"].to_string(), "210");
    // All changes are of the same line, in three rounds. Each version has one winner.
    for _ in 0..3 {
        let tag = ana.get(&budget).await.header("etag").to_owned();
        let change = |number: usize| {
            let body = json!({"lines": [{"budgetItemId": lines[0], "notes": format!("by {number}")}]});
            let (ana, budget, tag) = (&ana, &budget, &tag);
            async move { ana.send(Method::PATCH, budget, &[("if-match", tag.as_str())], &body).await }
        };
        let answers = join_all((0..20).map(change)).await;
        let winners: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!((winners.len(), answers.iter().filter(|answer| answer.status == 412).count()), (1, 19));
        let now = ana.get(&budget).await;
        assert_eq!((&now.body["lines"][0]["notes"], now.header("etag")), (&winners[0].body["lines"][0]["notes"], winners[0].header("etag")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_revision_copy_is_complete_or_absent() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let project = world.project(&ana, "Atrium", &[]).await;
    let budget = format!("/projects/{project}/budget");
    ana.patch(&budget, json!({"lines": vec![json!({"itemBudgetedCost": 1}); 1_000]})).await.expect(200);
    // The copy has forty batches, four at a time.
    let slow =
        InjectedFault { action: Some("BatchWriteItem".to_owned()), effect: Effect::Delay(Duration::from_millis(15)), skip: 0, times: usize::MAX };
    world.stack().faults.add(slow);
    let function = world.stack().function("projects-router").unwrap().clone();
    let (mut failed, mut made) = (0, BTreeSet::new());
    for round in 0..6u64 {
        let copy = ana.patch(&budget, json!({"createRevision": {"duplicateOf": 1}}));
        let kill = async {
            tokio::time::sleep(Duration::from_millis(120 + 60 * round)).await;
            function.kill();
        };
        let (answer, ()) = tokio::join!(copy, kill);
        if is_success(answer.status) {
            made.insert(answer.body["revision"].as_u64().unwrap());
        } else {
            failed += 1;
        }
        // If the copy was faster, the function ends during a later request.
        while ana.get(&budget).await.status == 500 {}
        let shown = ana.get(&format!("{budget}?revision=1")).await.expect(200);
        assert_eq!(shown["lines"].as_array().unwrap().len(), 1_000);
        for revision in shown["revisions"].as_array().unwrap() {
            let whole = ana.get(&format!("{budget}?revision={}", revision["revision"])).await.expect(200);
            assert_eq!((&revision["lineCount"], whole["lines"].as_array().unwrap().len()), (&json!(1_000), 1_000));
            made.remove(&revision["revision"].as_u64().unwrap());
        }
        assert!(made.is_empty(), "acknowledged and not there: {made:?}");
    }
    assert!(failed > 0, "no kill hit a copy");
    world.stack().faults.clear();
    let copied = ana.patch(&budget, json!({"createRevision": {"duplicateOf": 1}})).await.expect(200);
    assert_eq!(copied["lines"].as_array().unwrap().len(), 1_000);
}

/// The list items of a project, as items of another project that last changed at `minute`.
fn another(items: &[Item], id: ProjectId, minute: Timestamp) -> Vec<Item> {
    let renamed = |item: &Item| {
        let mut item = item.clone();
        item.insert("pk".to_owned(), s(format!("PROJECT#{id}")));
        item.insert("projectId".to_owned(), s(id));
        if item.contains_key("activity") {
            item.insert("activity".to_owned(), s(format!("{minute}#{id}")));
        }
        item
    };
    items.iter().map(renamed).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_projects_page_with_two_calls_each() {
    const PROJECTS: i64 = 10_000;
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let project = world.project(&ana, "Atrium", &[]).await;
    let store = Store::new(AwsConfig::local(&world.stack().database_url).dynamodb());
    let table = world.stack().declaration.table_name("projects");
    let partition = ("pk", format!("PROJECT#{project}"));
    let query = PartitionQuery { table: &table, index: None, partition, range: None, descending: false, limit: None };
    let mut items = store.query_all(&query).await.unwrap();
    items.retain(|item| item["sk"] != s("DETAILS"));
    let now = Clock::System.now();
    let mut seeded = Vec::new();
    for number in 1..PROJECTS {
        // Three projects have the same minute. Within a minute, the ids decide the order.
        let moved = now.plus_seconds(-60 * (number / 3)).minute();
        seeded.extend(another(&items, ProjectId::generate(now.plus_seconds(-number)), moved));
    }
    store.put_many(&table, seeded).await.unwrap();
    let events_before = world.stack().records.events().len();
    let (mut seen, mut cursor, mut cursors) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page = ana.get(&format!("/projects/list?limit=100{cursor}")).await.expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| text(&item["projectId"])));
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        cursors.push(cursor.clone());
    }
    let distinct: BTreeSet<&String> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (usize::try_from(PROJECTS).unwrap(), usize::try_from(PROJECTS).unwrap()));
    let events = world.stack().records.events().split_off(events_before);
    let pages: Vec<_> = events.iter().filter(|event| event.label == "GET /projects/list" && !event.cold).collect();
    assert!(pages.len() >= 99, "{}", pages.len());
    // The very first call creates the cursor key.
    let calls: Vec<usize> =
        pages.iter().map(|event| event.calls.iter().filter(|call| call.accesses.iter().any(|access| access.table == table)).count()).collect();
    assert!(calls.iter().skip(1).all(|calls| *calls <= 2), "{calls:?}");
    // From the middle, the list continues as before, and only for the cursor's owner.
    let middle = &cursors[49];
    let again = ana.get(&format!("/projects/list?limit=100{middle}")).await.expect(200);
    let ids: Vec<String> = again["items"].as_array().unwrap().iter().map(|item| text(&item["projectId"])).collect();
    assert_eq!(ids, seen[5_000..5_100]);
    ben.get(&format!("/projects/list?limit=100{middle}")).await.expect_error(400, "invalid_cursor");
}
