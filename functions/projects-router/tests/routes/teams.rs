//! Team membership rules.

use crate::*;

#[tokio::test]
async fn owners_manage_the_team_and_anyone_may_leave() {
    let studio = studio().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let path = project(&ana, json!({"title": "Atrium"})).await;
    let member = |who: &Person<'_>| format!("{path}/team/{}", who.id);
    let remove = async |by: &Person<'_>, who: &Person<'_>| by.call(EventBuilder::new(Method::DELETE, &member(who))).await;
    let set = async |by: &Person<'_>, who: &Person<'_>, role: &str| by.send(Method::PUT, &member(who), json!({"role": role})).await;
    assert_eq!(remove(&ana, &ana).await.body["code"], json!("last_owner"));
    assert_eq!(set(&ana, &ana, "editor").await.body["code"], json!("last_owner"));
    set(&ana, &ben, "owner").await.expect(200);
    set(&ana, &cleo, "viewer").await.expect(200);
    assert_eq!(ben.get("/projects/list").await.expect(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(set(&ana, &cleo, "king").await.status, 422);
    assert_eq!(ana.send(Method::PUT, &format!("{path}/team/usr_x"), json!({"role": "viewer"})).await.status, 404);
    let nobody = UserId::generate(studio.harness.clock.now());
    assert_eq!(ana.send(Method::PUT, &format!("{path}/team/{nobody}"), json!({"role": "viewer"})).await.status, 404);
    assert_eq!(remove(&cleo, &ben).await.status, 403);
    assert_eq!(remove(&cleo, &cleo).await.status, 204, "anyone may leave");
    assert_eq!(cleo.get(&path).await.status, 404);
    assert_eq!(cleo.get("/projects/list").await.expect(200)["items"], json!([]));
    assert_eq!(remove(&ana, &cleo).await.status, 204, "also when not a member");
    // Two owners leave at the same time: one of them must stay.
    let (one, other) = tokio::join!(remove(&ana, &ana), remove(&ben, &ben));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
}
