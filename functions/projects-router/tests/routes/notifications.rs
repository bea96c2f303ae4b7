//! Notifications of people who are added to a project, and of a budget that is shared.

use messaging::Messaging;

use crate::*;

/// The types and projects of a person's notifications, the latest first, and how many are unread.
async fn listed(person: &Person<'_>) -> (Vec<(String, String)>, usize) {
    let studio = person.studio;
    studio.app.background_tasks().run(Duration::from_secs(5)).await;
    let messaging = Messaging::new(studio.harness.store(), &studio.harness.tables(), studio.harness.clock.clone());
    let page = messaging.notifications(person.id, None, false, 50).await.unwrap();
    let items = page.items.iter().map(|notification| {
        let item = json!(notification);
        assert_eq!((&item["conversationId"], &item["messageId"], &item["seq"]), (&Value::Null, &Value::Null, &Value::Null));
        let text = |name: &str| item[name].as_str().unwrap().to_owned();
        (text("type"), format!("/projects/{}", text("projectId")))
    });
    (items.collect(), page.unread)
}

/// Puts someone into a team with this role.
async fn set_role(owner: &Person<'_>, project: &str, person: &Person<'_>, role: &str) {
    owner.studio.harness.clock.advance_seconds(1);
    owner.send(Method::PUT, &format!("{project}/team/{}", person.id), json!({"role": role})).await.expect(200);
}

#[tokio::test]
async fn a_person_added_to_a_project_has_one_notification_of_it() {
    let studio = studio().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let team = json!([{"userId": ana.id, "role": "owner"}, {"userId": ben.id, "role": "viewer"}]);
    let atrium = project(&ana, json!({"title": "Atrium", "team": team})).await;
    studio.harness.clock.advance_seconds(1);
    let other = project(&ana, json!({"title": "Other"})).await;
    let added = |project: &str| ("projectAdded".to_owned(), project.to_owned());
    assert_eq!(listed(&ben).await, (vec![added(&atrium)], 1));
    assert_eq!(listed(&ana).await, (vec![], 0), "nobody notifies themselves");
    for person in [&ben, &cleo] {
        set_role(&ana, &other, person, "viewer").await;
        set_role(&ana, &other, person, "editor").await;
    }
    assert_eq!(listed(&ben).await, (vec![added(&other), added(&atrium)], 2), "another role is no addition");
    assert_eq!(listed(&cleo).await, (vec![added(&other)], 1));
    studio.harness.clock.advance_seconds(1);
    assert_eq!(ana.delete(&format!("{atrium}/team/{}", ben.id)).await.status, 204);
    set_role(&ana, &atrium, &ben, "owner").await;
    assert_eq!(listed(&ben).await, (vec![added(&atrium), added(&other)], 2), "the later addition is in the place of the earlier one");
}

#[tokio::test]
async fn a_shared_budget_is_told_to_those_who_may_see_it() {
    let studio = studio().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let atrium = project(&ana, json!({"title": "Atrium"})).await;
    set_role(&ana, &atrium, &ben, "editor").await;
    set_role(&ana, &atrium, &cleo, "viewer").await;
    let budget = format!("{atrium}/budget");
    let patch = async |person: &Person<'_>, body: Value| {
        studio.harness.clock.advance_seconds(1);
        person.patch(&budget, body).await.expect(200)
    };
    patch(&ana, json!({"lines": [{"quantity": 1}]})).await;
    patch(&ana, json!({"clientRevision": null})).await;
    assert_eq!(listed(&ben).await.0.len(), 1, "neither a change of lines nor a null revision is shared");
    patch(&ana, json!({"clientRevision": 1})).await;
    let [shared, added] = ["budgetShared", "projectAdded"].map(|kind| (kind.to_owned(), atrium.clone()));
    assert_eq!(listed(&ben).await, (vec![shared.clone(), added.clone()], 2));
    patch(&ana, json!({"clientRevision": 1, "lines": [{"quantity": 1}]})).await;
    patch(&ben, json!({"createRevision": {}, "clientRevision": 2})).await;
    assert_eq!(listed(&ben).await, (vec![shared.clone(), added.clone()], 2));
    assert_eq!(listed(&ana).await, (vec![shared.clone()], 1), "of the other's revision");
    patch(&ana, json!({"clientRevision": 1})).await;
    assert_eq!(listed(&ben).await, (vec![shared, added.clone()], 2), "the later one is in the place of the earlier one");
    assert_eq!(listed(&cleo).await, (vec![added], 1), "a viewer sees no budget");
}
