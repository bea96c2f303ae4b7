//! `DynamoDB` with the outcomes that we expect as values, and all else as two kinds of failure: busy, or broken.
//!
//! | module | room |
//! | --- | --- |
//! | `item` | keys, items, attributes, and typed values as those |
//! | `error` | which SDK errors mean busy and which mean broken |
//! | `expression` | update and condition expressions with their names and values |
//! | `bucket` | a rate that is counted by an update |
//! | `transaction` | the parts of a transaction, and why one did not happen |
//! | `retry` | trying again after a lost race |
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
pub use expression::Expression;
pub use item::{Item, Key, from_item, from_json, n, s, to_attribute, to_item, to_json};
pub use retry::Retry;
pub use store::{Page, PartitionQuery, Store};
pub use transaction::{TransactError, Verdict, absent_or_expired, check, delete, delete_when, put, put_when, update};
