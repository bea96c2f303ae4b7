//! Objects in a folder: one file for the content, one JSON file for the rest. An index of all objects is in memory.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use futures_util::{Stream, StreamExt};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::random;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufWriter};

/// The size of the pieces that content is written and read in, in bytes.
const PIECE: usize = 256 * 1024;

/// What is known of an object, besides its content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredObject {
    pub(super) bucket: String,
    pub(super) key: String,
    /// The name of the file with the content.
    file: String,
    /// In bytes.
    pub(super) size: u64,
    pub(super) content_type: Option<String>,
    /// In base64, if the upload had it.
    pub(super) sha256: Option<String>,
    pub(super) etag: String,
    /// Milliseconds since the Unix epoch.
    pub(super) modified: i64,
    pub(super) tags: BTreeMap<String, String>,
}

/// Content that was received, and is not an object yet.
pub(super) struct Received {
    file: String,
    pub(super) size: u64,
    pub(super) sha256: [u8; 32],
}

type Index = BTreeMap<(String, String), StoredObject>;

pub(super) struct Store {
    folder: PathBuf,
    index: Mutex<Index>,
}

impl Store {
    /// Reads the index of a folder, which is created if it does not exist.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut index = Index::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let object: StoredObject = serde_json::from_slice(&std::fs::read(&path)?)?;
                index.insert((object.bucket.clone(), object.key.clone()), object);
            }
        }
        Ok(Self { folder: folder.to_owned(), index: Mutex::new(index) })
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn find(&self, bucket: &str, key: &str) -> Option<StoredObject> {
        self.index().get(&(bucket.to_owned(), key.to_owned())).cloned()
    }

    pub(super) fn keys(&self, bucket: &str) -> Vec<String> {
        self.index().keys().filter(|(of, _)| of == bucket).map(|(_, key)| key.clone()).collect()
    }

    /// Writes content to a new file.
    pub(super) async fn receive<E>(&self, content: impl Stream<Item = Result<Bytes, E>>) -> io::Result<Received>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let file = random::bytes::<16>().map(|byte| format!("{byte:02x}")).concat();
        let mut writer = BufWriter::with_capacity(PIECE, tokio::fs::File::create(self.folder.join(&file)).await?);
        let (mut size, mut digest) = (0, Context::new(&SHA256));
        let mut content = std::pin::pin!(content);
        while let Some(piece) = content.next().await {
            let piece = match piece {
                Ok(piece) => piece,
                Err(error) => {
                    self.discard(&file);
                    return Err(io::Error::other(error));
                }
            };
            digest.update(&piece);
            size += piece.len() as u64;
            writer.write_all(&piece).await?;
        }
        writer.flush().await?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest.finish().as_ref());
        Ok(Received { file, size, sha256 })
    }

    /// Removes received content that does not become an object.
    pub(super) fn reject(&self, received: &Received) {
        self.discard(&received.file);
    }

    /// Makes an object of received content. It replaces an object with the same key.
    pub(super) fn put(
        &self,
        (bucket, key): (&str, &str),
        received: Received,
        content_type: Option<String>,
        sha256: Option<String>,
        modified: Timestamp,
    ) -> io::Result<String> {
        let etag = received.sha256.map(|byte| format!("{byte:02x}")).concat();
        let object = StoredObject {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            file: received.file,
            size: received.size,
            content_type,
            sha256,
            etag: etag.clone(),
            modified: modified.millis(),
            tags: BTreeMap::new(),
        };
        self.write(&object)?;
        if let Some(old) = self.index().insert((bucket.to_owned(), key.to_owned()), object) {
            self.remove_files(&old);
        }
        Ok(etag)
    }

    pub(super) fn remove(&self, bucket: &str, key: &str) {
        if let Some(old) = self.index().remove(&(bucket.to_owned(), key.to_owned())) {
            self.remove_files(&old);
        }
    }

    /// Sets a tag. `false` if there is no such object.
    pub(super) fn tag(&self, bucket: &str, key: &str, (name, value): (&str, &str)) -> io::Result<bool> {
        let mut index = self.index();
        let Some(object) = index.get_mut(&(bucket.to_owned(), key.to_owned())) else { return Ok(false) };
        object.tags.insert(name.to_owned(), value.to_owned());
        self.write(object)?;
        Ok(true)
    }

    /// The content from byte `from`, `length` bytes of it.
    pub(super) async fn read(&self, object: &StoredObject, from: u64, length: u64) -> io::Result<impl Stream<Item = io::Result<Bytes>> + use<>> {
        let mut file = tokio::fs::File::open(self.folder.join(&object.file)).await?;
        file.seek(io::SeekFrom::Start(from)).await?;
        Ok(futures_util::stream::try_unfold((file, length), |(mut file, left)| async move {
            let mut piece = vec![0; usize::try_from(left).unwrap_or(PIECE).min(PIECE)];
            let read = file.read(&mut piece).await?;
            piece.truncate(read);
            Ok((read > 0).then(|| (Bytes::from(piece), (file, left - read as u64))))
        }))
    }

    fn write(&self, object: &StoredObject) -> io::Result<()> {
        std::fs::write(self.description(object), serde_json::to_vec(object)?)
    }

    fn description(&self, object: &StoredObject) -> PathBuf {
        self.folder.join(format!("{}.json", object.file))
    }

    /// A response that is being sent keeps the open file.
    fn remove_files(&self, object: &StoredObject) {
        let _ = std::fs::remove_file(self.description(object));
        self.discard(&object.file);
    }

    fn discard(&self, file: &str) {
        let _ = std::fs::remove_file(self.folder.join(file));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream::{iter, once};

    use super::*;

    async fn put(store: &Store, key: &str, content: &'static [u8]) {
        let received = store.receive(iter(content.chunks(2).map(|piece| io::Result::Ok(Bytes::from(piece))))).await.unwrap();
        store.put(("files", key), received, Some("text/plain".to_owned()), None, Timestamp::from_millis(1)).unwrap();
    }

    async fn content(store: &Store, key: &str) -> Vec<u8> {
        let object = store.find("files", key).unwrap();
        let pieces: Vec<_> = store.read(&object, 0, object.size).await.unwrap().collect().await;
        pieces.into_iter().map(Result::unwrap).collect::<Vec<_>>().concat()
    }

    #[tokio::test]
    async fn objects_are_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        put(&store, "a/../b", b"first").await;
        put(&store, "a/../b", b"second").await;
        put(&store, "gone", b"x").await;
        store.remove("files", "gone");
        assert!(store.tag("files", "a/../b", ("scan", "clean")).unwrap());
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.keys("files"), ["a/../b"]);
        assert_eq!(store.find("files", "a/../b").unwrap().tags["scan"], "clean");
        assert_eq!(content(&store, "a/../b").await, b"second");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "one object, two files");
    }

    #[tokio::test]
    async fn what_breaks_off_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let broken = iter([Ok(Bytes::from_static(b"a"))]).chain(once(async { Err(io::Error::other("broken off")) }));
        assert!(store.receive(broken).await.is_err());
        let received = store.receive(iter([io::Result::Ok(Bytes::from_static(b"a"))])).await.unwrap();
        store.reject(&received);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
