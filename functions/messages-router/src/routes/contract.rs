//! What the generated contract says of these routes. Not linked into the function.

use files::contract::FileRoutes;
use files::{FileLimits, OwnerKind};
use http::Method;
use messaging::conversation::ConversationView;
use messaging::message::{Message, read_new_text};
use serde_json::{Value, json};
use shared_utils::contract::{Operation, Recorder, cursor_schema};
use shared_utils::ids::UserId;

use super::conversations_list::ConversationPage;
use super::messages_list::MessagePage;
use super::notifications_list::NotificationPage;
use super::sync::SyncPage;
use super::{conversation_read, conversation_rename, conversations_open, messages_send, notifications_read};

const SEQ: &str = "The number of a message in its conversation.";

const FILES: FileRoutes = FileRoutes {
    files: "/messages/conversations/{id}/files",
    file: "/messages/conversations/{id}/files/{fileId}",
    complete: "/messages/conversations/{id}/files/{fileId}/complete",
    ids: ["listConversationFiles", "createConversationFile", "completeConversationFile", "getConversationFile", "deleteConversationFile"],
    readers: "For everybody who takes part.",
    writers: "For everybody who takes part. Only the uploader, or an owner of the project, deletes a file.",
    are_attached: true,
};

/// A body for each kind of conversation.
fn opened() -> Value {
    let nobody = UserId::from_bytes([0; 16]);
    let mut kinds =
        ["direct", "group", "project"].map(|kind| Recorder::record_with("type", kind, |fields| drop(conversations_open::read(fields, nobody))));
    // One other person at least.
    for kind in &mut kinds[..2] {
        kind["properties"]["participants"]["minItems"] = json!(1);
    }
    json!({"oneOf": kinds})
}

/// A text, attachments, or both.
fn sent() -> Value {
    let mut schema = Recorder::record(|fields| drop(messages_send::read(fields)));
    messaging::message::allow_attachments_alone(&mut schema);
    schema
}

/// A text that must be there, but may be null or empty where the message has attachments.
fn edited() -> Value {
    let mut schema = Recorder::record(|fields| drop(read_new_text(fields)));
    messaging::message::allow_no_text(&mut schema);
    schema
}

/// Every operation of this function.
pub fn operations() -> Vec<Operation> {
    let mut all = conversations();
    all.extend(messages());
    all.extend(files::contract::operations(&FILES, FileLimits::of(OwnerKind::Conversation).file));
    all.extend(notifications());
    all
}

/// One notification and all before it, or some.
fn marked() -> Value {
    let mut schema = Recorder::record(|fields| drop(notifications_read::read(fields)));
    schema["anyOf"] = json!([{"required": ["upTo"]}, {"required": ["notificationIds"]}]);
    schema
}

fn notifications() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/messages/notifications",
            "listNotifications",
            "Lists the caller's notifications.",
            "The latest comes first. They are kept for 90 days.",
        )
        .asks("unread", "`true`: only those that are not read.", json!({"type": "string", "enum": ["true", "false"]}))
        .paged()
        .gives::<NotificationPage>(200, "A page of notifications.", &[])
        .fails(&["invalid_parameter"]),
        Operation::new(
            Method::PUT,
            "/messages/notifications/read",
            "markNotificationsRead",
            "Marks notifications as read.",
            "Either some, or one and all before it. Ids that are unknown, someone else's or already marked change nothing.",
        )
        .takes_schema(marked())
        .gives_nothing(204, "They are read.", &[]),
    ]
}

