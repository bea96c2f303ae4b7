//! Sends the mails that are due to a person, after the response. What cannot be sent stays due, and the person's next request tries again.

use mail::{Letter, LetterKind, Mailer};
use shared_utils::clock::Clock;
use shared_utils::dynamo::StoreError;
use shared_utils::http::Error;
use shared_utils::ids::UserId;
use shared_utils::signed_requests::ServiceError;

use crate::App;
use crate::store::{AuthStore, DueMail, LinkPurpose, User};

impl App {
    /// The mailer. [`Error::Conflict`] if this environment sends no mail.
    pub(crate) fn require_mailer(&self) -> Result<&Mailer, Error> {
        self.mailer.as_ref().ok_or(Error::Conflict("This environment sends no mail.".into()))
    }

    /// A mail to this address, if this environment sends mail.
    pub(crate) fn mail(&self, kind: LetterKind, to: &str) -> Option<DueMail> {
        self.mailer.is_some().then(|| DueMail::new(kind, to))
    }

    /// After the response, sends every mail that is due to a person.
    pub(crate) fn send_due_mails_later(&self, user: UserId) {
        let Some(mailer) = self.mailer.clone() else { return };
        let (store, clock) = (self.store.clone(), self.context.clock.clone());
        self.broadcaster.background_tasks().push(async move {
            match store.user(user).await {
                Ok(Some(user)) => send_all(&mailer, &store, &clock, &user).await,
                Ok(None) => {}
                Err(error) => tracing::error!(cause = error.for_log(), userId = %user, "mails that are due could not be looked for"),
            }
        });
    }
}

async fn send_all(mailer: &Mailer, store: &AuthStore, clock: &Clock, user: &User) {
    let id = user.profile.user_id;
    for due in &user.unsent_mail {
        let Ok(due) = due.parse::<DueMail>() else {
            tracing::error!(userId = %id, "a mail that is due has an unknown kind");
            continue;
        };
        let kind = due.kind.as_ref();
        match send(mailer, store, clock, user, &due).await {
            Ok(()) => tracing::info!(userId = %id, kind, "mail sent"),
            // Another attempt would be refused too: an address that SES does not take.
            Err(SendError::Service(ServiceError::Refused { status: 400, cause })) => {
                tracing::error!(cause = cause.for_log(), userId = %id, kind, "a mail was refused");
            }
            Err(error) => {
                tracing::warn!(cause = error.for_log(), userId = %id, kind, "a mail could not be sent and stays due");
                continue;
            }
        }
        if let Err(error) = store.remove_due_mail(id, &due).await {
            // The next request sends it again: twice is better than never.
            tracing::warn!(cause = error.for_log(), userId = %id, kind, "a sent mail could not be noted");
        }
    }
}

/// Why a mail was not sent.
enum SendError {
    Service(ServiceError),
    Store(StoreError),
}

impl SendError {
    fn for_log(&self) -> &str {
        match self {
            Self::Service(error) => error.for_log(),
            Self::Store(error) => error.for_log(),
        }
    }
}

async fn send(mailer: &Mailer, store: &AuthStore, clock: &Clock, user: &User, due: &DueMail) -> Result<(), SendError> {
    // Nobody signs in to a disabled account.
    if user.disabled {
        return Ok(());
    }
    let link = match due.kind {
        LetterKind::PasswordReset => Some((LinkPurpose::PasswordReset, None)),
        LetterKind::Invitation => Some((LinkPurpose::Invitation, None)),
        LetterKind::AddressConfirmation => Some((LinkPurpose::AddressConfirmation, Some(due.to.clone()))),
        _ => None,
    };
    let letter = match link {
        Some((purpose, address)) => {
            let token = store.add_link(user, purpose, address, clock.now()).await.map_err(SendError::Store)?;
            Letter::with_link(due.kind, token.to_string())
        }
        None => Letter::notice(due.kind),
    };
    mailer.send(&due.to, &letter).await.map_err(SendError::Service)
}
