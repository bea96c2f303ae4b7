//! Every error code: its status, when it comes, and what a client does.

/// An error code.
pub struct Code {
    /// The code.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// When it comes.
    pub when: &'static str,
    /// What a client does.
    pub then: &'static str,
}

const fn code(code: &'static str, status: u16, when: &'static str, then: &'static str) -> Code {
    Code { code, status, when, then }
}

/// Every error code of the HTTP API and of the socket.
pub const CODES: &[Code] = &[
    code("invalid_json", 400, "The body or frame is not one JSON object in UTF-8 with at most 16 levels.", "Correct the request."),
    code("invalid_parameter", 400, "A query parameter or header is unknown, repeated or out of range.", "Correct the request."),
    code("invalid_cursor", 400, "The cursor was altered, or given for another caller, route or filter.", "Begin again without a cursor."),
    code("invalid_link", 400, "The link of a mail was used, has expired, or is unknown.", "Ask for a new mail."),
    code("unknown_action", 400, "A frame has an action that does not exist.", "Correct the frame."),
    code("missing_token", 401, "The request has no bearer token.", "Sign in, or send the token."),
    code("invalid_token", 401, "The access token is malformed or not current.", "Refresh once, then repeat the request."),
    code("token_expired", 401, "The access token has expired.", "Refresh once, then repeat the request."),
    code("session_revoked", 401, "The session has ended.", "Sign in again."),
    code("invalid_credentials", 401, "The address or the password is wrong.", "Ask again. Do not retry."),
    code("invalid_challenge", 401, "The challenge of a login was used, has expired, or is unknown.", "Begin the login again."),
    code("invalid_code", 401, "The code of a login's second step is wrong, or was used.", "Ask again. Do not retry."),
    code("invalid_refresh_token", 401, "The refresh token is malformed, used or expired.", "Sign in again."),
    code("auth_expired", 401, "The token of the connection has expired.", "Send `auth` with a fresh token within a minute."),
    code("forbidden", 403, "The caller may see the resource, and may not do this.", "Do not offer it."),
    code("invalid_credentials", 403, "The current password is wrong.", "Ask again. Do not retry."),
    code("invalid_code", 403, "The code that confirms a change is wrong, or was used.", "Ask again. Do not retry."),
    code(
        "mfa_required",
        403,
        "The password is right. The login needs a code of the second factor.",
        "Ask for the code, and send it with `challenge` to `/auth/login/mfa`.",
    ),
    code(
        "mfa_enrolment_required",
        403,
        "The password is right. This person must set up a second factor first.",
        "Send `challenge` to `/auth/login/mfa/enrol`, show the secret, then send a code to `/auth/login/mfa`.",
    ),
    code(
        "password_change_required",
        403,
        "The password is right. An administrator requires a new one.",
        "Ask for a new password, and send it with `challenge` to `/auth/login/password`.",
    ),
    code("account_pending", 403, "The account waits for approval.", "Show that it waits."),
    code("not_found", 404, "There is no such resource, or the caller may not see it.", "Remove it from the screen."),
    code("method_not_allowed", 405, "The path has other methods; `Allow` lists them.", "Correct the request."),
    code("conflict", 409, "The state of the resource does not allow this; `detail` says why.", "Show `detail`."),
    code("last_owner", 409, "The project would have no owner.", "Make someone else owner first."),
    code("last_admin", 409, "There would be no active administrator.", "Make someone else administrator first."),
    code("deleted", 409, "Only a tombstone is left of the message.", "Show the tombstone."),
    code("cursor_expired", 410, "The sync cursor is too old.", "Fetch everything again, then sync from a new cursor."),
    code("version_mismatch", 412, "The resource has changed; `ETag` names the present version.", "Fetch it, apply the change to it, try again."),
    code("payload_too_large", 413, "The body or frame is too large.", "Send less."),
    code("unsupported_media_type", 415, "The body is not `application/json`, or is encoded.", "Correct the request."),
    code("validation_failed", 422, "Values are not valid; `errors` lists each of them.", "Show each error at its field."),
    code("idempotency_mismatch", 422, "The `Idempotency-Key` or `optimisticId` was used for something else.", "Use another one for another request."),
    code("too_many_attempts", 429, "The address is locked after failed attempts.", "Wait as `Retry-After` says."),
    code("too_many_requests", 429, "A rate limit is reached.", "Wait as `Retry-After` or `retryAfterMs` says."),
    code("internal", 500, "Something went wrong, and was logged.", "Show that it failed. Repeat only what is idempotent."),
    code("unavailable", 503, "The service is busy.", "Wait as `Retry-After` says, then repeat what is idempotent."),
];

/// The codes of one value that is not valid.
pub const FIELD_CODES: &[&str] = &[
    "blank",
    "duplicate",
    "invalid_value",
    "out_of_range",
    "read_only",
    "required",
    "too_common",
    "too_large",
    "too_long",
    "too_many",
    "too_short",
    "unknown_field",
    "wrong_type",
];

/// The statuses of a code: one, or two for `invalid_credentials`.
pub fn of(name: &str) -> impl Iterator<Item = &'static Code> {
    CODES.iter().filter(move |code| code.code == name)
}
