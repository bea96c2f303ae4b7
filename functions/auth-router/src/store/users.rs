//! Users, their addresses and their directory entries.

use access::people::{Person, person_key};
use serde::{Deserialize, Serialize};
use shared_utils::auth::Role;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Expression, Key, PartitionQuery, StoreError, from_item, put, s, to_item};
use shared_utils::http::Error;
use shared_utils::ids::UserId;

use super::AuthStore;
use super::families::Family;

/// A user as the table keeps it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// What the user sees of themself.
    #[serde(flatten)]
    pub profile: Profile,
    /// Authorization version: raised when role, pending or disabled change.
    pub version: u64,
    /// Whether the account was shut.
    pub disabled: bool,
    /// PHC string.
    pub(crate) password_hash: String,
}

/// The profile of a user, as the API gives it. Absent values are null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Who it is.
    pub user_id: UserId,
    /// Trimmed and lower-cased.
    pub email: String,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Username.
    pub username: Option<String>,
    /// Profile role.
    pub role: Role,
    /// What they do.
    pub occupation: Option<String>,
    /// For whom.
    pub company: Option<String>,
    /// Phone number.
    pub phone_number: Option<String>,
    /// Storage key of a picture.
    pub thumbnail: Option<String>,
    /// Whether the account waits for approval.
    pub pending: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
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

/// What a new user is made from.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Address, trimmed and lower-cased by [`AuthStore::create_user`].
    pub email: String,
    /// PHC string.
    pub password_hash: String,
    /// Profile role.
    pub role: Role,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
}

/// An address as it is kept and looked up.
pub(crate) fn normalized(email: &str) -> String {
    email.trim().to_lowercase()
}

pub(crate) fn email_key(email: &str) -> Key {
    Key::new(format!("EMAIL#{}", normalized(email)), "USER")
}

pub(crate) fn user_key(user: UserId) -> Key {
    Key::new(format!("USER#{user}"), "PROFILE")
}

impl AuthStore {
    /// A user by id.
    pub(crate) async fn user(&self, user: UserId) -> Result<Option<User>, StoreError> {
        self.store.get(&self.table, &user_key(user)).await
    }

    /// A user and all their logins, in one call.
    pub(crate) async fn user_with_families(&self, user: UserId) -> Result<(Option<User>, Vec<Family>), StoreError> {
        let query = PartitionQuery {
            table: &self.table,
            index: None,
            partition: ("pk", format!("USER#{user}")),
            range: None,
            descending: false,
            limit: None,
        };
        let (mut found, mut families) = (None, Vec::new());
        for item in self.store.query_all(&query).await? {
            match item.get("type").and_then(|kind| kind.as_s().ok()).map(String::as_str) {
                Some("user") => found = Some(from_item(item)?),
                Some("family") => families.push(from_item(item)?),
                _ => {}
            }
        }
        Ok((found, families))
    }

    /// Makes a user with their address and directory entry, all or none. [`Error::Conflict`] when the address is taken.
    pub async fn create_user(&self, new: NewUser, now: Timestamp) -> Result<Profile, Error> {
        let profile = Profile {
            user_id: UserId::generate(now),
            email: normalized(&new.email),
            first_name: new.first_name,
            last_name: new.last_name,
            username: None,
            role: new.role,
            occupation: None,
            company: None,
            phone_number: None,
            thumbnail: None,
            pending: false,
            created_at: now,
            updated_at: now,
        };
        let user = User { profile: profile.clone(), version: 1, disabled: false, password_hash: new.password_hash };
        let mut address = email_key(&profile.email).into_item();
        address.insert("type".to_owned(), s("email"));
        address.insert("userId".to_owned(), s(profile.user_id));
        let absent = Some("attribute_not_exists(pk)");
        let written = self
            .transact(vec![
                put(&self.table, address, absent),
                put(&self.table, to_item(user_key(profile.user_id), "user", &user)?, absent),
                put(&self.table, to_item(person_key(profile.user_id), "person", &profile.person(false))?, absent),
            ])
            .await;
        match written {
            Ok(()) => Ok(profile),
            Err(error) if error.refused_at(0).is_some() => Err(Error::Conflict("This address is taken.".into())),
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces a password hash by one with today's parameters, unless the password was changed meanwhile.
    pub(crate) async fn rehash(&self, user: &User, hash: &str) -> Result<(), StoreError> {
        let expression =
            Expression::new("SET passwordHash = :new").when("passwordHash = :old").value(":new", s(hash)).value(":old", s(&user.password_hash));
        let _ = self.store.update_item(&self.table, user_key(user.profile.user_id), expression).await?;
        Ok(())
    }
}
