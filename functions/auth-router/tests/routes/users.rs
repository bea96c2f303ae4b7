//! The user directory, and account management by administrators.

use super::*;

const USERS: &str = "/auth/users";

async fn admin(studio: &Studio) -> Value {
    studio.login().await["accessToken"].clone()
}

#[tokio::test]
async fn administrators_create_accounts() {
    let studio = studio().await;
    let token = admin(&studio).await;
    let create = |body: Value| studio.ask(Method::POST, USERS, &token, body);
    let made = create(json!({"email": " Cleo@MYLG.test", "firstName": "Cleo", "role": "client", "pending": true})).await.expect(201);
    assert_eq!((&made["email"], &made["role"], &made["pending"]), (&json!("cleo@mylg.test"), &json!("client"), &json!(true)));
    let once = made["oneTimePassword"].as_str().unwrap();
    let login = studio.post("/auth/login", json!({"email": "cleo@mylg.test", "password": once})).await.expect(200);
    assert_eq!(login["user"]["pending"], json!(true));

    let made = create(json!({"email": "dana@mylg.test", "password": "long enough for us"})).await.expect(201);
    assert_eq!((&made["role"], &made["pending"], made.get("oneTimePassword")), (&json!("user"), &json!(false), None));
    create(json!({"email": "DANA@mylg.test"})).await.expect_error(409, "conflict");
    let refused = create(json!({"email": "nowhere", "password": "password", "role": "root", "pending": "no", "disabled": true})).await.expect(422);
    let mut pointers: Vec<_> = refused["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/disabled", "/email", "/password", "/pending", "/role"]);
    // Name length is checked after NFC, where each of these characters becomes two code points.
    let refused = create(json!({"email": "eva@mylg.test", "firstName": "\u{958}".repeat(100)})).await.expect_error(422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], json!("/firstName"));
    let bens = studio.login_as(&studio.ben).await["accessToken"].clone();
    studio.ask(Method::POST, USERS, &bens, json!({"email": "x@mylg.test"})).await.expect_error(403, "forbidden");
    studio.ask(Method::PATCH, &format!("{USERS}/{}", studio.ben.user_id), &bens, json!({"role": "admin"})).await.expect_error(403, "forbidden");
}

