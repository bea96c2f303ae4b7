//! How a page in a browser sees closed sockets, the explorer and the documentation's code.

use end_to_end::{Page, TestStack};
use serde_json::json;

/// A script that opens a socket in the page and then runs `part`. Its result says how the socket was closed.
fn with_socket(world: &TestStack, token: &str, part: &str) -> String {
    let url = format!("{}?token={token}", world.stack().websocket_url);
    format!(
        "new Promise((resolve, reject) => {{
            const socket = new WebSocket({})
            const frames = []
            socket.onerror = () => reject(new Error('the socket failed'))
            socket.onclose = event => resolve({{ code: event.code, reason: event.reason, wasClean: event.wasClean, frames }})
            socket.onmessage = event => frames.push(JSON.parse(event.data))
            socket.onopen = async () => {{ {part} }}
        }})",
        json!(url)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_see_a_close_code_for_every_close() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let Some(mut page) = Page::open(&world.stack().console_url).await else { return };
    let token = ana.token.clone().unwrap();
    for (part, code) in [("socket.close(1000)", 1000), ("socket.close()", 1005), ("socket.close(4001, 'done')", 4001)] {
        let closed = page.run(&with_socket(&world, &token, part)).await;
        assert_eq!((&closed["code"], &closed["wasClean"]), (&json!(code), &json!(true)), "{part}: {closed}");
    }
    // Closed by the gateway, because a frame is too large.
    for length in [40_000, 140_000, 400_000] {
        let closed = page.run(&with_socket(&world, &token, &format!("socket.send('x'.repeat({length}))"))).await;
        assert_eq!(closed["code"], json!(1009), "{length}: {closed}");
    }
    // Closed by the server: a session ends, or a client sends too many bad frames.
    let other = world.login_again(&ana).await;
    let logout = format!(
        "await fetch('{}/auth/logout', {{ method: 'POST', headers: {{ 'Content-Type': 'application/json' }}, body: JSON.stringify({{ refreshToken: '{}' }}) }})",
        world.stack().http_url,
        other.refresh_token
    );
    let closed = page.run(&with_socket(&world, &other.token.clone().unwrap(), &logout)).await;
    assert_eq!((&closed["code"], &closed["wasClean"]), (&json!(1000), &json!(true)), "{closed}");
    let last = closed["frames"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["action"], &last["reason"]), (&json!("sessionRevoked"), &json!("session_revoked")));
    let closed = page.run(&with_socket(&world, &token, "for (let n = 0; n < 10; n++) socket.send('nonsense')")).await;
    assert_eq!((&closed["code"], &closed["wasClean"]), (&json!(1000), &json!(true)), "{closed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_explorer_shows_both_documents_and_signs_in_with_one_click() {
    let world = TestStack::start().await;
    let console = world.stack().console_url.clone();
    let Some(mut page) = Page::open(&format!("{console}/explorer")).await else { return };
    let until = |what: &str| {
        format!(
            "new Promise((resolve, reject) => {{ const end = Date.now() + 50000; const look = () => {what} ? resolve(true) : Date.now() > end ? reject(new Error(document.body.innerText.slice(0, 500))) : setTimeout(look, 50); look() }})"
        )
    };
    page.run(&until("document.body.innerText.includes('The MYLG team')")).await;
    page.run("document.querySelector('nav button').click()").await;
    page.run(&until("document.getElementById('state').textContent.includes('ana@mylg.test')")).await;
    let documents = "Promise.all(['/openapi.json', '/asyncapi.json'].map(async path => (await (await fetch(path)).json()).info.title))";
    assert_eq!(page.run(documents).await, json!(["MYLG", "MYLG socket"]));
    // Every request of the page stayed on this machine.
    let elsewhere =
        "performance.getEntriesByType('resource').map(entry => new URL(entry.name).hostname).filter(host => host && host !== 'localhost')";
    assert_eq!(page.run(elsewhere).await, json!([]));
}

/// The code of docs/frontend.md, as it stands but for the two addresses.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_for_frontend_developers_runs() {
    let world = TestStack::start().await;
    let Some(mut page) = Page::open(&world.stack().console_url).await else { return };
    let document = std::fs::read_to_string(local_stack::declaration::repository().join("docs/frontend.md")).unwrap();
    let blocks: Vec<&str> = document.split("```js\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 9, "{} blocks", blocks.len());
    // Before the last block, which signs out, the connection is lost once.
    let loss = "const old = socket; old.close(); \
        while (socket === old || live !== apply) await new Promise(resolve => setTimeout(resolve, 20)); \
        const again = await send(opened.conversationId, 'again');\n";
    let (end, before) = blocks.split_last().unwrap();
    let code = [&before.concat(), loss, end]
        .concat()
        .replace("http://localhost:3000", &world.stack().http_url)
        .replace("ws://localhost:3001", &world.stack().websocket_url);
    let result = "return { me: me.email, text: messages.get(sent.messageId).text + messages.get(again.messageId).text, known: conversations.size, title: renamed.title, accessToken }";
    let result = page.run(&format!("(async () => {{ {code}\n{result} }})()")).await;
    assert_eq!((&result["me"], &result["text"], &result["title"]), (&json!("ana@mylg.test"), &json!("helloagain"), &json!("Atrium II")), "{result}");
    assert!(result["accessToken"].is_null(), "signed out");
}
