//! Locks of budget lines.

use std::collections::BTreeMap;

use access::teams::{Member, Team, TeamRole, header_key};
use realtime::{LineLock, Locks};
use shared_utils::dynamo::to_item;
use shared_utils::ids::ProjectId;

use super::*;

/// A project with ana (owner), ben (editor) and cleo (viewer). dana is not in the team.
struct Site {
    studio: Studio,
    project: ProjectId,
    tokens: BTreeMap<&'static str, String>,
    locks: Locks,
}

async fn site() -> Site {
    let studio = studio().await;
    let now = studio.harness.clock.now();
    let mut team = BTreeMap::from([(studio.ana, TeamRole::Owner)]);
    let mut tokens = BTreeMap::from([("ana", studio.token.clone())]);
    for (name, role) in [("ben", Some(TeamRole::Editor)), ("cleo", Some(TeamRole::Viewer)), ("dana", None)] {
        let person = studio.harness.person(name).await;
        tokens.insert(name, studio.harness.token(person, Role::User).await);
        team.extend(role.map(|role| (person, role)));
    }
    tokens.insert("admin", studio.harness.token(studio.harness.person("admin").await, Role::Admin).await);
    let project = ProjectId::generate(now);
    let team = team.into_iter().map(|(user, role)| (user, Member { role, title: None, joined_at: now })).collect();
    let team = Team {
        project_id: project,
        title: "Atrium".to_owned(),
        team,
        team_version: 0,
        title_version: 0,
        created_by: studio.ana,
        created_at: now,
        deleted_at: None,
    };
    let store = studio.harness.store();
    store.put_item(&studio.harness.table("projects"), to_item(header_key(project), "project", &team).unwrap()).await.unwrap();
    let locks = Locks::new(store, studio.harness.table("connections"), studio.harness.clock.clone());
    Site { studio, project, tokens, locks }
}

impl Site {
    async fn open(&self, name: &str, query: &str) -> SocketEvents {
        let socket = SocketEvents::default();
        assert_eq!(self.studio.connect(&socket, &format!("token={}{query}", self.tokens[name]), &[]).await, 200);
        settle(&self.studio).await;
        socket
    }

    fn frame(&self, action: &str, line: &str) -> Value {
        // The frame as today's frontend sends it.
        json!({
            "action": action, "ref": "r", "projectId": self.project, "lineId": line, "revision": 1, "conversationId": "project#x",
            "username": "Somebody", "senderId": "somebody",
        })
    }

    /// Returns `ack` or the error code.
    async fn ask(&self, socket: &SocketEvents, action: &str, line: &str) -> String {
        let reply = Box::pin(self.studio.ask(socket, self.frame(action, line))).await;
        let code = if reply["action"] == json!("ack") { &reply["action"] } else { &reply["code"] };
        code.as_str().unwrap().to_owned()
    }

    async fn held(&self) -> Vec<LineLock> {
        self.locks.of_project(self.project).await.unwrap()
    }
}

#[tokio::test]
async fn a_lock_has_one_owner_can_be_renewed_and_expires() {
    let site = site().await;
    let (ana, ben) = (site.open("ana", "").await, site.open("ben", "").await);
    let taken = Box::pin(site.studio.ask(&ana, site.frame("lineLocked", "lin_1"))).await;
    let expires = site.studio.harness.clock.now().plus_seconds(60);
    assert_eq!(
        taken["lock"],
        json!({"lineId": "lin_1", "revision": 1, "userId": site.studio.ana, "at": site.studio.harness.clock.now(), "expiresAt": expires})
    );
    assert_eq!(site.ask(&ben, "lineLocked", "lin_1").await, "conflict");
    assert_eq!(site.ask(&ben, "lineUnlocked", "lin_1").await, "conflict");
    assert_eq!(site.ask(&ben, "lineLocked", "lin_2").await, "ack", "another line");
    site.studio.harness.clock.advance_seconds(59);
    assert_eq!(site.ask(&ana, "lineLocked", "lin_1").await, "ack", "renewed");
    site.studio.harness.clock.advance_seconds(59);
    assert_eq!(site.ask(&ben, "lineLocked", "lin_1").await, "conflict");
    assert_eq!(site.held().await.len(), 1, "the other one has lapsed");
    site.studio.harness.clock.advance_seconds(1);
    assert_eq!(site.held().await, []);
    assert_eq!(site.ask(&ben, "lineLocked", "lin_1").await, "ack");
    assert_eq!(site.ask(&ana, "lineUnlocked", "lin_1").await, "conflict");
    assert_eq!(site.ask(&ben, "lineUnlocked", "lin_1").await, "ack");
    assert_eq!(site.ask(&ben, "lineUnlocked", "lin_1").await, "ack", "again");
    assert_eq!(site.ask(&ana, "lineLocked", "lin_1").await, "ack");
}

