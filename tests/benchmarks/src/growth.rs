//! What each route costs with few and with many items around it: database calls, capacity and the size of the response.
//!
//! Items are copies of those that the routes themselves wrote, so this module knows the names of few attributes.

use std::collections::BTreeMap;

use end_to_end::{Person, TestStack, text};
use local_stack::config::Options;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::table::{Bar, Row};

/// The largest ratio of a route's cost with many items to its cost with few.
const BAR: f64 = 1.1;
/// Each request is repeated, and the least cost counts: every five seconds one reads the revocations too.
const REPEATED: usize = 4;
/// What `{n}` stands for, one after another.
const LETTERS: [&str; 2] = ["a", "b"];
/// Items are written in parts of this size.
const PART: u64 = 20_000;

/// What one request costs, work after the response included.
#[derive(Debug, Clone, Copy)]
struct Cost {
    calls: f64,
    capacity: f64,
    bytes: f64,
}

/// A route's cost for each number of items.
type Costs = BTreeMap<String, Vec<Cost>>;

/// What grows.
enum Subject {
    Messages,
    People,
    Projects,
    Conversations,
}

impl Subject {
    /// The numbers of items. The last is the most that there can be, or a million.
    fn sizes(&self) -> &'static [u64] {
        match self {
            Self::Messages => &[100, 10_000, 1_000_000],
            Self::People => &[100, 10_000, 100_000],
            Self::Projects => &[100, 10_000],
            // Nobody can have more.
            Self::Conversations => &[100, 490],
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Messages => "messages of a conversation",
            Self::People => "people",
            Self::Projects => "projects of a person",
            Self::Conversations => "conversations of a person",
        }
    }
}

/// The ratio of the costs with many items to those with few, for each route.
pub(crate) async fn measure() -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for subject in [Subject::Messages, Subject::People, Subject::Projects, Subject::Conversations] {
        let stack = TestStack::start_with(Options::for_tests()).await;
        let scene = Scene::new(&stack).await?;
        let mut costs = Costs::new();
        let mut loaded = 0;
        for size in subject.sizes() {
            scene.load(&subject, loaded..*size)?;
            loaded = *size;
            for request in scene.requests(&subject).await? {
                costs.entry(request.name.to_owned()).or_default().push(scene.cost(&request).await?);
            }
        }
        let range = format!("{} to {} {}", subject.sizes()[0], loaded, subject.name());
        rows.extend(costs.into_iter().map(|(route, costs)| Row::new(format!("{route}, {range}"), ratio(&costs), "times", Bar::AtMost(BAR))));
    }
    Ok(rows)
}

/// The largest ratio of a later cost to the first.
fn ratio(costs: &[Cost]) -> f64 {
    let Some((first, later)) = costs.split_first() else { return 0.0 };
    // Half a unit is the least that a call costs.
    let of = |cost: &Cost, part: fn(&Cost) -> f64| part(cost).max(0.5) / part(first).max(0.5);
    let parts: [fn(&Cost) -> f64; 3] = [|cost| cost.calls, |cost| cost.capacity, |cost| cost.bytes];
    later.iter().flat_map(|cost| parts.map(|part| of(cost, part))).fold(0.0, f64::max)
}

/// A request that is repeated. `{n}` in the path or body is another letter each time, so that each repetition changes something.
struct Request {
    name: &'static str,
    method: Method,
    path: String,
    body: Option<Value>,
}

/// People with a conversation and a project, beside which items are written.
struct Scene<'a> {
    stack: &'a TestStack,
    client: Client,
    ana: Person,
    ben: Person,
    conversation: String,
    project: String,
    message: String,
    /// The items of the conversation with its first message.
    written: Vec<Value>,
    /// The items, as text, of which copies are made: by their table, and with the id that each copy has another of.
    templates: Vec<(&'static str, String, Vec<String>)>,
}