fn conversations() -> Vec<Operation> {
    const PARTICIPANT: &str = "/messages/conversations/{id}/participants/{userId}";
    vec![
        Operation::new(Method::GET, "/messages/conversations", "listConversations", "Lists the caller's conversations.", "The latest activity comes first.")
            .paged()
            .gives::<ConversationPage>(200, "A page of conversations.", &[])
            .fails(&["invalid_parameter"]),
        Operation::new(Method::POST, "/messages/conversations", "openConversation", "Opens a conversation, or finds the one that exists.", "Two people have one direct conversation, a project has one.")
            .takes_schema(opened())
            .idempotent()
            .gives::<ConversationView>(200, "The conversation existed.", &[])
            .gives::<ConversationView>(201, "The conversation was created.", &["Location", "Idempotent-Replayed"])
            .fails(&["conflict", "not_found"]),
        Operation::new(Method::GET, "/messages/conversations/{id}", "getConversation", "Gets a conversation.", "As the caller sees it.")
            .gives::<ConversationView>(200, "The conversation.", &[]),
        Operation::new(Method::PATCH, "/messages/conversations/{id}", "renameConversation", "Renames a group.", "For the person who opened the group.")
            .takes(|fields| drop(conversation_rename::read(fields)))
            .gives::<ConversationView>(200, "The conversation as it is now.", &[])
            .fails(&["forbidden", "conflict"]),
        Operation::new(Method::PUT, "/messages/conversations/{id}/read", "markConversationRead", "Moves the caller's read marker.", "The marker only moves forward.")
            .takes(|fields| {
                conversation_read::read(fields);
            })
            .gives_nothing(204, "Everything up to `seq` counts as read.", &[]),
        Operation::new(Method::PUT, PARTICIPANT, "addParticipant", "Adds someone to a group.", "For the person who opened the group. A group has at most 50 people.")
            .gives_nothing(204, "The person takes part.", &[])
            .fails(&["forbidden", "conflict"]),
        Operation::new(Method::DELETE, PARTICIPANT, "removeParticipant", "Removes someone from a group.", "For the person who opened the group. Anyone may leave.")
            .gives_nothing(204, "The person takes part no longer.", &[])
            .fails(&["forbidden", "conflict"]),
        Operation::new(Method::GET, "/messages/sync", "sync", "Gets what has changed since a cursor.", "Without `since` the response has only the cursor of this moment. A client that was away applies the changes page by page until `more` is false.")
            .asks("since", "The cursor of the response before.", cursor_schema())
            .asks("limit", "How many changes a page has at most. More than 100 counts as 100.", json!({"type": "integer", "minimum": 1, "default": 50}))
            .gives::<SyncPage>(200, "A page of changes.", &[])
            .fails(&["invalid_parameter", "invalid_cursor", "cursor_expired"]),
    ]
}

fn messages() -> Vec<Operation> {
    const REACTION: &str = "/messages/{id}/reactions/{emoji}";
    vec![
        Operation::new(
            Method::GET,
            "/messages/conversations/{id}/messages",
            "listMessages",
            "Lists messages of a conversation.",
            "The newest first; with `afterSeq` the oldest first. At most one of `cursor`, `beforeSeq` and `afterSeq`.",
        )
        .asks("beforeSeq", SEQ, json!({"type": "integer", "minimum": 0}))
        .asks("afterSeq", SEQ, json!({"type": "integer", "minimum": 0}))
        .paged()
        .gives::<MessagePage>(200, "A page of messages.", &[])
        .fails(&["invalid_parameter"]),
        Operation::new(
            Method::POST,
            "/messages/conversations/{id}/messages",
            "sendMessage",
            "Sends a message.",
            "The response means that the message is durable. A repeated `optimisticId` of the same sender gives the message that exists.",
        )
        .takes_schema(sent())
        .gives::<Message>(201, "The message.", &["Location", "ETag"])
        .gives::<Message>(200, "The message was sent before under this `optimisticId`.", &["ETag", "Idempotent-Replayed"])
        .fails(&["too_many_requests", "idempotency_mismatch"]),
        Operation::new(Method::GET, "/messages/{id}", "getMessage", "Gets a message.", "Of a deleted message a tombstone is left.")
            .cacheable()
            .gives::<Message>(200, "The message.", &["ETag"]),
        Operation::new(Method::PATCH, "/messages/{id}", "editMessage", "Edits a message.", "For its author.")
            .takes_schema(edited())
            .conditional()
            .gives::<Message>(200, "The message as it is now.", &["ETag"])
            .fails(&["forbidden", "deleted"]),
        Operation::new(
            Method::DELETE,
            "/messages/{id}",
            "deleteMessage",
            "Deletes a message.",
            "For its author, or for an owner of the project. Text and attachments are erased; a tombstone is left.",
        )
        .conditional()
        .gives_nothing(204, "Only a tombstone is left.", &[])
        .fails(&["forbidden"]),
        Operation::new(
            Method::PUT,
            REACTION,
            "addReaction",
            "Adds the caller's reaction.",
            "One emoji of Unicode's RGI set, percent-encoded. A reaction that is there already changes nothing.",
        )
        .conditional()
        .gives::<Message>(200, "The message as it is now.", &["ETag"])
        .fails(&["deleted", "validation_failed"]),
        Operation::new(
            Method::DELETE,
            REACTION,
            "removeReaction",
            "Takes the caller's reaction back.",
            "A reaction that is not there changes nothing.",
        )
        .conditional()
        .gives::<Message>(200, "The message as it is now.", &["ETag"])
        .fails(&["deleted", "validation_failed"]),
    ]
}
