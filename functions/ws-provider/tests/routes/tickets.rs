//! Tickets: each opens one socket, within thirty seconds.

use super::*;

async fn ticket(studio: &Studio) -> String {
    let tickets = Tickets::new(studio.harness.store(), studio.harness.table("auth"), studio.harness.clock.clone());
    tickets.issue(&session(studio).await, 30, Rate::OFF).await.unwrap()
}

#[tokio::test]
async fn a_ticket_opens_one_socket_within_thirty_seconds() {
    let studio = studio().await;
    let connect = async |query: &str, headers: &[(&str, &str)]| studio.connect(&SocketEvents::default(), query, headers).await;
    let good = ticket(&studio).await;
    // A connect from another site does not consume the ticket.
    assert_eq!(connect(&format!("ticket={good}"), &[("Origin", "https://evil.test")]).await, 403);
    assert_eq!(connect(&format!("ticket={good}&token={}", studio.token), &[]).await, 401, "two credentials are none");
    assert_eq!(connect(&format!("ticket={good}&ticket={good}"), &[]).await, 401);
    assert_eq!(connect(&format!("ticket={good}"), &[("Sec-WebSocket-Protocol", &format!("mylg.v1, ticket.{good}"))]).await, 401);
    assert_eq!(connect(&format!("ticket={good}"), &[("Origin", ORIGIN)]).await, 200);
    assert_eq!(connect(&format!("ticket={good}"), &[("Origin", ORIGIN)]).await, 401, "once");
    let late = ticket(&studio).await;
    studio.harness.clock.advance_seconds(30);
    assert_eq!(connect(&format!("ticket={late}"), &[]).await, 401, "its half minute is over, whatever the table still holds");
    assert_eq!(connect("ticket=", &[]).await, 401);
    assert_eq!(connect(&format!("ticket={}", "A".repeat(43)), &[]).await, 401);

    // Of many concurrent connects, exactly one succeeds.
    let raced = ticket(&studio).await;
    let query = format!("ticket={raced}");
    let mut statuses = futures_util::future::join_all((0..8).map(|_| connect(&query, &[]))).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401, 401, 401, 401, 401, 401]);
}

#[tokio::test]
async fn a_ticket_is_refused_after_rights_change() {
    let studio = studio().await;
    let good = ticket(&studio).await;
    studio.harness.outdate_tokens(studio.ana).await;
    assert_eq!(studio.connect(&SocketEvents::default(), &format!("ticket={good}"), &[]).await, 401);
}

#[tokio::test]
async fn a_ticket_may_be_a_subprotocol_and_is_never_echoed() {
    let studio = studio().await;
    let connect = async |protocols: &str, query: &str| {
        let answer = studio.app.handle(SocketEvents::default().connect(query, &[("Sec-WebSocket-Protocol", protocols)])).await;
        (answer.status_code, answer.headers.get("sec-websocket-protocol").map(|value| value.to_str().unwrap().to_owned()))
    };
    let ours = Some("mylg.v1".to_owned());
    assert_eq!(connect(&format!("mylg.v1, ticket.{}", ticket(&studio).await), "").await, (200, ours.clone()));
    assert_eq!(connect(&format!("ticket.{},mylg.v1", ticket(&studio).await), "").await, (200, ours.clone()));
    assert_eq!(connect(&format!("ticket.{}", ticket(&studio).await), "").await, (200, None));
    assert_eq!(connect("mylg.v1", &format!("token={}", studio.token)).await, (200, ours));
    assert_eq!(connect("graphql-ws", &format!("token={}", studio.token)).await, (200, None));
    assert_eq!(connect("mylg.v1", "").await, (401, None));
    assert_eq!(connect("mylg.v1, ticket.", "").await, (401, None));
    let two = format!("mylg.v1, ticket.{}, ticket.{}", ticket(&studio).await, ticket(&studio).await);
    assert_eq!(connect(&two, "").await, (401, None));
}

#[tokio::test]
async fn an_unreadable_ticket_table_is_unavailable() {
    let studio = studio().await;
    let good = ticket(&studio).await;
    studio.harness.faults.add(InjectedFault { action: Some("DeleteItem".to_owned()), effect: Effect::Throttle, skip: 0, times: usize::MAX });
    assert_eq!(studio.connect(&SocketEvents::default(), &format!("ticket={good}"), &[]).await, 503);
}
