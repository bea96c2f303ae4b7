//! A crowd on a small account: a hundred people reload at once, and ten sandboxes serve them.

use std::collections::BTreeSet;

use end_to_end::{Person, Socket, TestStack, text};
use futures_util::future::join_all;
use local_stack::config::Options;
use serde_json::{Value, json};

const PEOPLE: usize = 100;
const SANDBOXES: usize = 10;

/// What a client does when its page is loaded again. The harness refuses a response that is not documented for its operation.
async fn reload(person: &Person, old: Socket) -> Socket {
    drop(old);
    let refreshed = person.post("/auth/refresh", json!({"refreshToken": person.refresh_token})).await.expect(200);
    let mut person = person.clone();
    person.token = Some(text(&refreshed["accessToken"]));
    let ticket = text(&person.post("/auth/ws-ticket", json!({})).await.expect(200)["ticket"]);
    let socket = person.try_connect(&format!("?ticket={ticket}"), &[]).await.unwrap_or_else(|status| panic!("refused with {status}"));
    person.get("/auth/me").await.expect(200);
    person.get("/projects/list").await.expect(200);
    person.get("/messages/conversations").await.expect(200);
    socket
}

/// Whom the snapshot shows as online.
async fn online(socket: &mut Socket) -> BTreeSet<String> {
    let (snapshot, _) = socket.ask(json!({"action": "presenceLookup", "ref": "p"})).await;
    snapshot["userIds"].as_array().into_iter().flatten().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_people_reload_at_once_on_ten_sandboxes() {
    let world = TestStack::start_with(Options { more_people: PEOPLE, sandboxes: SANDBOXES, ..Options::for_tests() }).await;
    let owner = world.login("ana").await;
    let mut people = Vec::new();
    for number in 1..PEOPLE {
        people.push(world.login(&format!("user{number:03}")).await);
    }
    let project = world.project(&owner, "Studio", &[]).await;
    for person in &people {
        owner.put(&format!("/projects/{project}/team/{}", person.id), json!({"role": "viewer"})).await.expect(200);
    }
    people.push(owner);
    let sockets = join_all(people.iter().map(Person::connect)).await;
    world.settled().await;
    let before = world.stack().records.events().len();

    let reloads = people.iter().zip(sockets).map(|(person, socket)| reload(person, socket));
    let mut sockets = join_all(reloads).await;
    world.settled().await;
    let events = world.stack().records.events().split_off(before);
    let refused: Vec<_> = events.iter().filter(|event| event.status >= 400).map(|event| (&event.label, event.status)).collect();
    assert!(refused.is_empty(), "{refused:?}");
    // Presence is right: everyone is online in every snapshot, and no frame says otherwise that came later than the arrival.
    let everyone: BTreeSet<String> = people.iter().map(|person| person.id.clone()).collect();
    for socket in &mut sockets {
        assert_eq!(online(socket).await, everyone);
        let told: Vec<Value> = std::mem::take(&mut socket.presence);
        for person in &everyone {
            let of_person = told.iter().filter(|frame| frame["userId"] == json!(person));
            let last = of_person.max_by_key(|frame| text(&frame["at"]));
            assert!(last.is_none_or(|frame| frame["online"] == true), "{last:?}");
        }
    }
    let longest = events.iter().map(|event| event.occupied).max().unwrap_or_default();
    local_stack::config::print_line(&format!("the longest of {} events occupied a sandbox for {} ms", events.len(), longest.as_millis()));
}
