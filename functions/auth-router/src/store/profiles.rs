//! Changes of a user's own profile: in the account, the directory entry and the search terms.

use access::people::person_key;
use access::session::Session;
use objects::ObjectKey;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Attempt, Condition, RetryPolicy, TransactWrite, Transaction, Update, n, retry_on_conflict, s, to_attribute, update};
use shared_utils::fields::{FieldLog, Fields, Patch};
use shared_utils::http::Error;
use shared_utils::text::is_link;

use super::directory::Terms;
use super::users::user_key;
use super::{AuthStore, Profile, User, Write};

/// The total length of all fields, in code points. Determines the body limit.
pub(crate) const LENGTH: usize = 100 + 100 + 64 + 100 + 200 + 40 + 1_024;
/// Name, maximum length in code points, whether the directory shows the field.
const PROFILE_FIELDS: [(&str, usize, bool); 7] = [
    ("firstName", 100, true),
    ("lastName", 100, true),
    ("username", 64, true),
    ("occupation", 100, true),
    ("company", 200, false),
    ("phoneNumber", 40, false),
    ("thumbnail", 1_024, true),
];

/// The values that a user sets (`Some`) or clears (`None`).
pub(crate) struct ProfilePatch(Vec<(&'static str, bool, Option<String>)>);

impl ProfilePatch {
    /// Reads the fields that users may write.
    pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        let mut values = Vec::new();
        for (name, longest, shown) in PROFILE_FIELDS {
            let value = fields.name(name, 1..=longest);
            if let Patch::Set(text) = &value
                && name == "thumbnail"
            {
                if !is_link(text) {
                    fields.fault(name, "invalid_value", "This must be a storage key or a web address.");
                } else if ObjectKey::is_well_formed(text) {
                    fields.fault(name, "invalid_value", "Upload a picture with POST /auth/me/thumbnail.");
                }
            }
            match value {
                Patch::Absent => {}
                Patch::Clear => values.push((name, shown, None)),
                Patch::Set(text) => values.push((name, shown, Some(text))),
            }
        }
        Self(values)
    }

    /// Only another thumbnail.
    pub(crate) fn thumbnail(key: Option<String>) -> Self {
        Self(vec![("thumbnail", true, key)])
    }

    /// The profile with these values applied.
    fn applied_to(&self, profile: &Profile) -> Profile {
        let mut profile = profile.clone();
        for (name, _, value) in &self.0 {
            let field = match *name {
                "firstName" => &mut profile.first_name,
                "lastName" => &mut profile.last_name,
                "username" => &mut profile.username,
                "occupation" => &mut profile.occupation,
                "company" => &mut profile.company,
                "phoneNumber" => &mut profile.phone_number,
                _ => &mut profile.thumbnail,
            };
            field.clone_from(value);
        }
        profile
    }

    /// `SET` of these values (or only of those that the directory shows), followed by `more`. `None` if there are none.
    fn expression(&self, shown_only: bool, more: &str) -> Result<Option<Update>, Error> {
        let values: Vec<_> = self.0.iter().filter(|(_, shown, _)| *shown || !shown_only).collect();
        if values.is_empty() {
            return Ok(None);
        }
        let assignments: Vec<_> = values.iter().map(|(name, ..)| format!("{name} = :{name}")).collect();
        let mut expression = Update::new(format!("SET {}{more}", assignments.join(", ")));
        for (name, _, value) in values {
            expression = expression.value(&format!(":{name}"), to_attribute(value)?);
        }
        Ok(Some(expression))
    }
}

impl AuthStore {
    /// Changes the profile of a user who was just read. Returns the new profile, or `None` if the user's rights changed meanwhile.
    pub(crate) async fn change_profile(&self, session: &Session, user: User, patch: &ProfilePatch, now: Timestamp) -> Result<Option<Profile>, Error> {
        let (id, version) = (user.profile.user_id, user.version);
        retry_on_conflict(RetryPolicy::Single, Some(user), |known| async move {
            let user = match known {
                Some(user) => user,
                None => match self.user(id).await?.filter(|changed| !changed.disabled && changed.version == version) {
                    Some(changed) => changed,
                    None => return Ok(Attempt::Done(None)),
                },
            };
            Ok(match self.change_picture(session, &user, patch, Vec::new(), now).await? {
                Attempt::Done(profile) => Attempt::Done(Some(profile)),
                Attempt::Refused(()) | Attempt::Stale(()) => Attempt::Stale(None),
            })
        })
        .await
    }

    /// One attempt to change the profile of a user who was just read, in one transaction with the writes of the pictures that come and go. Refused
    /// if the user or the pictures have changed meanwhile.
    pub(crate) async fn change_picture(
        &self,
        _session: &Session,
        user: &User,
        patch: &ProfilePatch,
        files: Vec<TransactWrite>,
        now: Timestamp,
    ) -> Result<Attempt<(), Profile>, Error> {
        let mut after = patch.applied_to(&user.profile);
        after.updated_at = now;
        let Some(mut change) = self.profile_transaction(user, patch, &after)? else { return Ok(Attempt::Done(user.profile.clone())) };
        change.add_all(Write::Picture, files);
        let outcome = self.store.transact(&change).await?;
        if [Write::Account, Write::Picture].iter().any(|write| outcome.refused(*write).is_refused()) {
            return Ok(Attempt::Stale(()));
        }
        outcome.require_committed()?;
        Ok(Attempt::Done(after))
    }

    /// Returns `None` if there is nothing to change.
    fn profile_transaction(&self, user: &User, patch: &ProfilePatch, after: &Profile) -> Result<Option<Transaction<Write>>, Error> {
        let Some(account) = patch.expression(false, ", updatedAt = :now")? else { return Ok(None) };
        let id = user.profile.user_id;
        // The search terms depend on the names, and which picture goes depends on the thumbnail. So they must be unchanged since the read.
        let account = account
            .when(
                "version = :version AND disabled = :no AND firstName = :wasFirst AND lastName = :wasLast AND username = :wasUsername \
                 AND thumbnail = :wasThumbnail",
            )
            .value(":now", s(after.updated_at))
            .value(":no", to_attribute(&false)?)
            .value(":version", n(user.version))
            .value(":wasFirst", to_attribute(&user.profile.first_name)?)
            .value(":wasLast", to_attribute(&user.profile.last_name)?)
            .value(":wasUsername", to_attribute(&user.profile.username)?)
            .value(":wasThumbnail", to_attribute(&user.profile.thumbnail)?);
        let mut change = Transaction::new();
        change.add(Write::Account, update(&self.table, user_key(id), account));
        if let Some(entry) = patch.expression(true, "")? {
            change.add(Write::Person, update(&self.table, person_key(id), entry.when(Condition::exists())));
        }
        change.add_all(Write::Terms, self.terms_change(id, &Terms::of(&user.profile), &Terms::of(after))?);
        Ok(Some(change))
    }
}
