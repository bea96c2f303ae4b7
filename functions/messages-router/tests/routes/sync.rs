//! Sync: returns everything that changed. Each message appears once, in its current state.

use std::collections::BTreeMap;

use crate::*;

/// Reads all changes since a cursor. Returns the changes, the number of calls and the new cursor.
async fn catch_up(person: &Person<'_>, mut cursor: String, limit: usize) -> (Vec<Value>, usize, String) {
    let (mut changes, mut calls) = (Vec::new(), 0);
    loop {
        let Answer { status, body: page, .. } = person.get(&format!("/messages/sync?since={cursor}&limit={limit}")).await;
        assert_eq!(status, 200, "{page}");
        calls += 1;
        let items = page["changes"].as_array().unwrap();
        assert!(items.len() <= limit);
        let mut seen: Vec<&Value> = items.iter().map(|change| &change["message"]["messageId"]).filter(|id| !id.is_null()).collect();
        seen.sort_by_key(ToString::to_string);
        assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "a message once per page");
        changes.extend(items.iter().cloned());
        page["cursor"].as_str().unwrap().clone_into(&mut cursor);
        if page["more"] == json!(false) {
            return (changes, calls, cursor);
        }
    }
}

async fn cursor(person: &Person<'_>) -> String {
    let Answer { status, body, .. } = person.get("/messages/sync").await;
    assert_eq!((status, &body["changes"], &body["more"]), (200, &json!([]), &json!(false)));
    body["cursor"].as_str().unwrap().to_owned()
}

