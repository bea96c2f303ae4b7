//! Users, their addresses and their directory entries.

use std::collections::BTreeSet;

use access::people::{Person, person_key};
use access::session::Session;
use aws_sdk_dynamodb::types::AttributeValue;
use mail::LetterKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared_utils::auth::Role;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{
    Condition, Key, PartitionQuery, StoreError, TransactWrite, Transaction, Update, delete, from_item, put, put_if, s, to_item,
};
use shared_utils::http::Error;
use shared_utils::ids::UserId;

use super::address::normalized;
use super::admins::AdminChange;
use super::directory::Terms;
use super::due_mail::DueMail;
use super::links::StoredLink;
use super::second_factor::SecondFactor;
use super::token_families::TokenFamily;
use super::{AccountStatus, Address, AuthStore, SignUpToken, Write};

/// A user as stored in the table.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The part that the user sees.
    #[serde(flatten)]
    pub profile: Profile,
    /// The authorization version. Incremented when role, pending or disabled changes.
    pub version: u64,
    /// Counts all sessions that were ever added. Changes of all sessions are conditional on it, so that none is added meanwhile.
    #[serde(default)]
    pub(crate) logins: u64,
    /// Whether an administrator disabled the account.
    pub disabled: bool,
    /// The password hash, as a PHC string.
    pub(crate) password_hash: String,
    /// The mails to this person that were not sent yet, each as `<kind>:<address>`.
    #[serde(default, skip_serializing)]
    pub(crate) unsent_mail: BTreeSet<String>,
    /// Whether the next login must set a new password.
    #[serde(default, skip_serializing)]
    pub(crate) password_expired: bool,
    /// The second factor, if it is on.
    #[serde(flatten, skip_serializing)]
    pub(crate) second_factor: SecondFactor,
}

impl User {
    /// The user's rights.
    pub(crate) fn status(&self) -> AccountStatus {
        AccountStatus { role: self.profile.role, pending: self.profile.pending, disabled: self.disabled }
    }
}

/// A user with everything in the user's partition.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) user: Option<User>,
    pub(crate) families: Vec<TokenFamily>,
    pub(crate) links: Vec<StoredLink>,
}

/// A user's profile in the API format. Absent values are null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The user's id.
    pub user_id: UserId,
    /// The e-mail address, normalized.
    pub email: String,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Username.
    pub username: Option<String>,
    /// Role in the studio.
    pub role: Role,
    /// Occupation.
    pub occupation: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// Phone number.
    pub phone_number: Option<String>,
    /// Storage key of a picture.
    pub thumbnail: Option<String>,
    /// Whether the account waits for approval.
    pub pending: bool,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

impl Profile {
    fn person(&self, disabled: bool) -> Person {
        Person {
            user_id: self.user_id,
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            username: self.username.clone(),
            thumbnail: self.thumbnail.clone(),
            role: self.role,
            occupation: self.occupation.clone(),
            pending: self.pending,
            disabled,
        }
    }
}

/// The input for a new user.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// E-mail address.
    pub email: Address,
    /// The password hash, as a PHC string.
    pub password_hash: String,
    /// Role in the studio.
    pub role: Role,
    /// First name, in NFC.
    pub first_name: Option<String>,
    /// Last name, in NFC.
    pub last_name: Option<String>,
    /// Whether the account waits for approval.
    pub pending: bool,
    /// The mail that the person gets about the new account.
    pub mail: Option<LetterKind>,
}

pub(crate) fn email_key(email: &str) -> Key {
    Key::new(format!("EMAIL#{}", normalized(email)), "USER")
}

pub(crate) fn user_key(user: UserId) -> Key {
    Key::new(format!("USER#{user}"), "PROFILE")
}

fn pending_key(user: UserId) -> Key {
    Key::new("PENDING", user.to_string())
}

impl AuthStore {
    /// Reads a user by id.
    pub(crate) async fn user(&self, user: UserId) -> Result<Option<User>, StoreError> {
        self.store.get(&self.table, &user_key(user)).await
    }

    /// A user and all their sessions, in one call. The user is read first: a session that is missing here increments `logins` after this read.
    pub(crate) async fn user_with_token_families(&self, user: UserId) -> Result<(Option<User>, Vec<TokenFamily>), StoreError> {
        // `PROFILE` sorts after `FAMILY#…`.
        let Account { user, families, .. } = self.account(user).await?;
        Ok((user, families))
    }

    /// A user with all sessions and links, in one call. The user is read first.
    pub(crate) async fn account(&self, user: UserId) -> Result<Account, StoreError> {
        let query = PartitionQuery { descending: true, ..PartitionQuery::all(&self.table, format!("USER#{user}")) };
        let mut account = Account::default();
        for item in self.store.query_all(&query).await? {
            match item.get("type").and_then(|kind| kind.as_s().ok()).map(String::as_str) {
                Some("user") => account.user = Some(from_item(item)?),
                Some("family") => account.families.push(from_item(item)?),
                Some("link") => account.links.push(StoredLink::from_item(item)?),
                _ => {}
            }
        }
        Ok(account)
    }

