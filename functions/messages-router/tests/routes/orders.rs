//! A client that follows the documentation ends with the same state as a fresh fetch, for any order of steps.

use std::collections::BTreeMap;

use crate::*;

/// One step, by another person or by the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// The client's user is added.
    Added,
    /// The client's user leaves and is added again.
    Returned,
    /// The client's user is removed.
    Removed,
    /// Someone sends a message.
    Message,
    /// Someone edits the first message.
    Edit,
    /// The client fetches its conversations and their messages. The documentation allows this at any time.
    Fetch,
    /// The client calls sync.
    Sync,
}

/// Every distinct order of these steps.
fn orders(steps: &[Step]) -> Vec<Vec<Step>> {
    let mut all = vec![Vec::new()];
    for step in steps {
        let grown = all.into_iter().flat_map(|order: Vec<Step>| {
            (0..=order.len()).map(move |place| {
                let mut longer = order.clone();
                longer.insert(place, *step);
                longer
            })
        });
        all = grown.collect();
    }
    all.iter_mut().for_each(drop_steps_without_effect);
    all.sort();
    all.dedup();
    all
}

/// Removes steps that have no effect, so that equivalent orders become equal.
fn drop_steps_without_effect(order: &mut Vec<Step>) {
    let (mut added, mut sent) = (false, false);
    order.retain(|step| match step {
        Step::Added => !std::mem::replace(&mut added, true),
        Step::Returned => added,
        Step::Removed => std::mem::replace(&mut added, false),
        Step::Edit => sent,
        Step::Message => {
            sent = true;
            true
        }
        Step::Fetch | Step::Sync => true,
    });
    // Every order ends with a sync anyway.
    while order.last() == Some(&Step::Sync) {
        order.pop();
    }
}

/// Messages by conversation id and `seq`.
type Messages = BTreeMap<(String, u64), Value>;

/// A client that does exactly what the documentation says.
struct Client<'a> {
    person: &'a Person<'a>,
    cursor: String,
    conversations: BTreeMap<String, Value>,
    messages: Messages,
}

impl<'a> Client<'a> {
    async fn new(person: &'a Person<'a>) -> Self {
        let answer = person.get("/messages/sync").await.body;
        let cursor = answer["cursor"].as_str().unwrap().to_owned();
        Self { person, cursor, conversations: BTreeMap::new(), messages: BTreeMap::new() }
    }

    /// Keeps the highest version of each message.
    fn put(&mut self, message: &Value) {
        let place = (message["conversationId"].as_str().unwrap().to_owned(), message["seq"].as_u64().unwrap());
        let known = self.messages.entry(place).or_insert(Value::Null);
        if known["version"].as_u64() < message["version"].as_u64() {
            *known = message.clone();
        }
    }

    /// Keeps the highest version of each conversation.
    fn merge(&mut self, view: &Value) {
        let known = self.conversations.entry(view["conversationId"].as_str().unwrap().to_owned()).or_insert(Value::Null);
        if known["version"].as_u64() <= view["version"].as_u64() {
            *known = view.clone();
        }
    }

    fn forget(&mut self, conversation: &str) {
        self.conversations.remove(conversation);
        self.messages.retain(|(id, _), _| id != conversation);
    }

    async fn fetch_history(&mut self, conversation: &str) {
        let mut query = String::new();
        loop {
            let page = self.person.get(&format!("{}?limit=100{query}", messages_of(conversation))).await.body;
            for message in page["items"].as_array().unwrap() {
                self.put(message);
            }
            let Some(next) = page["nextCursor"].as_str() else { return };
            query = format!("&cursor={next}");
        }
    }

    async fn fetch(&mut self) {
        let list = self.person.get("/messages/conversations").await.body;
        for view in list["items"].as_array().unwrap() {
            self.merge(view);
            self.fetch_history(view["conversationId"].as_str().unwrap()).await;
        }
    }

    async fn sync(&mut self) {
        loop {
            let Answer { status, body: page, .. } = self.person.get(&format!("/messages/sync?since={}&limit=4", self.cursor)).await;
            assert_eq!(status, 200, "{page}");
            for change in page["changes"].as_array().unwrap() {
                let conversation = change["conversationId"].as_str().unwrap();
                match change["type"].as_str().unwrap() {
                    "joined" => {
                        self.forget(conversation);
                        self.merge(&change["conversation"]);
                        change["messages"].as_array().unwrap().iter().for_each(|message| self.put(message));
                        if change["moreMessages"] == json!(true) {
                            self.fetch_history(conversation).await;
                        }
                    }
                    "updated" => self.merge(&change["conversation"]),
                    "left" => self.forget(conversation),
                    _ => self.put(&change["message"]),
                }
            }
            page["cursor"].as_str().unwrap().clone_into(&mut self.cursor);
            if page["more"] == json!(false) {
                // Conversations that are not in this list have ended.
                let current: Vec<&str> = page["conversationIds"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
                let gone: Vec<String> = self.conversations.keys().filter(|id| !current.contains(&id.as_str())).cloned().collect();
                for id in &gone {
                    self.forget(id);
                }
                return;
            }
            assert!(page.get("conversationIds").is_none(), "they are with the last page");
        }
    }

    /// Titles, people and messages. Read markers are not part of sync.
    fn known(&self) -> (BTreeMap<String, Value>, &Messages) {
        let shown = |view: &Value| {
            let mut people: Vec<Value> = view["participants"].as_array().unwrap().iter().map(|entry| entry["userId"].clone()).collect();
            people.sort_by_key(ToString::to_string);
            json!({"title": view["title"], "people": people, "version": view["version"]})
        };
        (self.conversations.iter().map(|(id, view)| (id.clone(), shown(view))).collect(), &self.messages)
    }
}

/// The types of conversation to which someone can be added.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Direct,
    Group,
    Project,
}