impl<'a> Scene<'a> {
    async fn new(stack: &'a TestStack) -> Result<Self, String> {
        let (ana, ben) = (stack.login("ana").await, stack.login("ben").await);
        let project = stack.project(&ana, "Atrium", &[(&ben, "editor")]).await;
        let conversation = stack.direct(&ana, &ben).await;
        let sent = ana.post(&format!("/messages/conversations/{conversation}/messages"), json!({"text": "hello"})).await.expect(201);
        let (message, client) = (text(&sent["messageId"]), Client::of(&ana));
        // As every later request leaves it.
        ana.patch(&format!("/messages/{message}"), json!({"text": "changed b"})).await.expect(200);
        let mut scene = Self { client, stack, message, ana, ben, conversation, project, written: Vec::new(), templates: Vec::new() };
        scene.written = scene.items("messages", &format!("CONVERSATION#{}", scene.conversation))?;
        for (table, id, partitions) in [
            ("auth", &scene.ben.id, vec![format!("PERSON#{}", scene.ben.id), "DIRECTORY".to_owned()]),
            ("projects", &scene.project, vec![format!("PROJECT#{}", scene.project), format!("BUDGET#{}", scene.project)]),
            ("messages", &scene.conversation, vec![format!("CONVERSATION#{}", scene.conversation), format!("USER#{}", scene.ana.id)]),
        ] {
            let mut found = Vec::new();
            for partition in partitions {
                let items = scene.items(table, &partition)?;
                let of_id = items.iter().map(Value::to_string).filter(|item| item.contains(id.as_str()));
                let before = found.len();
                found.extend(of_id);
                if found.len() == before {
                    return Err(format!("{partition} has no item to copy"));
                }
            }
            scene.templates.push((table, id.clone(), found));
        }
        Ok(scene)
    }

    async fn cost(&self, request: &Request) -> Result<Cost, String> {
        let mut least: Option<Cost> = None;
        for turn in 0..REPEATED {
            self.stack.settled().await;
            let before = self.stack.stack().records.events().len();
            let letter = LETTERS[turn % LETTERS.len()];
            let body = request.body.as_ref().map(|body| serde_json::from_str(&body.to_string().replace("{n}", letter)).unwrap_or_default());
            let answer = self.client.send(request.method.clone(), &request.path.replace("{n}", letter), body.as_ref()).await?;
            if answer.status >= 300 {
                return Err(format!("{} was answered with {}", request.name, answer.status));
            }
            self.stack.settled().await;
            let events = self.stack.stack().records.events().split_off(before);
            let calls: Vec<_> = events.iter().flat_map(|event| event.calls.iter().chain(&event.calls_after)).collect();
            let count = u32::try_from(calls.len()).map_err(|error| error.to_string())?;
            let bytes = u32::try_from(answer.bytes).map_err(|error| error.to_string())?;
            let capacity = calls.iter().map(|call| call.capacity.read + call.capacity.write).sum();
            let cost = Cost { calls: f64::from(count), capacity, bytes: f64::from(bytes) };
            least = Some(least.map_or(cost, |least| Cost {
                calls: least.calls.min(cost.calls),
                capacity: least.capacity.min(cost.capacity),
                bytes: least.bytes.min(cost.bytes),
            }));
        }
        least.ok_or_else(|| "nothing was measured".to_owned())
    }

    async fn requests(&self, subject: &Subject) -> Result<Vec<Request>, String> {
        let get = |name, path: String| Request { name, method: Method::GET, path, body: None };
        let with = |name, method, path: String, body| Request { name, method, path, body: Some(body) };
        let (conversation, message, project) =
            (format!("/messages/conversations/{}", self.conversation), format!("/messages/{}", self.message), format!("/projects/{}", self.project));
        let lists = [
            get("GET /messages/conversations", "/messages/conversations".to_owned()),
            get("GET /projects/list", "/projects/list".to_owned()),
            get("GET /messages/sync", format!("/messages/sync?since={}", self.cursor().await)),
        ];
        let others = match subject {
            Subject::Messages => vec![
                get("GET /messages/{id}", message.clone()),
                get("GET /messages/conversations/{id}", conversation.clone()),
                get("GET /messages/conversations/{id}/messages", format!("{conversation}/messages")),
                get("GET /messages/conversations/{id}/messages after the first", format!("{conversation}/messages?afterSeq=1")),
                with("POST /messages/conversations/{id}/messages", Method::POST, format!("{conversation}/messages"), json!({"text": "hello"})),
                with("PATCH /messages/{id}", Method::PATCH, message.clone(), json!({"text": "changed {n}"})),
            ],
            Subject::People => vec![
                get("GET /auth/me", "/auth/me".to_owned()),
                get("GET /auth/users", "/auth/users".to_owned()),
                get("GET /auth/users by name", "/auth/users?q=ben".to_owned()),
                get("GET /auth/users by e-mail address", format!("/auth/users?email={}", self.ben.email.replace('@', "%40"))),
                with(
                    "POST /auth/login",
                    Method::POST,
                    "/auth/login".to_owned(),
                    json!({"email": self.ana.email, "password": local_stack::people::PASSWORD}),
                ),
            ],
            Subject::Projects => vec![
                get("GET /projects/{id}", project.clone()),
                get("GET /projects/{id}/budget", format!("{project}/budget")),
                with("PATCH /projects/{id}", Method::PATCH, project, json!({"title": "Atrium"})),
                with("POST /projects", Method::POST, "/projects".to_owned(), json!({"title": "Another"})),
            ],
            Subject::Conversations => {
                vec![with("POST /messages/conversations/{id}/messages", Method::POST, format!("{conversation}/messages"), json!({"text": "hello"}))]
            }
        };
        Ok(lists.into_iter().chain(others).collect())
    }

