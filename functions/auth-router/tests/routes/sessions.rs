//! Listing and ending a person's sessions.

use super::*;

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one() {
    let studio = studio().await;
    let from = |agent: &str, ip: [u8; 4]| {
        let event = EventBuilder::new(Method::POST, "/auth/login").peer(IpAddr::from(ip)).header("user-agent", agent);
        studio.call(event.json(&json!({"email": "ben@mylg.test", "password": PASSWORD})))
    };
    let phone = from("phone", [1, 1, 1, 1]).await.expect(200);
    studio.harness.clock.advance_seconds(1);
    let laptop = from("laptop", [2, 2, 2, 2]).await.expect(200);
    studio.harness.clock.advance_seconds(1);
    studio.refresh(&phone["refreshToken"]).await.expect(200);
    let list = || studio.get("/auth/sessions", &laptop["accessToken"]);
    let listed = list().await.expect(200);
    let shown: Vec<_> = listed["items"].as_array().unwrap().iter().map(|s| (s["userAgent"].clone(), s["ip"].clone(), s["current"].clone())).collect();
    let expected = [("phone", "1.1.1.1", false), ("laptop", "2.2.2.2", true)];
    assert_eq!(shown, expected.map(|(agent, ip, current)| (json!(agent), json!(ip), json!(current))));
    assert!(listed["items"][0]["lastUsedAt"].as_str() > listed["items"][0]["createdAt"].as_str());
    assert_eq!(listed["nextCursor"], Value::Null);
    assert!(!listed.to_string().contains("fam_"), "a family's id is half a refresh token");

    let path = format!("/auth/sessions/{}", listed["items"][0]["sessionId"].as_str().unwrap());
    let anas = studio.login().await["accessToken"].clone();
    studio.ask(Method::DELETE, &path, &anas, Value::Null).await.expect_error(404, "not_found");
    studio.ask(Method::DELETE, &path, &laptop["accessToken"], Value::Null).await.expect(204);
    studio.ask(Method::DELETE, &path, &laptop["accessToken"], Value::Null).await.expect_error(404, "not_found");
    studio.me(&phone["accessToken"]).await.expect_error(401, "session_revoked");
    studio.refresh(&phone["refreshToken"]).await.expect(401);
    assert_eq!(list().await.expect(200)["items"].as_array().unwrap().len(), 1);
    studio.ask(Method::DELETE, "/auth/sessions/ses_x", &laptop["accessToken"], Value::Null).await.expect_error(404, "not_found");
    studio.get("/auth/sessions?userId=usr_x", &laptop["accessToken"]).await.expect_error(400, "invalid_parameter");
}
