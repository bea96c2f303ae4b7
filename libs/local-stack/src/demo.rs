//! A demo: a studio with projects, budgets and conversations of three weeks. It is made over the HTTP API, with the stack's clock in the past.

use std::collections::HashMap;

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::clock::StackClock;
use crate::people::{PASSWORD, PEOPLE};

/// Title, color, client, and the lines of the budget: description, quantity, cost of each.
type ProjectText = (&'static str, &'static str, &'static str, &'static [(&'static str, u32, u32)]);

const PROJECTS: [ProjectText; 3] = [
    (
        "Atrium Hotel, lobby film",
        "#3f6fd6",
        "Atrium Hotels",
        &[("CAMERA, TWO DAYS", 2, 1_450), ("LIGHTING", 2, 980), ("STEADICAM OPERATOR", 1, 1_200), ("GRADING", 3, 640), ("MUSIC LICENCE", 1, 2_300)],
    ),
    (
        "Harbour Festival, posters",
        "#d6603f",
        "City of Harbour",
        &[("ILLUSTRATION", 6, 420), ("TYPE LICENCE", 1, 350), ("SCREEN PRINT, 500 SHEETS", 1, 1_890), ("DELIVERY", 2, 95)],
    ),
    ("Nordlys, packaging", "#2f9e6e", "Nordlys Tea", &[("DIE LINES", 4, 260), ("PROTOTYPES", 12, 75), ("PHOTOGRAPHY", 2, 1_150)]),
];

/// Days ago, who writes, and what, in the conversation of the first project.
const FIRST_PROJECT: [(i64, &str, &str); 12] = [
    (20, "ana", "Welcome! The hotel wants the lobby film before the season starts."),
    (20, "ben", "Storyboard is in the folder. Twelve shots, two of them at dawn."),
    (18, "cleo", "We love shots 3 and 9. Could the staircase be longer?"),
    (18, "ben", "Yes, with the steadicam. I will add a line to the budget."),
    (14, "ana", "Scouting is done: the dawn light hits the desk at 6:40."),
    (14, "cleo", "Reception opens at 6, we will keep the desk free until 7."),
    (11, "ben", "Camera and lights are booked for both days."),
    (7, "ana", "First day is in the can 🎬"),
    (7, "cleo", "The team here is delighted."),
    (4, "ben", "Rough cut: 58 seconds. Music is a placeholder."),
    (2, "cleo", "The placeholder is lovely. What does it cost to keep it?"),
    (1, "ana", "2,300 for two years. It is in the budget now."),
];

/// The same for the direct conversation of Ana and Ben.
const DIRECT: [(i64, &str, &str); 6] = [
    (14, "ben", "Do you have ten minutes for the posters?"),
    (14, "ana", "After lunch. Bring the blue one."),
    (7, "ben", "The printer asks for a deposit."),
    (4, "ana", "Paid. Invoice is in the mail."),
    (1, "ben", "Nordlys wants a third tin size 🙈"),
    (0, "ana", "Of course they do. Tomorrow at ten?"),
];

/// The same for a group.
const GROUP: [(i64, &str, &str); 5] = [
    (18, "ana", "Monday round: what is everyone on?"),
    (18, "ben", "Atrium storyboard, then posters."),
    (11, "cleo", "Approvals from our side by Thursday."),
    (4, "ben", "Posters are at the printer."),
    (0, "ana", "Great weeks. Cake on Friday."),
];

struct Studio<'a> {
    client: Client<HttpConnector, Full<Bytes>>,
    api: &'a str,
    /// First name in lower case → access token.
    tokens: HashMap<&'static str, String>,
    /// First name in lower case → id.
    ids: HashMap<&'static str, String>,
}

/// Puts the clock back to the machine's time, however the demo ends.
struct PutBack<'a>(&'a StackClock);

impl Drop for PutBack<'_> {
    fn drop(&mut self) {
        self.0.set_offset_ms(0);
    }
}