#[tokio::test]
async fn people_are_found_by_id_and_name_prefix() {
    let studio = studio().await;
    let token = admin(&studio).await;
    let mut ids = Vec::new();
    for (first, last, pending) in [("Anna", "Roy", false), ("anne", "Royce", false), ("Hanna", "Annan", false), ("Anno", "Pending", true)] {
        let body = json!({"email": format!("{first}@x.test"), "firstName": first, "lastName": last, "pending": pending});
        ids.push(studio.ask(Method::POST, USERS, &token, body).await.expect(201)["userId"].as_str().unwrap().to_owned());
    }
    let names = |body: &Value| body["items"].as_array().unwrap().iter().map(|p| p["firstName"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let found = studio.get(&format!("{USERS}?q=%20ANN"), &token).await.expect(200);
    // Hanna matches by her last name. Pending accounts are not shown. Nobody appears twice.
    assert_eq!(names(&found), ["Anna", "Hanna", "anne"]);
    assert_eq!(names(&studio.get(&format!("{USERS}?q=anna%20ro"), &token).await.expect(200)), ["Anna"]);
    assert!(names(&studio.get(&format!("{USERS}?q=zzz"), &token).await.expect(200)).is_empty());

    // Paging returns the same people. A cursor is valid for one person and one search only.
    let (mut listed, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = studio.get(&format!("{USERS}?q=ann&limit=1{cursor}"), &token).await.expect(200);
        listed.extend(names(&page));
        pages += 1;
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(listed, ["Anna", "Hanna", "anne"]);
    assert!(pages > 3);
    studio.get(&format!("{USERS}?q=an{cursor}"), &token).await.expect_error(400, "invalid_cursor");
    let bens = studio.login_as(&studio.ben).await["accessToken"].clone();
    studio.get(&format!("{USERS}?q=ann{cursor}"), &bens).await.expect_error(400, "invalid_cursor");

    // A new name is found; the old name is not.
    studio.ask(Method::PATCH, "/auth/me", &bens, json!({"firstName": "Annika", "username": "Big Ben"})).await.expect(200);
    assert_eq!(names(&studio.get(&format!("{USERS}?q=annik"), &token).await.expect(200)), ["Annika"]);
    assert_eq!(names(&studio.get(&format!("{USERS}?q=big"), &token).await.expect(200)), ["Annika"]);
    studio.ask(Method::PATCH, "/auth/me", &bens, json!({"firstName": null, "username": "ben"})).await.expect(200);
    assert!(studio.get(&format!("{USERS}?q=annik"), &token).await.expect(200)["items"].as_array().unwrap().is_empty());

    let unknown = "usr_00000000000000000000000000";
    let by_id = studio.get(&format!("{USERS}?ids={},{unknown},nonsense,{},{}", ids[2], ids[3], ids[2]), &token).await.expect(200);
    assert_eq!(names(&by_id), ["Hanna", "Anno"]);
    assert_eq!(
        by_id["items"][0].as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(),
        ["firstName", "lastName", "occupation", "role", "thumbnail", "userId", "username"]
    );
    let many = vec![unknown; 101].join(",");
    for bad in ["?ids=", &format!("?ids={many}"), "?q=", "?q=%20", "?ids=usr_x&q=a", "?pending=false", "?userId=x", "?q=a&q=b", "?q=a&limit=0"] {
        studio.get(&format!("{USERS}{bad}"), &token).await.expect_error(400, "invalid_parameter");
    }
    let waiting = studio.get(&format!("{USERS}?pending=true"), &token).await.expect(200);
    assert_eq!((names(&waiting), &waiting["items"][0]["email"]), (vec!["Anno".to_owned()], &json!("anno@x.test")));
    studio.get(&format!("{USERS}?pending=true"), &bens).await.expect_error(403, "forbidden");
    studio.ask(Method::PATCH, &format!("{USERS}/{}", ids[3]), &token, json!({"pending": false})).await.expect(200);
    assert!(names(&studio.get(&format!("{USERS}?pending=true"), &token).await.expect(200)).is_empty());
}

#[tokio::test]
async fn role_changes_take_effect_at_once() {
    let studio = studio().await;
    let token = admin(&studio).await;
    let ben_path = format!("{USERS}/{}", studio.ben.user_id);
    let patch = |body: Value| studio.ask(Method::PATCH, &ben_path, &token, body);
    let ben = studio.login_as(&studio.ben).await;

    // New role: the old access token becomes invalid, and a refresh returns the new role.
    let account = patch(json!({"role": "builder"})).await.expect(200);
    assert_eq!((&account["role"], &account["disabled"]), (&json!("builder"), &json!(false)));
    studio.me(&ben["accessToken"]).await.expect_error(401, "invalid_token");
    let fresh = studio.refresh(&ben["refreshToken"]).await.expect(200);
    assert_eq!(studio.me(&fresh["accessToken"]).await.expect(200)["role"], json!("builder"));
    // Setting the same role again changes nothing.
    patch(json!({"role": "builder"})).await.expect(200);
    studio.me(&fresh["accessToken"]).await.expect(200);

    // Pending: only login, refresh, `GET /auth/me` and logout are allowed.
    patch(json!({"pending": true})).await.expect(200);
    studio.me(&fresh["accessToken"]).await.expect_error(401, "invalid_token");
    let waiting = studio.refresh(&fresh["refreshToken"]).await.expect(200);
    assert_eq!(studio.me(&waiting["accessToken"]).await.expect(200)["pending"], json!(true));
    for (method, path) in
        [(Method::GET, "/auth/sessions"), (Method::GET, "/auth/users?q=a"), (Method::POST, "/auth/ws-ticket"), (Method::DELETE, "/auth/sessions/x")]
    {
        studio.ask(method, path, &waiting["accessToken"], Value::Null).await.expect_error(403, "account_pending");
    }
    assert_eq!(studio.login_as(&studio.ben).await["user"]["pending"], json!(true));
    patch(json!({"pending": false})).await.expect(200);

    // Disabled: every session ends, and a login gets the same response as a wrong password.
    let last = studio.login_as(&studio.ben).await;
    assert_eq!(patch(json!({"disabled": true})).await.expect(200)["disabled"], json!(true));
    studio.me(&last["accessToken"]).await.expect(401);
    studio.refresh(&last["refreshToken"]).await.expect_error(401, "invalid_refresh_token");
    assert_eq!(studio.login_from([9, 9, 9, 9], "ben@mylg.test", PASSWORD).await.0, 401);
    patch(json!({"disabled": false})).await.expect(200);
    studio.refresh(&last["refreshToken"]).await.expect(401);
    studio.login_as(&studio.ben).await;

    studio
        .ask(Method::PATCH, &format!("{USERS}/usr_00000000000000000000000000"), &token, json!({"role": "root"}))
        .await
        .expect_error(404, "not_found");
    patch(json!({"role": "root", "pending": 1, "email": "x@y.z"})).await.expect_error(422, "validation_failed");
}

#[tokio::test]
async fn the_last_active_administrator_cannot_be_removed() {
    let studio = studio().await;
    let token = admin(&studio).await;
    let ana = format!("{USERS}/{}", studio.ana.user_id);
    for body in [json!({"role": "user"}), json!({"pending": true}), json!({"disabled": true})] {
        studio.ask(Method::PATCH, &ana, &token, body).await.expect_error(409, "last_admin");
    }
    studio.me(&token).await.expect(200);
    // Two administrators remove each other at the same time: one must remain.
    let ben = format!("{USERS}/{}", studio.ben.user_id);
    for _ in 0..5 {
        studio.ask(Method::PATCH, &ben, &admin(&studio).await, json!({"role": "admin"})).await.expect(200);
        let (anas, bens) = (admin(&studio).await, studio.login_as(&studio.ben).await["accessToken"].clone());
        let shut = json!({"role": "user"});
        let outcomes =
            futures_util::future::join(studio.ask(Method::PATCH, &ben, &anas, shut.clone()), studio.ask(Method::PATCH, &ana, &bens, shut.clone()));
        let (one, other) = outcomes.await;
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        // The slower one is no longer an administrator. The table condition or the outdated token refuses the request.
        assert!(statuses == [200, 403] || statuses == [200, 401], "{statuses:?} {} {}", one.body, other.body);
        // The remaining administrator restores the roles.
        if one.status != 200 {
            let bens = studio.login_as(&studio.ben).await["accessToken"].clone();
            studio.ask(Method::PATCH, &ana, &bens, json!({"role": "admin"})).await.expect(200);
            studio.ask(Method::PATCH, &ben, &admin(&studio).await, json!({"role": "user"})).await.expect(200);
        }
    }
}

/// Delays the next transaction, so that a concurrent operation finishes first.
fn hold_back(studio: &Studio) {
    use local_stack::faults::{Effect, InjectedFault};
    let effect = Effect::Delay(std::time::Duration::from_millis(400));
    studio.harness.faults.add(InjectedFault { action: Some("TransactWriteItems".to_owned()), effect, skip: 0, times: 1 });
}

/// A login concurrent with a change of rights gets the new rights, whichever is written first.
#[tokio::test]
async fn a_role_change_ends_sessions_that_start_meanwhile() {
    let studio = studio().await;
    let token = admin(&studio).await;
    let ben_path = format!("{USERS}/{}", studio.ben.user_id);
    let later = async || tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    for (role, login_first) in [("builder", true), ("vendor", false), ("client", true), ("user", false)] {
        let change = || studio.ask(Method::PATCH, &ben_path, &token, json!({"role": role}));
        hold_back(&studio);
        let (changed, login) = if login_first {
            // The change has read the sessions and is about to be written when a session is added.
            let login = async {
                later().await;
                studio.login_as(&studio.ben).await
            };
            futures_util::future::join(change(), login).await
        } else {
            // The login was checked with the old rights and is about to be written when they change.
            let changed = async {
                later().await;
                change().await
            };
            let (login, changed) = futures_util::future::join(studio.login_as(&studio.ben), changed).await;
            (changed, login)
        };
        changed.expect(200);
        let fresh = studio.refresh(&login["refreshToken"]).await.expect(200);
        let claims = fresh["accessToken"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
        let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["role"], json!(role));
        studio.me(&fresh["accessToken"]).await.expect(200);
    }
}

#[tokio::test]
async fn addresses_are_normalised_and_can_be_corrected() {
    let studio = studio().await;
    let token = admin(&studio).await;
    for email in [
        "zw\u{200b}@mylg.test",
        "<a@b>",
        "a@b..c",
        "a@b;",
        "a@b",
        "a b@c.test",
        "\"a\"@b.test",
        "a@[127.0.0.1]",
        "a@b.test\u{202e}",
        "@b.test",
        "a@",
        "a@-b.test;c",
    ] {
        let refused = studio.ask(Method::POST, USERS, &token, json!({"email": email})).await.expect_error(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], json!("/email"), "{email:?}");
        studio
            .ask(Method::PATCH, &format!("{USERS}/{}", studio.ben.user_id), &token, json!({"email": email}))
            .await
            .expect_error(422, "validation_failed");
    }
    let ben = format!("{USERS}/{}", studio.ben.user_id);
    let login = studio.login_as(&studio.ben).await;
    studio.ask(Method::PATCH, &ben, &token, json!({"email": "ANA@mylg.test"})).await.expect_error(409, "conflict");
    studio.ask(Method::PATCH, &ben, &token, json!({"email": null})).await.expect_error(422, "validation_failed");
    let account = studio.ask(Method::PATCH, &ben, &token, json!({"email": " Benjamin@MYLG.test "})).await.expect(200);
    assert_eq!(account["email"], json!("benjamin@mylg.test"));
    // The new address can sign in, the old one cannot, and existing sessions continue.
    studio.post("/auth/login", json!({"email": "benjamin@mylg.test", "password": PASSWORD})).await.expect(200);
    studio.post("/auth/login", json!({"email": "ben@mylg.test", "password": PASSWORD})).await.expect(401);
    studio.me(&login["accessToken"]).await.expect(200);
    // The old address is free again.
    studio.ask(Method::POST, USERS, &token, json!({"email": "ben@mylg.test"})).await.expect(201);
    studio.ask(Method::PATCH, &ben, &token, json!({"email": "benjamin@mylg.test"})).await.expect(200);
    let bens = studio.post("/auth/login", json!({"email": "benjamin@mylg.test", "password": PASSWORD})).await.expect(200)["accessToken"].clone();
    studio.ask(Method::PATCH, &ben, &bens, json!({"email": "x@mylg.test"})).await.expect_error(403, "forbidden");
}

#[tokio::test]
async fn only_administrators_find_people_by_address() {
    use access::teams::{Member, Team, TeamRole, header_key};
    use shared_utils::dynamo::{Key, to_item};
    use shared_utils::ids::ProjectId;
    let studio = studio().await;
    let token = admin(&studio).await;
    let bens = studio.login_as(&studio.ben).await["accessToken"].clone();
    let mut ids = Vec::new();
    for (first, last, pending) in [("Zoe", "Abel", false), ("Éva", "Nagy", false), ("Dora", "Waits", true)] {
        let body = json!({"email": format!("{last}@mylg.test"), "firstName": first, "lastName": last, "pending": pending});
        ids.push(studio.ask(Method::POST, USERS, &token, body).await.expect(201)["userId"].clone());
    }
    let listed = async |query: &str| {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = studio.get(&format!("{USERS}?limit=1{query}{cursor}"), &bens).await.expect(200);
            seen.extend(page["items"].as_array().unwrap().iter().map(|entry| entry["firstName"].as_str().unwrap().to_owned()));
            let Some(next) = page["nextCursor"].as_str() else { return seen };
            cursor = format!("&cursor={next}");
        }
    };
    assert_eq!(listed("").await, ["Ana", "Ana", "Zoe", "Éva"], "each once, in order of their whole name; who waits is not there");
    assert_eq!(listed("&q=e%CC%81v").await, ["Éva"], "in any form");
    // By address: allowed for administrators, for oneself, and for people who share something.
    let by_email = async |email: &str, token: &Value| {
        let found = studio.get(&format!("{USERS}?email={email}"), token).await.expect(200);
        found["items"].as_array().unwrap().iter().map(|entry| entry["userId"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(by_email("Abel@MYLG.test", &token).await, [ids[0].clone()]);
    assert_eq!(by_email("ben@mylg.test", &bens).await, [json!(studio.ben.user_id)]);
    assert_eq!(by_email("abel@mylg.test", &bens).await, Vec::<Value>::new(), "a guess tells nothing");
    assert_eq!(by_email("nobody@mylg.test", &token).await, Vec::<Value>::new());
    let now = studio.harness.clock.now();
    let project = ProjectId::generate(now);
    let zoe = ids[0].as_str().unwrap().parse().unwrap();
    let member = |role| Member { role, title: None, joined_at: now };
    let team = Team {
        project_id: project,
        title: "Atrium".to_owned(),
        team: [(studio.ben.user_id, member(TeamRole::Owner)), (zoe, member(TeamRole::Viewer))].into(),
        team_version: 1,
        title_version: 1,
        created_by: studio.ben.user_id,
        created_at: now,
        deleted_at: None,
    };
    let (store, table) = (Store::new(studio.harness.aws().dynamodb()), studio.harness.table("projects"));
    store.put_item(&table, to_item(header_key(project), "project", &team).unwrap()).await.unwrap();
    for user in team.team.keys() {
        let row = json!({"projectId": project, "memberId": user, "activity": format!("{now}#{project}")});
        store.put_item(&table, to_item(Key::new(format!("PROJECT#{project}"), format!("MEMBER#{user}")), "teamMember", &row).unwrap()).await.unwrap();
    }
    assert_eq!(by_email("abel@mylg.test", &bens).await, [ids[0].clone()], "they share a project");
    for bad in ["?email=a&q=b", "?email=a&limit=1", "?email=a&email=b", "?ids=usr_x&email=a"] {
        studio.get(&format!("{USERS}{bad}"), &bens).await.expect_error(400, "invalid_parameter");
    }
}
