//! `DynamoDB` calls. Expected outcomes are values. Every other failure is one of two kinds: busy or broken.
//!
//! | module | contents |
//! | --- | --- |
//! | `item` | keys, items, attributes, and conversions of typed values |
//! | `error` | which SDK errors mean busy and which mean broken |
//! | `expression` | conditions and updates with their names and values |
//! | `bucket` | a rate limit that an update counts |
//! | `transaction` | transactions of named writes, and the result of each write |
//! | `retry` | retries after another writer was faster |
//! | `store` | the typed calls |

mod bucket;
mod error;
mod expression;
mod item;
mod retry;
mod store;
mod transaction;

pub use bucket::ItemBucket;
pub use error::StoreError;
pub use expression::{Condition, Update};
pub use item::{Item, Key, from_item, from_json, n, s, to_attribute, to_item, to_json};
pub use retry::{Attempt, RetryPolicy, retry_in_crowd, retry_on_conflict};
pub use store::{PartitionQuery, QueryPage, Store};
pub use transaction::{Outcome, TransactWrite, Transaction, Verdict, check, delete, delete_if, put, put_if, update};