#[tokio::test]
async fn locks_are_released_when_their_connection_ends() {
    let site = site().await;
    let (ana, ben, other_tab) = (site.open("ana", "").await, site.open("ben", "").await, site.open("ana", "").await);
    for (socket, line) in [(&ana, "lin_1"), (&ana, "lin_2"), (&ben, "lin_3")] {
        assert_eq!(site.ask(socket, "lineLocked", line).await, "ack");
    }
    assert_eq!(site.ask(&other_tab, "lineLocked", "lin_1").await, "conflict", "a lock is a connection's, not a person's");
    site.studio.app.handle(ana.disconnect()).await;
    settle(&site.studio).await;
    let lines = |held: Vec<LineLock>| held.into_iter().map(|lock| lock.place.line_id).collect::<Vec<_>>();
    assert_eq!(lines(site.held().await), ["lin_3"]);
    // Another function marks the connection as ended before `$disconnect` arrives.
    let known = site.studio.connections.find(ben.connection_id()).await.unwrap().unwrap();
    site.studio.connections.mark_ended(&known).await.unwrap();
    site.studio.app.handle(ben.disconnect()).await;
    settle(&site.studio).await;
    assert_eq!(site.held().await, []);
    // A lock that another connection has taken meanwhile is not released.
    let ben = site.open("ben", "").await;
    assert_eq!(site.ask(&ben, "lineLocked", "lin_1").await, "ack");
    site.studio.harness.clock.advance_seconds(60);
    assert_eq!(site.ask(&other_tab, "lineLocked", "lin_1").await, "ack");
    site.studio.app.handle(ben.disconnect()).await;
    settle(&site.studio).await;
    assert_eq!(lines(site.held().await), ["lin_1"]);
}

#[tokio::test]
async fn a_reconnected_tab_keeps_its_locks() {
    let site = site().await;
    let before = site.open("ana", "&tabId=t1").await;
    assert_eq!(site.ask(&before, "lineLocked", "lin_1").await, "ack");
    let bens = site.open("ben", "&tabId=t1").await;
    assert_eq!(site.ask(&bens, "lineLocked", "lin_1").await, "conflict", "a tab is one person's");
    let after = site.open("ana", "&tabId=t1").await;
    assert_eq!(site.ask(&after, "lineLocked", "lin_1").await, "ack");
    // `$disconnect` of the old connection arrives late.
    site.studio.app.handle(before.disconnect()).await;
    settle(&site.studio).await;
    assert_eq!(site.held().await.len(), 1);
}

#[tokio::test]
async fn only_budget_editors_may_lock_lines() {
    let site = site().await;
    for (name, expected) in [("cleo", "forbidden"), ("dana", "not_found"), ("admin", "ack")] {
        let socket = site.open(name, "").await;
        assert_eq!(site.ask(&socket, "lineLocked", name).await, expected, "{name}");
        assert_eq!(site.ask(&socket, "lineUnlocked", name).await, expected, "{name}");
    }
    let ana = site.open("ana", "").await;
    for (field, value, pointer) in [
        ("projectId", Value::Null, "/projectId"),
        ("projectId", json!(7), "/projectId"),
        ("lineId", json!(""), "/lineId"),
        ("lineId", json!("x".repeat(65)), "/lineId"),
        ("lineId", Value::Null, "/lineId"),
        ("revision", json!(2.1), "/revision"),
        ("revision", json!(0), "/revision"),
        ("revision", Value::Null, "/revision"),
        ("until", json!("forever"), "/until"),
    ] {
        let mut frame = site.frame("lineLocked", "lin_1");
        frame[field] = value;
        let reply = Box::pin(site.studio.ask(&ana, frame)).await;
        assert_eq!((&reply["code"], &reply["errors"][0]["pointer"]), (&json!("validation_failed"), &json!(pointer)), "{reply}");
    }
    let mut elsewhere = site.frame("lineLocked", "lin_1");
    elsewhere["projectId"] = json!("prj_x");
    assert_eq!(Box::pin(site.studio.ask(&ana, elsewhere)).await["code"], json!("not_found"));
    assert_eq!(site.held().await, []);
}

#[tokio::test]
async fn a_tab_that_reconnects_before_its_old_connection_ends_keeps_its_locks() {
    let site = site().await;
    let before = site.open("ana", "&tabId=t1").await;
    let other_tab = site.open("ana", "&tabId=t2").await;
    for line in ["lin_1", "lin_2"] {
        assert_eq!(site.ask(&before, "lineLocked", line).await, "ack");
    }
    // The old connection is still open. It is replaced, so its end releases nothing: its locks belong to the tab at once.
    let after = SocketEvents::opened_at(site.studio.harness.clock.now().plus_seconds(1));
    assert_eq!(site.studio.connect(&after, &format!("token={}&tabId=t1", site.tokens["ana"]), &[]).await, 200);
    assert_eq!(site.ask(&after, "lineUnlocked", "lin_2").await, "ack");
    assert_eq!(site.ask(&after, "lineLocked", "lin_2").await, "ack");
    settle(&site.studio).await;
    assert_eq!(site.held().await.len(), 2);
    site.studio.app.handle(before.disconnect()).await;
    settle(&site.studio).await;
    assert_eq!(site.held().await.len(), 2);
    assert_eq!(site.ask(&other_tab, "lineLocked", "lin_1").await, "conflict");
    assert_eq!(site.ask(&after, "lineUnlocked", "lin_1").await, "ack");
    site.studio.app.handle(after.disconnect()).await;
    settle(&site.studio).await;
    assert_eq!(site.held().await, []);
}