fn types(changes: &[Value]) -> Vec<&str> {
    changes.iter().map(|change| change["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn sync_returns_each_change_once_with_its_latest_state() {
    let studio = studio().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let pair = direct(&ana, &ben).await;
    let old = say(&ana, &pair, "old").await;
    let doomed = say(&ana, &pair, "doomed").await;
    let liked = say(&ana, &pair, "liked").await;
    let since = cursor(&ben).await;
    let path = |message: &Value| format!("/messages/{}", message["messageId"].as_str().unwrap());
    // Changes while ben is offline.
    ana.patch(&path(&old), json!({"text": "edited"})).await;
    ana.patch(&path(&old), json!({"text": "edited twice"})).await;
    ana.delete(&path(&doomed)).await;
    ana.put(&format!("{}/reactions/%E2%9C%85", path(&liked))).await;
    let new = say(&ana, &pair, "new").await;
    ana.patch(&path(&new), json!({"text": "new, and edited"})).await;
    let short = say(&ana, &pair, "short-lived").await;
    ana.delete(&path(&short)).await;
    let (changes, calls, after) = catch_up(&ben, since.clone(), 50).await;
    assert_eq!((types(&changes), calls), (vec!["edited", "deleted", "reacted", "created", "deleted"], 1));
    let texts: Vec<&Value> = changes.iter().map(|change| &change["message"]["text"]).collect();
    assert_eq!(texts, [&json!("edited twice"), &json!(null), &json!("liked"), &json!("new, and edited"), &json!(null)]);
    let fresh = ben.get(&path(&new)).await.body;
    assert_eq!(changes[3]["message"], fresh);
    assert_eq!(changes[3]["conversationId"], json!(pair));
    assert!(changes[0].get("conversation").is_none());
    // The same cursor returns the same changes again.
    assert_eq!(catch_up(&ben, since, 50).await.0, changes);
    assert_eq!(catch_up(&ben, after.clone(), 50).await.0, Vec::<Value>::new());

    // Conversations are joined, updated and left.
    let group = new_group(&ana, "Atrium", &[&ben, &cleo]).await;
    say(&ana, &group, "welcome").await;
    let (changes, _, after) = catch_up(&ben, after, 50).await;
    assert_eq!(types(&changes), ["joined"]);
    assert_eq!((&changes[0]["conversation"]["title"], &changes[0]["conversation"]["lastSeq"]), (&json!("Atrium"), &json!(1)));
    for title in ["Hall", "Great hall"] {
        ana.patch(&format!("/messages/conversations/{group}"), json!({"title": title})).await;
    }
    say(&ana, &group, "renamed").await;
    let (changes, _, after) = catch_up(&ben, after, 50).await;
    assert_eq!(types(&changes), ["updated", "created"]);
    assert_eq!(changes[0]["conversation"]["title"], json!("Great hall"));
    ana.delete(&format!("/messages/conversations/{group}/participants/{}", ben.id)).await;
    say(&ana, &group, "not for Ben").await;
    let (changes, _, after) = catch_up(&ben, after, 50).await;
    assert_eq!(changes, [json!({"type": "left", "conversationId": group})]);
    ana.put(&format!("/messages/conversations/{group}/participants/{}", ben.id)).await;
    assert_eq!(types(&catch_up(&ben, after, 50).await.0), ["joined"]);
}

#[tokio::test]
async fn sync_cursors_belong_to_one_person_and_expire_after_thirty_days() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    direct(&ana, &ben).await;
    let since = cursor(&ana).await;
    let code = async |person: &Person<'_>, query: &str| person.get(&format!("/messages/sync?{query}")).await.body["code"].clone();
    assert_eq!(code(&ben, &format!("since={since}")).await, json!("invalid_cursor"));
    let mut altered = since.clone().into_bytes();
    altered[20] = if altered[20] == b'A' { b'B' } else { b'A' };
    assert_eq!(code(&ana, &format!("since={}", String::from_utf8(altered).unwrap())).await, json!("invalid_cursor"));
    let list = ana.get("/messages/conversations?limit=1").await.body;
    assert!(list["nextCursor"].is_null());
    for bad in ["since=", "since=x", "limit=0", "limit=x", "userId=u", "since=a&since=b"] {
        let code = code(&ana, bad).await;
        assert!(code == json!("invalid_cursor") || code == json!("invalid_parameter"), "{bad}: {code}");
    }
    studio.harness.clock.advance_seconds(30 * 86_400 - 60);
    let later = Person { token: studio.harness.token(ana.id, Role::User).await, ..ana };
    assert_eq!(later.get(&format!("/messages/sync?since={since}")).await.status, 200);
    studio.harness.clock.advance_seconds(120);
    let Answer { status, body: problem, .. } = later.get(&format!("/messages/sync?since={since}")).await;
    assert_eq!((status, &problem["code"]), (410, &json!("cursor_expired")));
}

#[tokio::test]
async fn a_thousand_changes_sync_in_twelve_calls() {
    let studio = studio().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let (pair, group) = (direct(&ana, &ben).await, new_group(&ana, "Atrium", &[&ben, &cleo]).await);
    let mut sent = Vec::new();
    for n in 0..200 {
        sent.push(say(&ana, if n % 2 == 0 { &pair } else { &group }, &format!("before {n}")).await);
    }
    let since = cursor(&ben).await;
    // A thousand changes: sends, edits of old and new messages, deletions, reactions.
    for n in 0..1_000usize {
        let path = |message: &Value| format!("/messages/{}", message["messageId"].as_str().unwrap());
        match n % 10 {
            0..6 => sent.push(say(&ana, if n % 3 == 0 { &pair } else { &group }, &format!("away {n}")).await),
            6 | 7 => {
                ana.patch(&path(&sent[n * 7 % sent.len()]), json!({"text": format!("edit {n}")})).await;
            }
            8 => {
                ana.delete(&path(&sent[n * 11 % sent.len()])).await;
            }
            _ => {
                ana.put(&format!("{}/reactions/%E2%9C%85", path(&sent[n * 13 % sent.len()]))).await;
            }
        }
    }
    let (changes, calls, _) = catch_up(&ben, since, 100).await;
    assert!(calls <= 12, "{calls} calls");
    let mut known: BTreeMap<String, Value> =
        sent[..200].iter().map(|message| (message["messageId"].as_str().unwrap().to_owned(), message.clone())).collect();
    for change in &changes {
        let message = &change["message"];
        known.insert(message["messageId"].as_str().unwrap().to_owned(), message.clone());
    }
    assert_eq!(known.len(), sent.len());
    for conversation in [&pair, &group] {
        let mut query = String::new();
        loop {
            let page = ben.get(&format!("{}?limit=100{query}", messages_of(conversation))).await.body;
            for message in page["items"].as_array().unwrap() {
                assert_eq!(known.remove(message["messageId"].as_str().unwrap()).as_ref(), Some(message));
            }
            match page["nextCursor"].as_str() {
                Some(cursor) => query = format!("&cursor={cursor}"),
                None => break,
            }
        }
    }
    assert!(known.is_empty(), "nothing is known that is not there");
}

#[tokio::test]
async fn sync_works_for_more_conversations_than_a_cursor_holds() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let mut groups = Vec::new();
    for n in 0..200 {
        groups.push(new_group(&ana, &format!("Group {n}"), &[&ben]).await);
    }
    let first = cursor(&ben).await;
    assert!(first.len() <= 4_096);
    for round in 0..3 {
        for group in groups.iter().skip(round).step_by(40) {
            say(&ana, group, &format!("round {round}")).await;
        }
    }
    let (changes, _, after) = catch_up(&ben, first.clone(), 10).await;
    assert_eq!((changes.len(), after.len() <= 4_096), (15, true));
    // More conversations change than a cursor can list.
    for group in &groups {
        say(&ana, group, "all of them").await;
    }
    ana.delete(&format!("/messages/conversations/{}/participants/{}", groups[7], ben.id)).await;
    let (changes, calls, after) = catch_up(&ben, after, 100).await;
    assert_eq!((changes.len(), calls), (200, 2));
    assert_eq!(types(&changes).iter().filter(|kind| **kind == "left").count(), 1);
    assert_eq!(catch_up(&ben, after.clone(), 100).await.0, Vec::<Value>::new());
    // The first cursor is still valid.
    assert_eq!(catch_up(&ben, first, 100).await.0.len(), 15 + 200);
    // A baseline older than one day is stored again, so that it outlives the new cursor.
    studio.harness.clock.advance_seconds(2 * 86_400);
    let ben = Person { token: studio.harness.token(ben.id, Role::User).await, ..ben };
    let ana = Person { token: studio.harness.token(ana.id, Role::User).await, ..ana };
    let (changes, _, after) = catch_up(&ben, after, 100).await;
    assert_eq!(changes, Vec::<Value>::new());
    studio.harness.clock.advance_seconds(30 * 86_400 - 60);
    let ben = Person { token: studio.harness.token(ben.id, Role::User).await, ..ben };
    let ana = Person { token: studio.harness.token(ana.id, Role::User).await, ..ana };
    say(&ana, &groups[0], "a month later").await;
    assert_eq!(types(&catch_up(&ben, after, 100).await.0), ["created"]);
}