    /// A cursor that has seen everything.
    async fn cursor(&self) -> String {
        text(&self.ana.get("/messages/sync").await.expect(200)["cursor"])
    }

    /// Writes items with these numbers.
    fn load(&self, subject: &Subject, numbers: std::ops::Range<u64>) -> Result<(), String> {
        let mut from = numbers.start;
        while from < numbers.end {
            let part = from..numbers.end.min(from + PART);
            from = part.end;
            match subject {
                Subject::Messages => self.load_messages(part)?,
                Subject::People => self.load_copies("auth", part)?,
                Subject::Projects => self.load_copies("projects", part)?,
                Subject::Conversations => self.load_copies("messages", part)?,
            }
        }
        Ok(())
    }

    fn items(&self, table: &str, partition: &str) -> Result<Vec<Value>, String> {
        self.stack.stack().database.partition(&self.table(table), partition)
    }

    fn table(&self, table: &str) -> String {
        self.stack.stack().declaration.table_name(table)
    }

    /// Copies the items of this table: in each copy the id ends with its number.
    fn load_copies(&self, table: &str, numbers: std::ops::Range<u64>) -> Result<(), String> {
        let Some((_, id, templates)) = self.templates.iter().find(|(known, _, _)| *known == table) else { return Ok(()) };
        let copy = |template: &String, number| {
            serde_json::from_str(&template.replace(id.as_str(), &numbered(id, number))).map_err(|error| error.to_string())
        };
        let copies: Result<Vec<Value>, String> = numbers.flat_map(|number| templates.iter().map(move |template| copy(template, number))).collect();
        self.stack.stack().database.import(&self.table(table), copies?)
    }

    /// Copies the first message with its change, with these sequence numbers, and moves the head after them.
    fn load_messages(&self, numbers: std::ops::Range<u64>) -> Result<(), String> {
        let last = numbers.end + 1_000;
        // The keys of both end with a number: `MESSAGE#<seq>` and `CHANGE#<changeSeq>`.
        let templates: Vec<(&Value, String)> = (self.written.iter().filter(|item| item.get("messageId").is_some()))
            .filter_map(|item| Some((item, item["sk"]["S"].as_str()?.rsplit_once('#')?.0.to_owned())))
            .collect();
        let mut copies = Vec::new();
        for seq in numbers.start + 1_000..last {
            for (template, kind) in &templates {
                let mut item = (*template).clone();
                item["sk"]["S"] = json!(format!("{kind}#{seq:020}"));
                let id = text(&item["messageId"]["S"]);
                item["messageId"]["S"] = json!(format!("{}{seq:010}", &id[..id.len() - 10]));
                for counter in ["seq", "changeSeq", "createdChange"] {
                    item[counter]["N"] = json!(seq.to_string());
                }
                copies.push(item);
            }
        }
        if let Some(head) = self.written.iter().find(|item| item["sk"]["S"] == "HEAD") {
            let mut head = head.clone();
            for counter in ["lastSeq", "changeSeq"] {
                head[counter]["N"] = json!((last - 1).to_string());
            }
            copies.push(head);
        }
        self.stack.stack().database.import(&self.table("messages"), copies)
    }
}

/// An id with another end.
fn numbered(id: &str, number: u64) -> String {
    format!("{}{number:07}", &id[..id.len() - 7])
}