    /// The users with these ids. Unknown ids are left out.
    pub(crate) async fn users(&self, users: &[UserId]) -> Result<Vec<User>, StoreError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: Vec<_> = users.iter().map(|user| (self.table.as_str(), user_key(*user))).collect();
        let mut items = self.store.get_many(&wanted).await?;
        users.iter().filter_map(|user| items.remove(&(self.table.clone(), user_key(*user)))).map(from_item).collect()
    }

    /// The users who wait for approval, oldest account first, from `start` on.
    pub(crate) async fn pending_users(&self, limit: usize, start: Option<String>) -> Result<(Vec<UserId>, Option<String>), StoreError> {
        let query = PartitionQuery { limit: Some(limit), ..PartitionQuery::all(&self.table, "PENDING") };
        let start = start.map(|sk| [("pk".to_owned(), s("PENDING")), ("sk".to_owned(), s(sk))].into());
        let page = self.store.query_page(&query, start).await?;
        let id = |item: &shared_utils::dynamo::Item| item.get("sk").and_then(|sk| sk.as_s().ok()).cloned();
        let users = page.items.iter().filter_map(id).filter_map(|id| id.parse().ok()).collect();
        Ok((users, page.last.as_ref().and_then(id)))
    }

    /// The write that adds a user to the list of pending accounts or removes them.
    pub(crate) fn pending_change(&self, user: UserId, pending: bool) -> TransactWrite {
        if pending {
            let mut item = pending_key(user).into_item();
            item.insert("type".to_owned(), s("pending"));
            put(&self.table, item)
        } else {
            delete(&self.table, pending_key(user))
        }
    }

    /// Creates a user with address, directory entry and search terms in one transaction. [`Error::Conflict`] if the address is taken,
    /// [`Error::Forbidden`] if `by` is no longer an active administrator. The operators' tool passes `None`.
    pub async fn create_user(&self, new: NewUser, by: Option<&Session>, now: Timestamp) -> Result<Profile, Error> {
        self.create(new, by, None, now).await
    }

    /// As [`Self::create_user`], for a sign-up whose address is confirmed. [`Error::InvalidLink`] if the sign-up was used meanwhile.
    pub(crate) async fn create_signed_up_user(&self, new: NewUser, token: &SignUpToken, now: Timestamp) -> Result<Profile, Error> {
        self.create(new, None, Some(token), now).await
    }

    async fn create(&self, new: NewUser, by: Option<&Session>, sign_up: Option<&SignUpToken>, now: Timestamp) -> Result<Profile, Error> {
        let profile = Profile {
            user_id: UserId::generate(now),
            email: new.email.to_string(),
            first_name: new.first_name,
            last_name: new.last_name,
            username: None,
            role: new.role,
            occupation: None,
            company: None,
            phone_number: None,
            thumbnail: None,
            pending: new.pending,
            created_at: now,
            updated_at: now,
        };
        let id = profile.user_id;
        let user = User {
            profile: profile.clone(),
            version: 1,
            logins: 0,
            disabled: false,
            password_hash: new.password_hash,
            unsent_mail: BTreeSet::new(),
            password_expired: false,
            second_factor: SecondFactor::default(),
        };
        let mut account = to_item(user_key(id), "user", &user)?;
        if let Some(mail) = new.mail {
            account.insert("unsentMail".to_owned(), AttributeValue::Ss(vec![DueMail::new(mail, &profile.email).to_string()]));
        }
        let mut creation = Transaction::new();
        creation.add(Write::Address, self.address_put(&profile.email, id));
        creation.add(Write::Account, put_if(&self.table, account, Condition::absent()));
        creation.add(Write::Person, put_if(&self.table, to_item(person_key(id), "person", &profile.person(false))?, Condition::absent()));
        let admins = if user.status().administers() { AdminChange::Joins(id) } else { AdminChange::None };
        creation.add_all(Write::Admins, self.admins_change(admins, by.map(|by| by.user)));
        creation.add_all(Write::Terms, self.terms_change(id, &Terms::none(), &Terms::of(&profile))?);
        if new.pending {
            creation.add(Write::Pending, self.pending_change(id, true));
        }
        creation.add_all(Write::SignUp, sign_up.map(|token| self.sign_up_used(token)));
        let outcome = self.store.transact(&creation).await?;
        if outcome.refused(Write::Admins).is_refused() {
            return Err(Error::Forbidden);
        }
        if outcome.refused(Write::SignUp).is_refused() {
            return Err(Error::InvalidLink);
        }
        if outcome.refused(Write::Address).is_refused() {
            return Err(Error::Conflict("This address is taken.".into()));
        }
        outcome.require_committed()?;
        Ok(profile)
    }

    /// The write that assigns an address to a user, on the condition that nobody has it.
    pub(super) fn address_put(&self, email: &str, user: UserId) -> TransactWrite {
        let mut address = email_key(email).into_item();
        address.insert("type".to_owned(), s("email"));
        address.insert("userId".to_owned(), s(user));
        put_if(&self.table, address, Condition::absent())
    }

    /// Replaces a password hash by one with the current parameters, unless the password was changed meanwhile.
    pub(crate) async fn rehash(&self, user: &User, hash: &str) -> Result<(), StoreError> {
        let expression =
            Update::new("SET passwordHash = :new").when("passwordHash = :old").value(":new", s(hash)).value(":old", s(&user.password_hash));
        let _ = self.store.update_item(&self.table, user_key(user.profile.user_id), expression).await?;
        Ok(())
    }
}
