//! The auth table: its keys, items and operations.
//!
//! | item | pk | sk |
//! | --- | --- | --- |
//! | user | `USER#<userId>` | `PROFILE` |
//! | token family (one session) | `USER#<userId>` | `FAMILY#<familyId>` |
//! | e-mail address → user | `EMAIL#<address>` | `USER` |
//! | link of a mail | `USER#<userId>` | `LINK#<sha256 of its secret>` |
//! | account that was asked for | `SIGN_UP#<sha256 of address>` | `SIGN_UP` |
//! | login that needs another step | `CHALLENGE#<sha256 of its secret>` | `CHALLENGE` |
//! | mails to an address | `MAILS#<sha256 of address>` | `RATE` |
//! | failed logins of an address | `ATTEMPTS#<sha256 of address>` | `ANYWHERE`, `PLACE#<sha256 of network>` |
//! | active administrators | `ADMINS` | `ACTIVE` |
//! | account that waits for approval | `PENDING` | `<userId>` |
//! | search term of a person | `DIRECTORY` | `<term>#<userId>` |
//! | directory entry | `PERSON#<userId>` | `ENTRY` (see `access::people`) |
//! | revocations | `REVOCATIONS#<shard>` | `BUCKET#…` (see `access::revocations`) |
//! | ticket, ticket rate | `TICKET#<sha256>`, `PACE#<userId>` | (see `access::tickets`) |

mod account_status;
mod address;
mod admins;
mod attempts;
mod challenges;
mod directory;
mod due_mail;
mod links;
mod profiles;
mod second_factor;
mod sessions;
mod sign_ups;
mod token_families;
mod users;

pub(crate) use account_status::{AccountOutcome, AccountPatch, AccountStatus, AddressOutcome};
pub use address::{Address, MalformedAddress};
pub(crate) use address::{MALFORMED_ADDRESS, normalized};
pub(crate) use attempts::{Attempt, Lock};
pub(crate) use challenges::{CHALLENGE_SECONDS, Challenge, ChallengePurpose};
pub(crate) use directory::folded;
pub(crate) use due_mail::DueMail;
pub(crate) use links::{LinkPurpose, LinkToken, StoredLink};
pub(crate) use profiles::{LENGTH as PROFILE_LENGTH, ProfilePatch};
pub(crate) use sessions::{LoginProof, PasswordReset};
pub(crate) use sign_ups::SignUpToken;
pub(crate) use token_families::{Rotation, TokenFamily};
pub(crate) use users::Account;
pub use users::{NewUser, Profile, User};

use shared_utils::dynamo::Store;

/// The maximum number of concurrent sessions of a user.
pub(crate) const MAX_FAMILIES: usize = 20;

/// Labels for the writes in this table's transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    /// The user's item.
    Account,
    /// The item that maps an address to its user.
    Address,
    /// The set of active administrators.
    Admins,
    /// The counts of failed logins.
    Attempts,
    /// The directory entry.
    Person,
    /// The records of pictures.
    Picture,
    /// The person's search terms.
    Terms,
    /// The list of accounts that wait for approval.
    Pending,
    /// The session that the transaction is about.
    Session,
    /// The account's other sessions.
    OtherSessions,
    /// Links of mails to the person.
    Links,
    /// The challenge of a login with several steps.
    Challenge,
    /// The sign-up that becomes an account.
    SignUp,
    Revocations,
}

/// Access to the auth table.
#[derive(Clone)]
pub struct AuthStore {
    store: Store,
    table: String,
}

impl AuthStore {
    /// Creates the store for this table.
    pub fn new(store: Store, table: String) -> Self {
        Self { store, table }
    }
}
