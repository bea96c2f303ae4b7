//! Five routes of the backend as most Rust functions on Lambda would have them: the same tables, the same number of calls, the same checks of the
//! token and of who may. It leaves out what would only make it slower: the check of ended sessions, `ETag`, limits of rates, the deliveries.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem, Update};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Value, json};

type Item = HashMap<String, AttributeValue>;
type Answer = Result<(StatusCode, Json<Value>), StatusCode>;

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

struct App {
    dynamodb: Client,
    /// Built at start, as the SDK's examples do. Deliveries would use it.
    _gateway: aws_sdk_apigatewaymanagement::Client,
    keys: BTreeMap<String, DecodingKey>,
    validation: Validation,
    auth: String,
    projects: String,
    messages: String,
}

impl App {
    fn caller(&self, headers: &HeaderMap) -> Result<String, StatusCode> {
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
        let key = decode_header(token).ok().and_then(|header| self.keys.get(&header.kid?)).ok_or(StatusCode::UNAUTHORIZED)?;
        let claims = decode::<Claims>(token, key, &self.validation).map_err(|_| StatusCode::UNAUTHORIZED)?;
        Ok(claims.claims.sub)
    }

    async fn item(&self, table: &str, pk: String, sk: &str) -> Result<Option<Item>, StatusCode> {
        let call = self.dynamodb.get_item().table_name(table).key("pk", s(pk)).key("sk", s(sk)).consistent_read(true);
        Ok(call.send().await.map_err(broken)?.item)
    }

    async fn items(&self, table: &str, pk: String, prefix: &str) -> Result<Vec<Item>, StatusCode> {
        let call = self.dynamodb.query().table_name(table).consistent_read(true).key_condition_expression("pk = :pk AND begins_with(sk, :sk)");
        let call = call.expression_attribute_values(":pk", s(pk)).expression_attribute_values(":sk", s(prefix));
        Ok(call.send().await.map_err(broken)?.items.unwrap_or_default())
    }

    /// The rows of a person's projects.
    async fn memberships(&self, user: &str) -> Result<Vec<Item>, StatusCode> {
        let call = self.dynamodb.query().table_name(&self.projects).index_name("byMember").scan_index_forward(false).limit(50);
        let call = call.key_condition_expression("memberId = :user").expression_attribute_values(":user", s(user));
        Ok(call.send().await.map_err(broken)?.items.unwrap_or_default())
    }

    async fn batch(&self, wanted: Vec<(&str, Vec<Item>)>) -> Result<HashMap<String, Vec<Item>>, StatusCode> {
        let mut call = self.dynamodb.batch_get_item();
        for (table, keys) in wanted {
            call = call.request_items(table, KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build().map_err(broken)?);
        }
        Ok(call.send().await.map_err(broken)?.responses.unwrap_or_default())
    }
}

