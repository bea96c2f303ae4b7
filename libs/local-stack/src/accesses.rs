//! What a call to `DynamoDB` or S3 accesses, and whether a role allows it, as IAM decides it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::declaration::{Declaration, Permission};

/// One IAM action on a table or an index, with the partition keys that it touches: IAM's `dynamodb:LeadingKeys`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// The action without `dynamodb:`, such as `GetItem`. The parts of a transaction have actions of their own.
    pub action: String,
    /// The table's full name.
    pub table: String,
    /// The index of a query.
    pub index: Option<String>,
    /// The partition keys.
    pub keys: BTreeSet<String>,
}

/// The members of requests that name items. No other member is read, because items may contain anything.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct OneItem {
    table_name: String,
    index_name: Option<String>,
    key: Option<Item>,
    item: Option<Item>,
    expression_attribute_values: QueryValues,
}

#[derive(Default, Deserialize)]
struct Item {
    pk: Text,
}

#[derive(Default, Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

/// The partition of a query. Every query of ours has this name for it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct QueryValues {
    #[serde(rename = ":partition")]
    partition: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchGet {
    request_items: BTreeMap<String, Keys>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    keys: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchWrite {
    request_items: BTreeMap<String, Vec<BatchPart>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchPart {
    put_request: Option<OneItem>,
    delete_request: Option<OneItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Transaction {
    transact_items: Vec<BTreeMap<String, OneItem>>,
}

fn keys(items: impl IntoIterator<Item = Option<Item>>) -> BTreeSet<String> {
    items.into_iter().flatten().map(|item| item.pk.text).collect()
}

impl OneItem {
    fn access(self, action: &str) -> Access {
        let mut keys = keys([self.key, self.item]);
        keys.extend(self.expression_attribute_values.partition.filter(|_| action == "Query").map(|partition| partition.text));
        Access { action: action.to_owned(), table: self.table_name, index: self.index_name, keys }
    }
}

/// What a request accesses.
pub(crate) fn accesses(action: &str, body: &[u8]) -> Vec<Access> {
    fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
        serde_json::from_slice(body).ok()
    }
    let of_tables = |tables: Vec<(String, BTreeSet<String>)>| {
        tables.into_iter().map(|(table, keys)| Access { action: action.to_owned(), table, index: None, keys }).collect()
    };
    match action {
        "BatchGetItem" => read::<BatchGet>(body)
            .map(|request| of_tables(request.request_items.into_iter().map(|(table, all)| (table, keys(all.keys.into_iter().map(Some)))).collect())),
        "BatchWriteItem" => read::<BatchWrite>(body).map(|request| {
            let of_part = |part: BatchPart| [part.put_request.and_then(|put| put.item), part.delete_request.and_then(|delete| delete.key)];
            of_tables(request.request_items.into_iter().map(|(table, parts)| (table, keys(parts.into_iter().flat_map(of_part)))).collect())
        }),
        "TransactWriteItems" | "TransactGetItems" => read::<Transaction>(body).map(|request| {
            // A transaction needs the permissions of its parts.
            let name = |part: &str| if part == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { format!("{part}Item") };
            request.transact_items.into_iter().flatten().map(|(part, item)| item.access(&name(&part))).collect()
        }),
        _ => read::<OneItem>(body).map(|item| if item.table_name.is_empty() { Vec::new() } else { vec![item.access(action)] }),
    }
    .unwrap_or_default()
}

/// Whether a text matches a pattern with `*` and `?`, as IAM's `StringLike` does.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| is_like(&text[at..], rest.as_str())),
        Some(wanted) => {
            let mut own = text.chars();
            own.next().is_some_and(|first| (wanted == '?' || wanted == first) && is_like(own.as_str(), rest.as_str()))
        }
    }
}

impl Permission {
    /// Whether this statement names the action on the table or index.
    fn names(&self, declaration: &Declaration, access: &Access) -> bool {
        let is_table = self.table.as_ref().is_some_and(|table| declaration.table_name(table) == access.table);
        is_table && self.index == access.index && self.actions.contains(&access.action)
    }

    /// Whether this statement allows the access. IAM's `ForAllValues` also holds when there is no key at all. Here it does not: a call whose keys
    /// are not known is not one that a role was written for.
    pub fn allows(&self, declaration: &Declaration, access: &Access) -> bool {
        let is_listed = |key: &String| self.leading_keys.iter().any(|pattern| is_like(key, pattern));
        self.names(declaration, access) && (self.leading_keys.is_empty() || !access.keys.is_empty() && access.keys.iter().all(is_listed))
    }

    /// Whether this statement allows an S3 action on an object. `bucket` is the full name.
    pub fn allows_object(&self, declaration: &Declaration, action: &str, bucket: &str, key: &str) -> bool {
        let has_prefix = self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()));
        self.names_bucket(declaration, action, bucket) && has_prefix
    }

    fn names_bucket(&self, declaration: &Declaration, action: &str, bucket: &str) -> bool {
        let is_bucket = self.bucket.as_ref().is_some_and(|short| declaration.bucket_name(short) == bucket);
        is_bucket && self.actions.iter().any(|allowed| allowed == action)
    }
}

impl Declaration {
    /// Whether the role of a function allows an access: one statement must allow all its keys.
    pub fn allows(&self, function: &str, access: &Access) -> bool {
        self.permissions(function).any(|permission| permission.allows(self, access))
    }

    /// Whether the role of a function allows an S3 action on an object. `bucket` is the full name.
    pub fn allows_object(&self, function: &str, action: &str, bucket: &str, key: &str) -> bool {
        self.permissions(function).any(|permission| permission.allows_object(self, action, bucket, key))
    }

