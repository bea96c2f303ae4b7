//! Every route and every socket action × every actor, with the status that each must get. A test fails if a route of the contract is not in this
//! table, or if the contract has no such route. The contract's own tests hold it to the functions.

mod actions;
mod routes;

use std::collections::BTreeSet;

use end_to_end::{Answer, Person, TestStack, claims_of, document, is_success, text, upload};
use local_stack::people::PASSWORD;
use reqwest::Method;
use serde_json::{Value, json};

/// The actors, in the order of the expected statuses. The author is an editor of the project, and wrote the message and opened the group.
/// The administrator is in no team.
const ACTORS: [&str; 12] =
    ["anonymous", "bad token", "expired", "disabled", "revoked", "pending", "outsider", "viewer", "editor", "owner", "author", "admin"];
const PENDING: usize = 5;
const OUTSIDER: usize = 6;
const VIEWER: usize = 7;
const EDITOR: usize = 8;
const OWNER: usize = 9;
const AUTHOR: usize = 10;
const ADMIN: usize = 11;

/// The resources of the requests. They are created again for each row, and after each request that may have changed them.
struct Things {
    project: String,
    conversation: String,
    /// A group of the viewer, the editor and the owner, opened by the author.
    group: String,
    message: String,
    session: String,
    waiting: String,
    outsider: String,
    member: String,
    /// Files that the author has declared and not uploaded.
    project_file: String,
    conversation_file: String,
    /// What the author was given for each of them, with its path.
    declared: [(String, Value); 2],
}

struct Actors {
    world: TestStack,
    actors: Vec<Person>,
    /// A session of the person who waits for approval.
    session: String,
}

async fn cast() -> Actors {
    let world = TestStack::start_peopled(6).await;
    let admin = world.login("ana").await;
    let patch = async |person: &Person, rights: Value| admin.patch(&format!("/auth/users/{}", person.id), rights).await.expect(200);
    let disabled = world.login("user003").await;
    patch(&disabled, json!({"disabled": true})).await;
    let revoked = world.login("user004").await;
    assert_eq!(revoked.post("/auth/logout", json!({})).await.status, 204);
    let pending = world.login("user005").await;
    patch(&pending, json!({"pending": true})).await;
    let pending = world.login_again(&pending).await;
    let mut expired = world.login("user006").await;
    expired.token = Some(world.expired(&expired).await);
    let mut actors = vec![world.anonymous(), world.with_token("eyJhbGciOiJub25lIn0.e30."), expired, disabled, revoked, pending];
    for name in ["dana", "cleo", "ben", "user001", "user002"] {
        actors.push(world.login(name).await);
    }
    actors.push(admin);
    let session = session_of(&actors[PENDING]);
    if world.forge().is_none() {
        // The sandboxes of a deployed backend may have read the revocations a moment before.
        tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    }
    Actors { world, actors, session }
}

/// The id of a person's session, from the token.
fn session_of(person: &Person) -> String {
    text(&claims_of(person.token.as_deref().unwrap())["sid"])
}

const PICTURE: &[u8] = b"a picture";

/// The declaration of [`PICTURE`].
fn picture() -> Value {
    upload::declaration("a.png", "image/png", PICTURE)
}

impl Actors {
    /// The author uploads the files of these resources, and a picture of themselves.
    async fn upload(&self, things: &Things) {
        let author = &self.actors[AUTHOR];
        for (path, declared) in &things.declared {
            upload::send(&declared["upload"], PICTURE).await;
            author.request(Method::POST, &upload::completion(path, declared), &[], None).await.expect(200);
        }
        upload::upload(author, "/auth/me/thumbnail", "a.png", "image/png", PICTURE).await;
    }

    /// Creates resources that no request has changed. Actors who must stay signed in do so, however long the test takes.
    async fn things(&mut self) -> Things {
        for actor in &mut self.actors[PENDING..] {
            self.world.renew(actor).await;
        }
        let [outsider, viewer, editor, owner, author] = [OUTSIDER, VIEWER, EDITOR, OWNER, AUTHOR].map(|index| &self.actors[index]);
        let team = [(viewer, "viewer"), (editor, "editor"), (author, "editor")];
        let project = self.world.project(owner, "Atrium", &team).await;
        let opened = owner.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(200);
        let conversation = text(&opened["conversationId"]);
        let sent = author.post(&format!("/messages/conversations/{conversation}/messages"), json!({"text": "mine"})).await.expect(201);
        let people = [viewer, editor, owner].map(|person| person.id.as_str());
        let opened = author.post("/messages/conversations", json!({"type": "group", "title": "G", "participants": people})).await.expect(201);
        let group = text(&opened["conversationId"]);
        let (message, session) = (text(&sent["messageId"]), self.session.clone());
        let waiting = self.actors[PENDING].id.clone();
        let declare = async |path: String| (path.clone(), upload::declare(author, &path, picture()).await);
        let declared = [declare(format!("/projects/{project}/files")).await, declare(format!("/messages/conversations/{conversation}/files")).await];
        let [project_file, conversation_file] = [0, 1].map(|index| text(&declared[index].1["file"]["fileId"]));
        let (outsider, member) = (outsider.id.clone(), viewer.id.clone());
        Things { project, conversation, group, message, session, waiting, outsider, member, project_file, conversation_file, declared }
    }
}