#[tokio::test]
async fn sync_misses_nothing_during_concurrent_writes() {
    let studio = studio().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let (pair, group) = (direct(&ana, &ben).await, new_group(&ana, "Atrium", &[&ben, &cleo]).await);
    let mut since = cursor(&ben).await;
    let (ana, cleo) = (&ana, &cleo);
    let done = std::cell::Cell::new(false);
    let writes = async {
        let writes = (0..60).map(|n| {
            let (pair, group) = (&pair, &group);
            async move {
                let person = if n % 3 == 0 { cleo } else { ana };
                let message = say(person, if n % 3 == 1 { pair } else { group }, &n.to_string()).await;
                let path = format!("/messages/{}", message["messageId"].as_str().unwrap());
                person.patch(&path, json!({"text": format!("{n} edited")})).await;
            }
        });
        join_all(writes).await;
        done.set(true);
    };
    let reads = async {
        let mut versions: BTreeMap<String, u64> = BTreeMap::new();
        loop {
            let is_last = done.get();
            let (changes, _, next) = catch_up(&ben, since, 7).await;
            since = next;
            for change in &changes {
                let version = change["message"]["version"].as_u64().unwrap();
                let known = versions.entry(change["message"]["messageId"].to_string()).or_default();
                assert!(version > *known, "a change is told once");
                *known = version;
            }
            if is_last {
                return versions;
            }
        }
    };
    let ((), versions) = futures_util::future::join(writes, reads).await;
    assert_eq!(versions.len(), 60);
    assert!(versions.values().all(|version| *version == 2), "every last version was told");
}

