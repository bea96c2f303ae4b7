//! Page cursors: a place in a list, sealed for one caller, one route and one set of filters.
//!
//! Sealed with HMAC-SHA256 under a random key that each domain keeps in its own table: made at first use, known to no
//! configuration, read once per process.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use tokio::sync::OnceCell;

use crate::dynamo::{Key, Store, StoreError, s};
use crate::http::Error;
use crate::random;

/// Longer cursors are refused unread.
const MAX_CHARS: usize = 4096;
/// Length of the seal in bytes.
const SEAL: usize = 32;

/// Seals and opens the cursors of one domain.
pub struct Cursors {
    store: Store,
    table: String,
    key: OnceCell<hmac::Key>,
}

impl Cursors {
    /// The cursors of the domain whose table this is.
    pub fn new(store: Store, table: String) -> Self {
        Self { store, table, key: OnceCell::new() }
    }

    /// A cursor that leads back to `place`, good only within `scope`.
    pub async fn seal(&self, scope: &[&str], place: &str) -> Result<String, Error> {
        let seal = hmac::sign(self.key().await?, &sealed_text(scope, place.as_bytes()));
        let mut bytes = seal.as_ref().to_vec();
        bytes.extend_from_slice(place.as_bytes());
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The place that a cursor leads to. [`Error::InvalidCursor`] when it was altered or sealed for another scope.
    pub async fn open(&self, scope: &[&str], cursor: &str) -> Result<String, Error> {
        if cursor.len() > MAX_CHARS {
            return Err(Error::InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Error::InvalidCursor)?;
        let (seal, place) = bytes.split_at_checked(SEAL).ok_or(Error::InvalidCursor)?;
        hmac::verify(self.key().await?, &sealed_text(scope, place), seal).map_err(|_| Error::InvalidCursor)?;
        String::from_utf8(place.to_vec()).map_err(|_| Error::InvalidCursor)
    }

    async fn key(&self) -> Result<&hmac::Key, StoreError> {
        self.key
            .get_or_try_init(|| async {
                let place = Key::new("SECRET#CURSOR", "KEY");
                let item = if let Some(item) = self.store.get_item(&self.table, &place).await? {
                    item
                } else {
                    let mut item = place.into_item();
                    item.insert("type".to_owned(), s("cursorKey"));
                    item.insert("secret".to_owned(), s(random::secret()));
                    // Two sandboxes may make one at once: the first stays, and both read it.
                    self.store.put_if_absent(&self.table, item.clone()).await?.unwrap_or(item)
                };
                let secret = item.get("secret").and_then(|value| value.as_s().ok()).ok_or_else(|| StoreError::corrupt("cursor key"))?;
                Ok(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
            })
            .await
    }
}

/// What is sealed: the scope's parts, each with its length in front, so that none can run into the next; then the place.
fn sealed_text(scope: &[&str], place: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for part in scope {
        text.extend_from_slice(&part.len().to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    text.push(0);
    text.extend_from_slice(place);
    text
}
