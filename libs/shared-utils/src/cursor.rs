//! Page cursors: an encrypted position in a list, valid for one caller, one route and one set of filters.
//!
//! Cursors are sealed with AES-256-GCM under a random key that each domain keeps in its own table. The key is made at first use, is in no
//! configuration, and is read once per process. A client cannot alter a cursor, use another caller's cursor, or read its content.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use tokio::sync::OnceCell;

use crate::dynamo::{Key, Store, StoreError, s};
use crate::http::Error;
use crate::random;

/// The longest accepted cursor, in characters. Longer cursors are refused unread.
const MAX_CHARS: usize = 4096;
/// The longest position that fits in a cursor, in bytes. Four characters encode three bytes, which include the nonce and the tag.
pub const MAX_PLACE: usize = MAX_CHARS / 4 * 3 - NONCE_LEN - 16;

/// Seals and opens the cursors of one domain.
pub struct Cursors {
    store: Store,
    table: String,
    key: OnceCell<LessSafeKey>,
}

impl Cursors {
    /// Creates the cursors of the domain that owns this table.
    pub fn new(store: Store, table: String) -> Self {
        Self { store, table, key: OnceCell::new() }
    }

    /// Returns the position at which a page begins: the content of the request's cursor, or `None` for the first page.
    pub async fn page_start(&self, scope: &[&str], cursor: Option<&str>) -> Result<Option<String>, Error> {
        match cursor {
            Some(cursor) => self.open(scope, cursor).await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns the cursor of the next page, or `None` if there is no next page.
    pub async fn next_page(&self, scope: &[&str], start: Option<impl AsRef<[u8]>>) -> Result<Option<String>, Error> {
        match start {
            Some(start) => self.seal(scope, start).await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns a cursor for the position `place`, valid only within `scope`.
    pub async fn seal(&self, scope: &[&str], place: impl AsRef<[u8]>) -> Result<String, Error> {
        let nonce = random::bytes::<NONCE_LEN>();
        let mut sealed = place.as_ref().to_vec();
        self.key()
            .await?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound_to(scope)), &mut sealed)
            .map_err(|_| Error::internal("a cursor could not be sealed"))?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Returns the text position in a cursor. [`Error::InvalidCursor`] if the cursor was altered or sealed for another scope.
    pub async fn open(&self, scope: &[&str], cursor: &str) -> Result<String, Error> {
        String::from_utf8(self.open_bytes(scope, cursor).await?).map_err(|_| Error::InvalidCursor)
    }

    /// As [`Self::open`], for a position that is not text.
    pub async fn open_bytes(&self, scope: &[&str], cursor: &str) -> Result<Vec<u8>, Error> {
        if cursor.len() > MAX_CHARS {
            return Err(Error::InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Error::InvalidCursor)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or(Error::InvalidCursor)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::InvalidCursor)?;
        let mut sealed = sealed.to_vec();
        let place = self.key().await?.open_in_place(nonce, Aad::from(bound_to(scope)), &mut sealed).map_err(|_| Error::InvalidCursor)?;
        Ok(place.to_vec())
    }

    async fn key(&self) -> Result<&LessSafeKey, StoreError> {
        self.key
            .get_or_try_init(|| async {
                let place = Key::new("SECRET#CURSOR", "KEY");
                let item = if let Some(item) = self.store.get_item(&self.table, &place).await? {
                    item
                } else {
                    let mut item = place.into_item();
                    item.insert("type".to_owned(), s("cursorKey"));
                    item.insert("secret".to_owned(), s(random::secret()));
                    // Two sandboxes may make a key at the same time. The first key stays, and both sandboxes read it.
                    self.store.put_if_absent(&self.table, item.clone()).await?.unwrap_or(item)
                };
                let secret = item.get("secret").and_then(|value| value.as_s().ok()).ok_or_else(|| StoreError::corrupt("cursor key"))?;
                let secret = ring::digest::digest(&ring::digest::SHA256, secret.as_bytes());
                let key = UnboundKey::new(&AES_256_GCM, secret.as_ref()).map_err(|_| StoreError::corrupt("cursor key"))?;
                Ok(LessSafeKey::new(key))
            })
            .await
    }
}

/// The associated data of a cursor: the scope's parts, each with a length prefix, so that parts cannot run into each other.
fn bound_to(scope: &[&str]) -> Vec<u8> {
    let mut text = Vec::new();
    for part in scope {
        text.extend_from_slice(&part.len().to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    text
}