    /// Whether the role of a function may list a bucket. Only then is it told that an object does not exist.
    pub fn allows_list(&self, function: &str, bucket: &str) -> bool {
        self.permissions(function).any(|permission| permission.names_bucket(self, "ListBucket", bucket))
    }

    fn permissions(&self, function: &str) -> impl Iterator<Item = &Permission> {
        self.functions.get(function).into_iter().flat_map(|function| &function.permissions)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(action: &str, request: &serde_json::Value) -> Vec<(String, Vec<String>)> {
        let all = accesses(action, request.to_string().as_bytes());
        all.into_iter().map(|access| (format!("{} {}", access.action, access.table), access.keys.into_iter().collect())).collect()
    }

    #[test]
    fn the_keys_of_every_kind_of_request_are_found() {
        let item = |pk: &str| json!({"pk": {"S": pk}, "sk": {"S": "x"}, "$serde_json::private::Number": {"S": "a name as any other"}});
        let one = |action: &str, keys: &[&str]| vec![(format!("{action} t"), keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>())];
        assert_eq!(of("GetItem", &json!({"TableName": "t", "Key": item("a")})), one("GetItem", &["a"]));
        assert_eq!(of("PutItem", &json!({"TableName": "t", "Item": item("a")})), one("PutItem", &["a"]));
        let query = json!({"TableName": "t", "ExpressionAttributeValues": {":partition": {"S": "a"}, ":from": {"S": "b"}}});
        assert_eq!(of("Query", &query), one("Query", &["a"]));
        assert_eq!(of("BatchGetItem", &json!({"RequestItems": {"t": {"Keys": [item("a"), item("b")]}}})), one("BatchGetItem", &["a", "b"]));
        let writes = json!({"RequestItems": {"t": [{"PutRequest": {"Item": item("a")}}, {"DeleteRequest": {"Key": item("b")}}]}});
        assert_eq!(of("BatchWriteItem", &writes), one("BatchWriteItem", &["a", "b"]));
        let parts = json!({"TransactItems": [
            {"Put": {"TableName": "t", "Item": item("a")}}, {"Update": {"TableName": "t", "Key": item("b")}},
            {"Delete": {"TableName": "t", "Key": item("c")}}, {"ConditionCheck": {"TableName": "t", "Key": item("d")}},
        ]});
        let expected: Vec<_> = [("PutItem", "a"), ("UpdateItem", "b"), ("DeleteItem", "c"), ("ConditionCheckItem", "d")]
            .iter()
            .flat_map(|(action, key)| one(action, &[key]))
            .collect();
        assert_eq!(of("TransactWriteItems", &parts), expected);
    }

    #[test]
    fn foreign_keys_are_denied() {
        let declaration = Declaration::read().unwrap();
        let allows = |function: &str, action: &str, table: &str, keys: &[&str]| {
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            declaration.allows(function, &Access { action: action.to_owned(), table: declaration.table_name(table), index: None, keys })
        };
        assert!(allows("ws-provider", "DeleteItem", "auth", &["TICKET#1"]));
        assert!(allows("messages-router", "BatchGetItem", "projects", &["PROJECT#1", "PROJECT#2"]));
        for (function, action, table, keys) in [
            ("ws-provider", "DeleteItem", "auth", ["PERSON#1"].as_slice()),
            ("ws-provider", "BatchGetItem", "auth", &["REVOCATIONS#1", "PERSON#1"]),
            ("messages-router", "BatchGetItem", "projects", &["PROJECT#1", "IDEMPOTENCY#1"]),
            ("messages-router", "PutItem", "projects", &["PROJECT#1"]),
            ("projects-router", "GetItem", "auth", &["PERSON#1"]),
            ("auth-router", "Query", "messages", &["SENT#1"]),
            // IAM would allow it: an absent key is in every list.
            ("auth-router", "Query", "messages", &[]),
        ] {
            assert!(!allows(function, action, table, keys), "{function} {action} {table} {keys:?}");
        }
    }

    #[test]
    fn objects_outside_the_prefixes_are_denied() {
        let mut declaration = Declaration::read().unwrap();
        let permission = |actions: &[&str], prefixes: &[&str]| Permission {
            bucket: Some("files".to_owned()),
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
            ..Permission::default()
        };
        let role = &mut declaration.functions.get_mut("projects-router").unwrap().permissions;
        role.clear();
        role.extend([permission(&["GetObject"], &["projects/"]), permission(&["PutObject"], &[])]);
        let allows =
            |action: &str, bucket: &str, key: &str| declaration.allows_object("projects-router", action, &declaration.bucket_name(bucket), key);
        assert!(allows("GetObject", "files", "projects/1") && allows("PutObject", "files", "other"));
        assert!(!allows("GetObject", "files", "other") && !allows("GetObject", "files", "a/projects/"));
        assert!(!allows("DeleteObject", "files", "projects/1") && !allows("GetObject", "other", "projects/1"));
        assert!(!declaration.allows_object("ws-provider", "GetObject", &declaration.bucket_name("files"), "projects/1"));
        assert!(!declaration.allows_list("projects-router", &declaration.bucket_name("files")));
    }

    #[test]
    fn patterns_are_those_of_iam() {
        assert!(is_like("CONVERSATION#1", "CONVERSATION#*") && is_like("a", "?") && is_like("", "*") && is_like("abc", "a*c"));
        assert!(!is_like("XCONVERSATION#1", "CONVERSATION#*") && !is_like("", "?") && !is_like("REVOCATIONS#1", "REVOCATIONS"));
    }
}
