//! Search terms of the directory: one small item per name of a person, all in one partition, sorted by term. An item has only the person's id and
//! terms; the displayed fields are read from the directory entries.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use shared_utils::dynamo::{Item, Key, PartitionQuery, StoreError, TransactWrite, delete, from_item, put, s, to_item};
use shared_utils::http::Error;
use shared_utils::ids::UserId;
use shared_utils::text;

use super::{AuthStore, Profile};

const PARTITION: &str = "DIRECTORY";
/// The longest term, in characters. A `DynamoDB` sort key has at most 1,024 bytes.
const MAX_TERM: usize = 100;

/// One search term of a person.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    user_id: UserId,
    /// All terms of this person. A search lists the person once, under the first term that matches.
    terms: BTreeSet<String>,
    /// Whether the list of everyone shows the person under this term (the whole name). If absent, the longest term is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is_listed: Option<bool>,
}

/// A page of people who have a name with the requested prefix.
pub(crate) struct Found {
    pub(crate) users: Vec<UserId>,
    /// The sort key after which the next page starts.
    pub(crate) next: Option<String>,
}

/// A text in the form in which names are compared, cut to the longest term.
pub(crate) fn folded(text: &str) -> String {
    text::excerpt(&text::folded(text), MAX_TERM).to_owned()
}

/// The search terms of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    all: BTreeSet<String>,
    /// The term for the list of everyone: the whole name, else the username. Empty if the person has neither.
    listed: String,
}

impl Terms {
    /// No terms: nobody can find the person.
    pub(crate) const fn none() -> Self {
        Self { all: BTreeSet::new(), listed: String::new() }
    }

    pub(crate) fn of(profile: &Profile) -> Self {
        let [first, last, username] =
            [&profile.first_name, &profile.last_name, &profile.username].map(|name| folded(name.as_deref().unwrap_or_default()));
        let whole = folded(&format!("{first} {last}"));
        let listed = if whole.is_empty() { username.clone() } else { whole.clone() };
        let mut all: BTreeSet<String> = [first, last, username, whole].into_iter().filter(|term| !term.is_empty()).collect();
        // A person without a name is listed too, under the empty term. No search has an empty prefix.
        all.insert(listed.clone());
        Self { all, listed }
    }
}

fn term_key(term: &str, user: UserId) -> Key {
    Key::new(PARTITION, format!("{term}#{user}"))
}

impl AuthStore {
    /// The writes that change a person's terms from `before` to `after`.
    pub(crate) fn terms_change(&self, user: UserId, before: &Terms, after: &Terms) -> Result<Vec<TransactWrite>, StoreError> {
        if before == after {
            return Ok(Vec::new());
        }
        let mut writes: Vec<_> = before.all.difference(&after.all).map(|term| delete(&self.table, term_key(term, user))).collect();
        for term in &after.all {
            let kept = Term { user_id: user, terms: after.all.clone(), is_listed: Some(*term == after.listed) };
            let item = to_item(term_key(term, user), "directoryTerm", &kept)?;
            writes.push(put(&self.table, item));
        }
        Ok(writes)
    }

    /// People with a name that starts with `query`, sorted by that name, from `start` on. If `query` is empty: everyone, sorted by whole name. One
    /// call.
    pub(crate) async fn find_people(&self, query: &str, limit: usize, start: Option<String>) -> Result<Found, Error> {
        // A key value cannot be empty.
        let range = Some(("sk", if query.is_empty() { "!".to_owned() } else { query.to_owned() }, format!("{query}{}", char::MAX)));
        let page = PartitionQuery { range, limit: Some(limit), ..PartitionQuery::all(&self.table, PARTITION) };
        let start = start.map(|sk| Item::from([("pk".to_owned(), s(PARTITION)), ("sk".to_owned(), s(sk))]));
        let page = self.store.query_page(&page, start).await?;
        let mut users = Vec::new();
        for item in page.items {
            let sk = item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
            let term: Term = from_item(item)?;
            let first = term.terms.iter().find(|term| term.starts_with(query));
            if query.is_empty() {
                let is_longest =
                    || term.terms.iter().max_by_key(|term| term.len()).is_some_and(|longest| sk == format!("{longest}#{}", term.user_id));
                if term.is_listed.unwrap_or_else(is_longest) {
                    users.push(term.user_id);
                }
            } else if first.is_some_and(|first| sk == format!("{first}#{}", term.user_id)) {
                users.push(term.user_id);
            }
        }
        let next = page.last.and_then(|key| key.get("sk")?.as_s().ok().cloned());
        Ok(Found { users, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_case_folded_and_never_empty() {
        assert_eq!(folded("  Ana   ROY "), "ana roy");
        assert_eq!(folded("ŽLUŤÁK"), "žluťák");
        assert_eq!(folded(" \t"), "");
    }
}
