//! `DynamoDB` with the outcomes that we expect as values, and all else as two kinds of failure: busy, or broken.
//!
//! | module | what it has |
//! | --- | --- |
//! | `item` | keys, items, attributes, and typed values as those |
//! | `error` | which SDK errors mean busy and which mean broken |
//! | `expression` | conditions and updates with their names and values |
//! | `bucket` | a rate that is counted by an update |
//! | `transaction` | transactions of named writes, and what became of each |
//! | `retry` | trying again when another writer was faster |
//! | `store` | the calls |

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
pub use retry::{Attempt, RetryPolicy, retry_on_conflict};
pub use store::{PartitionQuery, QueryPage, Store};
pub use transaction::{Outcome, TransactWrite, Transaction, Verdict, check, delete, put, put_if, update};
