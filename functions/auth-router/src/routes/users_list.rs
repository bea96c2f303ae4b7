//! `GET /auth/users`: directory entries: everyone by name, by ids, by name prefix, or by address. Administrators can also list accounts that wait for
//! approval.

use std::str::FromStr;

use access::people::Person;
use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::auth::{Caller, Role};
use shared_utils::http::{Call, Error, Query, Response};
use shared_utils::ids::UserId;

use super::users_patch::Account;
use crate::App;
use crate::store::folded;

/// The maximum number of ids in one request.
const MAX_IDS: usize = 100;

/// The fields of a person that every user may see.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Person")]
pub(crate) struct Entry {
    user_id: UserId,
    first_name: Option<String>,
    last_name: Option<String>,
    username: Option<String>,
    thumbnail: Option<String>,
    role: Role,
    occupation: Option<String>,
}

impl From<Person> for Entry {
    fn from(person: Person) -> Self {
        Self {
            user_id: person.user_id,
            first_name: person.first_name,
            last_name: person.last_name,
            username: person.username,
            thumbnail: person.thumbnail,
            role: person.role,
            occupation: person.occupation,
        }
    }
}

/// A page of people.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{T}Page")]
pub(crate) struct UserPage<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let query = call.query(&["ids", "q", "email", "pending", "limit", "cursor"])?;
    let is_paged = query.get("cursor").is_some() || query.get("limit").is_some();
    match (query.get("ids"), query.get("q"), query.get("email"), query.get("pending")) {
        (None, None, None, None) => by_name(app, caller, "", query).await,
        (None, Some(begin), None, None) => {
            let begin = folded(begin);
            if begin.is_empty() {
                return Err(Error::parameter("q has at least one character that is not blank."));
            }
            by_name(app, caller, &begin, query).await
        }
        (Some(ids), None, None, None) if !is_paged => by_ids(app, ids).await,
        (None, None, Some(email), None) if !is_paged => by_email(app, caller, email).await,
        (None, None, None, Some("true")) => waiting(app, caller, query).await,
        _ => Err(Error::parameter("Ask with at most one of ids, q, email and pending=true; limit and cursor do not go with ids and email.")),
    }
}

async fn by_ids(app: &App, ids: &str) -> Result<Response, Error> {
    let ids: Vec<&str> = ids.split(',').collect();
    if ids.len() > MAX_IDS || ids.iter().any(|id| id.is_empty()) {
        return Err(Error::parameter("ids has 1 to 100 ids with commas between them."));
    }
    // A malformed id belongs to nobody.
    let mut wanted: Vec<UserId> = Vec::with_capacity(ids.len());
    for id in ids.into_iter().filter_map(|id| UserId::from_str(id).ok()) {
        if !wanted.contains(&id) {
            wanted.push(id);
        }
    }
    let mut found = app.people.find(&wanted).await?;
    let items: Vec<Entry> = wanted.iter().filter_map(|id| found.remove(id)).map(Entry::from).collect();
    Response::json(200, &UserPage { items, next_cursor: None })
}

/// One person by exact address, for administrators, for the person, and for people who share something with them. For others, the result must not
/// reveal whether an address is in use.
async fn by_email(app: &App, caller: Caller, email: &str) -> Result<Response, Error> {
    let contacts = async { if caller.is_admin() { Ok(None) } else { Ok(Some(app.broadcaster.messaging().contacts(caller.user).await?)) } };
    let (user, contacts) = futures_util::future::try_join(app.store.user_of(email), contacts).await?;
    let user = user.filter(|user| *user == caller.user || contacts.is_none_or(|contacts| contacts.contains(user)));
    let items: Vec<Entry> = match user {
        Some(user) => app.people.find(&[user]).await?.into_values().map(Entry::from).collect(),
        None => Vec::new(),
    };
    Response::json(200, &UserPage { items, next_cursor: None })
}

/// Only active people: the caller looks for someone to talk to or to add to a team. `begin` is a folded name prefix; an empty one lists everyone.
async fn by_name(app: &App, caller: Caller, begin: &str, query: Query<'_>) -> Result<Response, Error> {
    let user = caller.user.to_string();
    let scope = [user.as_str(), "GET /auth/users", "q", begin];
    let start = app.cursors.page_start(&scope, query.get("cursor")).await?;
    let page = app.store.find_people(begin, query.limit()?, start).await?;
    let mut found = app.people.find(&page.users).await?;
    let items: Vec<Entry> = page.users.iter().filter_map(|id| found.remove(id)).filter(Person::is_active).map(Entry::from).collect();
    let next_cursor = app.cursors.next_page(&scope, page.next).await?;
    Response::json(200, &UserPage { items, next_cursor })
}

/// Whole accounts: an administrator who approves an account must see whose it is.
async fn waiting(app: &App, caller: Caller, query: Query<'_>) -> Result<Response, Error> {
    if !caller.is_admin() {
        return Err(Error::Forbidden);
    }
    let user = caller.user.to_string();
    let scope = [user.as_str(), "GET /auth/users", "pending"];
    let start = app.cursors.page_start(&scope, query.get("cursor")).await?;
    let (users, next) = app.store.pending_users(query.limit()?, start).await?;
    let items: Vec<Account> = app.store.users(&users).await?.into_iter().map(Account::from).collect();
    let next_cursor = app.cursors.next_page(&scope, next).await?;
    Response::json(200, &UserPage { items, next_cursor })
}