fn key(pk: String, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

fn text(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}

fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn broken(_: impl std::fmt::Debug) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

fn value(item: Item) -> Result<Value, StatusCode> {
    serde_dynamo::from_item(item).map_err(broken)
}

fn values(items: Vec<Item>) -> Result<Vec<Value>, StatusCode> {
    items.into_iter().map(value).collect()
}

async fn me(State(app): State<Arc<App>>, headers: HeaderMap) -> Answer {
    let user = app.caller(&headers)?;
    let item = app.item(&app.auth, format!("USER#{user}"), "PROFILE").await?.ok_or(StatusCode::NOT_FOUND)?;
    Ok((StatusCode::OK, Json(value(item)?)))
}

async fn project(State(app): State<Arc<App>>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    let user = app.caller(&headers)?;
    let items = values(app.items(&app.projects, format!("PROJECT#{id}"), "").await?)?;
    let header = items.iter().find(|item| item["sk"] == "HEADER").ok_or(StatusCode::NOT_FOUND)?;
    if !header.to_string().contains(&user) {
        return Err(StatusCode::NOT_FOUND);
    }
    Ok((StatusCode::OK, Json(json!({"items": items}))))
}

async fn projects(State(app): State<Arc<App>>, headers: HeaderMap) -> Answer {
    let user = app.caller(&headers)?;
    let rows = app.memberships(&user).await?;
    let keys = rows.iter().map(|row| key(text(row, "pk"), "HEADER")).collect();
    let found = app.batch(vec![(&app.projects, keys)]).await?.remove(&app.projects).unwrap_or_default();
    Ok((StatusCode::OK, Json(json!({"items": values(found)?}))))
}

async fn conversations(State(app): State<Arc<App>>, headers: HeaderMap) -> Answer {
    let user = app.caller(&headers)?;
    let (named, projects) = tokio::try_join!(app.items(&app.messages, format!("USER#{user}"), "CONVERSATION#"), app.memberships(&user))?;
    let of_project = |row: &Item| text(row, "projectId").replace("prj_", "CONVERSATION#cnv_");
    let heads = named.iter().map(|row| text(row, "sk")).chain(projects.iter().map(of_project)).map(|pk| key(pk, "HEAD")).collect();
    let teams = projects.iter().map(|row| key(text(row, "pk"), "HEADER")).collect();
    let mut found = app.batch(vec![(&app.messages, heads), (&app.projects, teams)]).await?;
    let teams = values(found.remove(&app.projects).unwrap_or_default())?;
    let mut heads = values(found.remove(&app.messages).unwrap_or_default())?;
    heads.retain(|_| teams.iter().any(|team| team.to_string().contains(&user)));
    heads.sort_by(|a, b| b["lastActivityAt"].as_str().cmp(&a["lastActivityAt"].as_str()));
    Ok((StatusCode::OK, Json(json!({"items": heads}))))
}

#[derive(Deserialize)]
struct NewMessage {
    text: String,
}

async fn send(State(app): State<Arc<App>>, headers: HeaderMap, Path(id): Path<String>, Json(new): Json<NewMessage>) -> Answer {
    let user = app.caller(&headers)?;
    let pk = format!("CONVERSATION#{id}");
    let team = key(format!("PROJECT#{}", id.replace("cnv_", "prj_")), "HEADER");
    let mut found = app.batch(vec![(&app.messages, vec![key(pk.clone(), "HEAD")]), (&app.projects, vec![team])]).await?;
    let mut one = |table: &str| value(found.remove(table).unwrap_or_default().pop().ok_or(StatusCode::NOT_FOUND)?);
    let (head, team) = (one(&app.messages)?, one(&app.projects)?);
    if !team.to_string().contains(&user) {
        return Err(StatusCode::NOT_FOUND);
    }
    let (last, change) = (head["lastSeq"].as_u64().unwrap_or(0), head["changeSeq"].as_u64().unwrap_or(0));
    let message = json!({
        "messageId": format!("msg_{}", ulid::Ulid::generate()), "conversationId": id, "seq": last + 1, "senderId": user, "text": new.text,
        "timestamp": format!("{:?}", std::time::SystemTime::now()), "version": 1, "deleted": false,
    });
    let stored: Item = serde_dynamo::to_item(&message).map_err(broken)?;
    let put = |sk: String| {
        let put = Put::builder().table_name(&app.messages).set_item(Some(stored.clone())).item("pk", s(&pk)).item("sk", s(sk));
        put.condition_expression("attribute_not_exists(pk)").build().map(|put| TransactWriteItem::builder().put(put).build())
    };
    let update = Update::builder().table_name(&app.messages).key("pk", s(&pk)).key("sk", s("HEAD"));
    let update = update.update_expression("SET lastSeq = :seq, changeSeq = :change, lastMessage = :last").condition_expression("lastSeq = :before");
    let update = update.expression_attribute_values(":seq", AttributeValue::N((last + 1).to_string()));
    let update = update.expression_attribute_values(":change", AttributeValue::N((change + 1).to_string()));
    let update = update.expression_attribute_values(":before", AttributeValue::N(last.to_string()));
    let update = update.expression_attribute_values(":last", AttributeValue::M(stored.clone())).build().map_err(broken)?;
    let writes = app.dynamodb.transact_write_items().transact_items(TransactWriteItem::builder().update(update).build());
    let writes = writes.transact_items(put(format!("MESSAGE#{:012}", last + 1)).map_err(broken)?);
    writes.transact_items(put(format!("CHANGE#{:012}", change + 1)).map_err(broken)?).send().await.map_err(broken)?;
    Ok((StatusCode::CREATED, Json(message)))
}

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let config = aws_config::load_from_env().await;
    let keys: BTreeMap<String, String> = serde_json::from_str(&variable("JWT_PUBLIC_KEYS"))?;
    let pem = |der: &String| format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n");
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[variable("JWT_ISSUER")]);
    validation.set_audience(&[variable("JWT_AUDIENCE")]);
    let app = App {
        dynamodb: Client::new(&config),
        _gateway: aws_sdk_apigatewaymanagement::Client::new(&config),
        keys: keys.iter().map(|(id, der)| Ok((id.clone(), DecodingKey::from_ec_pem(pem(der).as_bytes())?))).collect::<Result<_, jsonwebtoken::errors::Error>>()?,
        validation,
        auth: variable("AUTH_TABLE"),
        projects: variable("PROJECTS_TABLE"),
        messages: variable("MESSAGES_TABLE"),
    };
    let router = Router::new()
        .route("/auth/me", get(me))
        .route("/projects/list", get(projects))
        .route("/projects/{id}", get(project))
        .route("/messages/conversations", get(conversations))
        .route("/messages/conversations/{id}/messages", post(send))
        .with_state(Arc::new(app));
    lambda_http::run(router).await
}