#[tokio::test]
async fn sync_reports_leaving_and_rejoining() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let group = new_group(&ana, "Atrium", &[&ben]).await;
    let project = ProjectId::generate(studio.harness.clock.now());
    write_project(&studio, project, &[&ana, &ben], false).await;
    let opened = ana.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.body;
    say(&ana, &group, "before").await;
    let since = cursor(&ben).await;
    let participant = format!("/messages/conversations/{group}/participants/{}", ben.id);
    ana.delete(&participant).await;
    say(&ana, &group, "while Ben is out").await;
    ana.put(&participant).await;
    write_project(&studio, project, &[&ana], false).await;
    studio.harness.clock.advance_seconds(1);
    write_project(&studio, project, &[&ana, &ben], false).await;
    let (changes, _, after) = catch_up(&ben, since, 50).await;
    let told: Vec<&Value> = changes.iter().map(|change| &change["conversationId"]).collect();
    assert_eq!(types(&changes), ["joined", "joined"]);
    assert!(told.contains(&&json!(group)) && told.contains(&&opened["conversationId"]), "{told:?}");
    assert_eq!(catch_up(&ben, after, 50).await.0, Vec::<Value>::new());
}

/// Lambda limits a response to 6 MB. A quotation mark in a text takes four bytes of it.
#[tokio::test]
async fn pages_of_large_messages_are_shorter_and_complete() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let pair = direct(&ana, &ben).await;
    let since = cursor(&ben).await;
    let attachments: Vec<Value> =
        (0..10).map(|n| json!({"key": format!("{n}{}", "\"".repeat(1_000)), "name": "\"".repeat(255), "type": "\"".repeat(127)})).collect();
    for n in 0..70 {
        let body = json!({"text": format!("{n} {}", "\u{1}\"".repeat(3_990)), "attachments": attachments});
        let Answer { status, body: answer, .. } = ana.post(&messages_of(&pair), body).await;
        assert_eq!(status, 201, "{answer}");
    }
    let size = |page: &Value| json!({"body": page.to_string()}).to_string().len();
    let mut seqs = Vec::new();
    let (mut query, mut cursor) = (String::new(), since);
    loop {
        let page = ben.get(&format!("{}?limit=100{query}", messages_of(&pair))).await.body;
        assert!(size(&page) < 6 * 1_000 * 1_000);
        seqs.extend(page["items"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()));
        match page["nextCursor"].as_str() {
            Some(cursor) => query = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seqs, (1..=70).rev().collect::<Vec<_>>());
    let mut caught_up = Vec::new();
    loop {
        let page = ben.get(&format!("/messages/sync?since={cursor}&limit=100")).await.body;
        assert!(size(&page) < 6 * 1_000 * 1_000);
        caught_up.extend(page["changes"].as_array().unwrap().iter().map(|change| change["message"]["seq"].as_u64().unwrap()));
        page["cursor"].as_str().unwrap().clone_into(&mut cursor);
        if page["more"] == json!(false) {
            break;
        }
    }
    assert_eq!(caught_up, (1..=70).collect::<Vec<_>>());
}