/// Makes the demo in an empty stack.
pub(crate) async fn make(api: &str, clock: &StackClock) -> Result<(), String> {
    let _put_back = PutBack(clock);
    let mut studio = Studio { client: Client::builder(TokioExecutor::new()).build_http(), api, tokens: HashMap::new(), ids: HashMap::new() };
    let mut conversations: [Option<String>; 3] = [None, None, None];
    // The days on which something happens.
    for days_ago in [20, 18, 14, 11, 7, 4, 2, 1, 0] {
        clock.set_offset_ms(-days_ago * 24 * 3600 * 1000);
        studio.sign_in().await?;
        if days_ago == 20 {
            conversations = studio.begin().await?.map(Some);
        }
        for (conversation, texts) in conversations.iter().flatten().zip([&FIRST_PROJECT[..], &DIRECT, &GROUP]) {
            for (_, author, text) in texts.iter().filter(|(day, _, _)| *day == days_ago) {
                studio.request("POST", &format!("/messages/conversations/{conversation}/messages"), author, json!({"text": text})).await?;
            }
        }
    }
    Ok(())
}

impl Studio<'_> {
    /// Signs in everyone, for as long as a token is good.
    async fn sign_in(&mut self) -> Result<(), String> {
        for (email, ..) in PEOPLE {
            let name = email.split('@').next().unwrap_or_default();
            let answer = self.request("POST", "/auth/login", name, json!({"email": email, "password": PASSWORD})).await?;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            self.tokens.insert(name, text(&answer["accessToken"]));
            self.ids.insert(name, text(&answer["user"]["userId"]));
        }
        Ok(())
    }

    /// Makes the projects with their budgets. Returns the conversations of the first project, of two people and of a group.
    async fn begin(&self) -> Result<[String; 3], String> {
        let mut projects = Vec::new();
        for (title, color, client, lines) in PROJECTS {
            let team = json!([{"userId": self.id("ben"), "role": "editor"}, {"userId": self.id("cleo"), "role": "viewer"}]);
            let project = json!({"title": title, "color": color, "clientName": client, "status": "in production", "team": team});
            let project = self.request("POST", "/projects", "ana", project).await?;
            let id = project["projectId"].as_str().unwrap_or_default().to_owned();
            let lines: Vec<Value> = lines
                .iter()
                .map(|(description, quantity, cost)| json!({"description": description, "quantity": quantity, "itemBudgetedCost": cost}))
                .collect();
            self.request("PATCH", &format!("/projects/{id}/budget"), "ana", json!({"lines": lines})).await?;
            projects.push(id);
        }
        let first = json!({"type": "project", "projectId": projects.first()});
        let direct = json!({"type": "direct", "participants": [self.id("ben")]});
        let group = json!({"type": "group", "title": "Studio", "participants": [self.id("ben"), self.id("cleo")]});
        let open = async |body| {
            let conversation = self.request("POST", "/messages/conversations", "ana", body).await?;
            Ok::<String, String>(conversation["conversationId"].as_str().unwrap_or_default().to_owned())
        };
        Ok([open(first).await?, open(direct).await?, open(group).await?])
    }

    fn id(&self, name: &str) -> &str {
        self.ids.get(name).map_or("", String::as_str)
    }

    async fn request(&self, method: &str, path: &str, name: &str, body: Value) -> Result<Value, String> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.api)).header("content-type", "application/json");
        if let Some(token) = self.tokens.get(name).filter(|_| path != "/auth/login") {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::new(Bytes::from(body.to_string()))).map_err(|error| error.to_string())?;
        let response = self.client.request(request).await.map_err(|error| error.to_string())?;
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        if status.is_success() {
            serde_json::from_slice(&bytes).map_err(|error| error.to_string())
        } else {
            Err(format!("{method} {path} was answered with {status}: {}", String::from_utf8_lossy(&bytes)))
        }
    }
}
