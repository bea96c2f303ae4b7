//! What the generated contract says of these routes. Not linked into the function.

use http::Method;
use serde_json::json;
use shared_utils::contract::{Operation, Recorder};

use super::jwks::JwkSet;
use super::refresh::RefreshResponse;
use super::sessions_list::SessionList;
use super::users_create::NewUserResponse;
use super::users_list::{Entry, UserPage};
use super::users_patch::Account;
use super::ws_ticket::TicketResponse;
use super::{login, logout, me_patch, password, users_create, users_patch};
use crate::session_start::LoginResponse;
use crate::store::Profile;
use crate::transport::read_token;

const COOKIE: &str = "X-Session-Transport";

/// Every operation of this function.
pub fn operations() -> Vec<Operation> {
    let mut all = sessions();
    all.extend(users());
    all.extend(super::contract_accounts::operations());
    all
}

fn sessions() -> Vec<Operation> {
    let token = Recorder::record(|fields| {
        read_token(fields);
    });
    vec![
        Operation::new(Method::POST, "/auth/login", "login", "Signs in.", "Unknown addresses and wrong passwords get the same 401 after the same work. From the fifth failure on an address is locked: 429, whether or not the account exists.")
            .takes(|fields| drop(login::read(fields)))
            .header(COOKIE)
            .gives::<LoginResponse>(200, "A new session. `refreshToken` is null where it travels in a cookie.", &["Set-Cookie"])
            .fails(&["invalid_credentials", "mfa_required", "mfa_enrolment_required", "password_change_required", "too_many_attempts", "too_many_requests", "forbidden", "invalid_parameter"]),
        Operation::new(Method::POST, "/auth/refresh", "refreshSession", "Gets new tokens for a session.", "Each refresh gives the next refresh token. The last one, presented again within 30 seconds, gives the same next one. An older one ends the session, unless the same `Idempotency-Key` comes again.")
            .takes_schema(token)
            .header(COOKIE)
            .idempotent()
            .gives::<RefreshResponse>(200, "The session goes on with these tokens.", &["Set-Cookie", "Idempotent-Replayed"])
            .gives_nothing(204, "The request uses the cookie transport and has no cookie: nobody has signed in there.", &[])
            .fails(&["invalid_refresh_token", "too_many_requests", "forbidden"]),
        Operation::new(Method::POST, "/auth/logout", "logout", "Ends sessions.", "A refresh token, or a bearer token, says whose session ends. A repeated request gets 204 again.")
            .takes(logout::read)
            .header(COOKIE)
            .gives_nothing(204, "The sessions have ended.", &["Set-Cookie"])
            .fails(&["missing_token", "invalid_token", "forbidden", "invalid_parameter"]),
        Operation::new(Method::GET, "/auth/sessions", "listSessions", "Lists the caller's sessions.", "The session that was used last comes first.")
            .gives::<SessionList>(200, "The sessions. There are at most twenty, so there is one page.", &[])
            .fails(&["invalid_parameter"]),
        Operation::new(Method::DELETE, "/auth/sessions/{id}", "endSession", "Ends one of the caller's sessions.", "Its sockets are closed.")
            .gives_nothing(204, "The session has ended.", &[]),
        Operation::new(Method::POST, "/auth/ws-ticket", "createSocketTicket", "Gets a ticket for a socket.", "The ticket opens one socket within 30 seconds, as `?ticket=` or as the subprotocol `ticket.<ticket>`.")
            .takes(|_| ())
            .gives::<TicketResponse>(200, "The ticket.", &[])
            .fails(&["too_many_requests"]),
        Operation::new(Method::GET, "/auth/.well-known/jwks.json", "getPublicKeys", "Gets the public keys of access tokens.", "A JWK set (RFC 7517), cacheable for five minutes.")
            .gives::<JwkSet<'static>>(200, "The keys.", &[]),
    ]
}

fn users() -> Vec<Operation> {
    let ids = json!({"type": "string", "pattern": "^[^,]+(,[^,]+){0,99}$"});
    vec![
        Operation::new(Method::GET, "/auth/me", "getMe", "Gets the caller's profile.", "Also for an account that waits for approval.")
            .gives::<Profile>(200, "The profile.", &[]),
        Operation::new(Method::PATCH, "/auth/me", "updateMe", "Changes the caller's profile.", "Null clears a field. Role, approval and address are not the caller's to change.")
            .takes(|fields| drop(me_patch::read(fields)))
            .gives::<Profile>(200, "The profile as it is now.", &[]),
        Operation::new(Method::POST, "/auth/password", "changePassword", "Changes the caller's password.", "The account's other sessions end. A wrong current password counts as a failed login.")
            .takes(|fields| drop(password::read(fields)))
            .gives_nothing(204, "The password is changed.", &[])
            .fails(&["invalid_credentials", "too_many_attempts", "too_many_requests"]),
        Operation::new(Method::GET, "/auth/users", "listUsers", "Finds people.", "Active people by name; or those with these ids, names or address; for administrators also the accounts that wait for approval. At most one of `ids`, `q`, `email` and `pending`.")
            .asks("ids", "Up to 100 user ids with commas between them. Unknown ids are left out.", ids)
            .asks("q", "The beginning of a first name, last name, whole name or username.", json!({"type": "string", "minLength": 1}))
            .asks("email", "An exact address. Found by administrators, by oneself, and by people who share a project or conversation with its owner.", json!({"type": "string"}))
            .asks("pending", "Administrators: the accounts that wait for approval.", json!({"const": "true"}))
            .paged()
            .gives::<UserList>(200, "A page of directory entries, or of accounts.", &[])
            .fails(&["invalid_parameter", "forbidden"]),
        Operation::new(Method::POST, "/auth/users", "createUser", "Creates an account.", "For administrators. Without a password a mail invites the person to set one; where the environment sends no mail, the response has a one-time password.")
            .takes(|fields| drop(users_create::read(fields)))
            .gives::<NewUserResponse>(201, "The account.", &[])
            .fails(&["forbidden", "conflict"]),
        Operation::new(Method::PATCH, "/auth/users/{id}", "updateUser", "Changes an account.", "For administrators: role, approval, address, whether the next login must set a new password; or shuts the account. With other rights the person's tokens are refused and their sockets close; a refresh brings the new rights.")
            .takes(|fields| drop(users_patch::read(fields)))
            .gives::<Account>(200, "The account as it is now.", &[])
            .fails(&["forbidden", "conflict", "last_admin"]),
    ]
}

/// A page of directory entries, or, with `pending=true`, of accounts.
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum UserList {
    Entries(UserPage<Entry>),
    Accounts(UserPage<Account>),
}
