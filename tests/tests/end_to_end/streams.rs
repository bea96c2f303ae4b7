//! People whose rights change while they send. Nothing is accepted after the change.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use end_to_end::{Answer, Person, TestStack, text};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::sessions::KNOWN;

/// A person who repeats a request until the stream is stopped.
struct Stream {
    answers: Arc<Mutex<Vec<Answer>>>,
    task: JoinHandle<()>,
}

impl Stream {
    fn start(person: &Person, method: Method, path: &str, body: fn(usize) -> Value) -> Self {
        let (person, path, answers) = (person.clone(), path.to_owned(), Arc::new(Mutex::new(Vec::new())));
        let kept = answers.clone();
        let task = tokio::spawn(async move {
            for n in 0.. {
                let answer = person.send(method.clone(), &path, &[], &body(n)).await;
                kept.lock().unwrap().push(answer);
                // Many requests per second, but with time for the other tests.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Self { answers, task }
    }

    /// Waits for this many more responses.
    async fn goes_on(&self, more: usize) {
        let enough = self.answers.lock().unwrap().len() + more;
        while self.answers.lock().unwrap().len() < enough {
            assert!(!self.task.is_finished(), "a stream has ended");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops the stream after one more response, and returns all responses.
    async fn stop(self) -> Vec<Answer> {
        self.goes_on(1).await;
        self.task.abort();
        let _ = self.task.await;
        std::mem::take(&mut *self.answers.lock().unwrap())
    }
}

pub(crate) fn message(n: usize) -> Value {
    json!({"text": format!("message {n}"), "optimisticId": format!("o-{n}")})
}

/// The team changes while streams of requests run. Earlier acknowledged writes stay, and nothing is accepted afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_cannot_send() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let project = world.project(&ana, "Atrium", &[(&ben, "editor")]).await;
    let opened = ana.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(200);
    let conversation = text(&opened["conversationId"]);
    let path = format!("/messages/conversations/{conversation}/messages");
    let mut socket = ben.connect().await;
    let sends = Stream::start(&ben, Method::POST, &path, message);
    let edits = Stream::start(&ben, Method::PATCH, &format!("/projects/{project}"), |n| json!({"status": format!("{}%", n % 100)}));
    sends.goes_on(3).await;
    edits.goes_on(3).await;
    assert_eq!(ana.delete(&format!("/projects/{project}/team/{}", ben.id)).await.status, 204);
    let last_seq = ana.get(&path).await.expect(200)["lastSeq"].clone();
    let version = ana.get(&format!("/projects/{project}")).await.expect(200)["version"].clone();
    sends.goes_on(3).await;
    edits.goes_on(3).await;
    let mut accepted = Vec::new();
    for answers in [sends.stop().await, edits.stop().await] {
        let first = answers.iter().take_while(|answer| answer.status < 300).count();
        assert!(first > 0 && answers[first..].iter().all(|answer| answer.status == 404), "once out, always out");
        accepted.push(first);
    }
    let frame = json!({"action": "sendMessage", "ref": "s", "conversationId": conversation, "text": "still here?", "optimisticId": "late"});
    assert_eq!(socket.ask(frame).await.0["code"], json!("not_found"));
    let page = ana.get(&path).await.expect(200);
    assert_eq!((&page["lastSeq"], &last_seq), (&json!(accepted[0]), &json!(accepted[0])));
    assert_eq!(ana.get(&format!("/projects/{project}")).await.expect(200)["version"], version);
}

#[tokio::test(flavor = "multi_thread")]
async fn demoted_members_keep_viewer_rights() {
    let world = TestStack::start().await;
    let (ana, ben, cleo) = (world.login("ana").await, world.login("ben").await, world.login("cleo").await);
    let project = world.project(&ana, "Atrium", &[(&ben, "editor"), (&cleo, "owner")]).await;
    let (path, budget) = (format!("/projects/{project}"), format!("/projects/{project}/budget"));
    let member = |person: &Person| format!("{path}/team/{}", person.id);
    let edits = Stream::start(&ben, Method::PATCH, &budget, |_| json!({"lines": [{"itemBudgetedCost": 1}]}));
    let titles = Stream::start(&cleo, Method::PUT, &member(&ben), |n| json!({"role": "editor", "title": format!("{n}")}));
    edits.goes_on(3).await;
    titles.goes_on(3).await;
    // The second owner is demoted first, so that she can give no rights back.
    ana.put(&member(&cleo), json!({"role": "viewer"})).await.expect(200);
    ana.put(&member(&ben), json!({"role": "viewer"})).await.expect(200);
    let written = ana.get(&budget).await.expect(200)["version"].clone();
    edits.goes_on(3).await;
    titles.goes_on(3).await;
    for answers in [edits.stop().await, titles.stop().await] {
        let accepted = answers.iter().take_while(|answer| answer.status < 300).count();
        assert!(accepted > 0 && answers[accepted..].iter().all(|answer| answer.status == 403), "once demoted, always refused");
    }
    assert_eq!(ana.get(&budget).await.expect(200)["version"], written);
    for viewer in [&ben, &cleo] {
        assert_eq!(viewer.get(&path).await.expect(200)["projectId"], json!(project));
        viewer.get(&budget).await.expect_error(403, "forbidden");
        viewer.delete(&path).await.expect_error(403, "forbidden");
    }
    ana.get(&path).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_person_cannot_go_on_sending() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let conversation = world.direct(&ana, &ben).await;
    let path = format!("/messages/conversations/{conversation}/messages");
    let sends = Stream::start(&ben, Method::POST, &path, message);
    sends.goes_on(3).await;
    ana.patch(&format!("/auth/users/{}", ben.id), json!({"disabled": true})).await.expect(200);
    tokio::time::sleep(KNOWN).await;
    let last_seq = ana.get(&path).await.expect(200)["lastSeq"].clone();
    sends.goes_on(3).await;
    let answers = sends.stop().await;
    // The sandboxes read the revocations one after another, within five seconds. Then none of them accepts anything.
    let accepted = answers.iter().filter(|answer| answer.status == 201).count();
    assert!(answers.iter().all(|answer| [201, 401].contains(&answer.status)) && answers.last().unwrap().status == 401);
    assert_eq!(ana.get(&path).await.expect(200)["lastSeq"], last_seq);
    assert_eq!(last_seq, json!(accepted));
}