/// One order of steps on one conversation of ana, as ben's client sees it.
struct Story<'a> {
    ana: &'a Person<'a>,
    ben: &'a Person<'a>,
    kind: Kind,
    project: ProjectId,
    conversation: Option<String>,
    first: Option<String>,
    is_in: bool,
}

impl<'a> Story<'a> {
    async fn begin(ana: &'a Person<'a>, ben: &'a Person<'a>, kind: Kind) -> Self {
        let project = ProjectId::generate(ana.studio.harness.clock.now());
        let conversation = match kind {
            Kind::Direct => None,
            Kind::Group => Some(new_group(ana, "Atrium", &[&ana.studio.person("cleo").await]).await),
            Kind::Project => {
                write_project(ana.studio, project, &[ana], false).await;
                let opened = ana.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.body;
                Some(opened["conversationId"].as_str().unwrap().to_owned())
            }
        };
        Self { ana, ben, kind, project, conversation, first: None, is_in: false }
    }

    fn participant(&self) -> String {
        format!("/messages/conversations/{}/participants/{}", self.conversation.as_deref().unwrap_or_default(), self.ben.id)
    }

    async fn add(&mut self) {
        match self.kind {
            Kind::Direct => self.conversation = Some(direct(self.ana, self.ben).await),
            Kind::Group => assert_eq!(self.ana.put(&self.participant()).await.status, 204),
            Kind::Project => write_project(self.ana.studio, self.project, &[self.ana, self.ben], false).await,
        }
        self.is_in = true;
    }

    async fn remove(&mut self) {
        match self.kind {
            Kind::Direct => {}
            Kind::Group => assert_eq!(self.ana.delete(&self.participant()).await.status, 204),
            Kind::Project => {
                // Removing a member also deletes their list row.
                let key = Key::new(format!("PROJECT#{}", self.project), format!("MEMBER#{}", self.ben.id));
                self.ana.studio.harness.store().delete_item(&self.ana.studio.harness.table("projects"), key).await.unwrap();
                write_project(self.ana.studio, self.project, &[self.ana], false).await;
            }
        }
    }

    async fn step(&mut self, step: Step, client: &mut Client<'_>) {
        match step {
            Step::Added => {
                if !self.is_in {
                    self.add().await;
                }
            }
            Step::Returned => {
                if self.is_in {
                    self.remove().await;
                    self.ana.studio.harness.clock.advance_seconds(1);
                    self.add().await;
                }
            }
            Step::Removed => {
                if self.is_in {
                    self.remove().await;
                    self.is_in = false;
                }
            }
            Step::Message => {
                if let Some(conversation) = self.conversation.clone() {
                    let sent = say(self.ana, &conversation, "hello").await;
                    self.first.get_or_insert(sent["messageId"].as_str().unwrap().to_owned());
                }
            }
            Step::Edit => {
                if let Some(message) = &self.first {
                    let body = json!({"text": test_harness::random_name()});
                    assert_eq!(self.ana.patch(&format!("/messages/{message}"), body).await.status, 200);
                }
            }
            Step::Fetch => client.fetch().await,
            Step::Sync => client.sync().await,
        }
    }
}

async fn holds_in_every_order(kind: Kind, steps: &[Step]) {
    let studio = studio_without_faults().await;
    for order in orders(steps) {
        let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
        let mut story = Story::begin(&ana, &ben, kind).await;
        let mut client = Client::new(&ben).await;
        for step in &order {
            story.step(*step, &mut client).await;
        }
        client.sync().await;
        let mut fresh = Client::new(&ben).await;
        fresh.fetch().await;
        assert_eq!(client.known(), fresh.known(), "{kind:?}, {order:?}");
    }
}

#[tokio::test]
async fn an_added_person_misses_no_message_in_any_order() {
    use Step::{Added, Fetch, Message, Sync};
    for kind in [Kind::Direct, Kind::Group, Kind::Project] {
        holds_in_every_order(kind, &[Added, Fetch, Message, Message, Sync]).await;
    }
}

#[tokio::test]
async fn a_returning_person_misses_no_message_in_any_order() {
    use Step::{Added, Edit, Fetch, Message, Returned};
    for kind in [Kind::Group, Kind::Project] {
        holds_in_every_order(kind, &[Added, Fetch, Message, Edit, Returned]).await;
    }
}

#[tokio::test]
async fn a_removed_person_keeps_nothing_in_any_order() {
    use Step::{Added, Fetch, Message, Removed, Sync};
    for kind in [Kind::Group, Kind::Project] {
        holds_in_every_order(kind, &[Added, Removed, Fetch, Message, Sync]).await;
    }
}

#[tokio::test]
async fn changes_say_when_they_leave_messages_out() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let mut client = Client::new(&ben).await;
    let (short, long) = (new_group(&ana, "Short", &[&ben]).await, new_group(&ana, "Long", &[&ben]).await);
    for (group, count) in [(&short, 20), (&long, 21)] {
        for n in 0..count {
            say(&ana, group, &n.to_string()).await;
        }
    }
    let page = ben.get(&format!("/messages/sync?since={}", client.cursor)).await.body;
    for change in page["changes"].as_array().unwrap() {
        let seqs: Vec<u64> = change["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect();
        let is_long = change["conversationId"] == json!(long);
        let expected: Vec<u64> = if is_long { (2..=21).collect() } else { (1..=20).collect() };
        assert_eq!((&change["type"], seqs, &change["moreMessages"]), (&json!("joined"), expected, &json!(is_long)), "the oldest of them first");
    }
    client.sync().await;
    let mut fresh = Client::new(&ben).await;
    fresh.fetch().await;
    assert_eq!(client.known(), fresh.known());
}
