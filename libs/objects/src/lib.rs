//! Files in S3: presigned uploads and downloads, and what S3 knows of an object.
//!
//! It knows one bucket and no table. Requests are signed by [`shared_utils::signed_requests`]: there is no S3 SDK.
//!
//! | module | contents |
//! | --- | --- |
//! | [`key`] | object keys, which only the server makes |
//! | [`upload`] | the presigned POST of one upload |
//! | [`download`] | the presigned URL of one download, its file name and its content type |
//! | [`store`] | the bucket: size and checksum of an object, deletion, tags |
//! | [`scan`] | the verdict of the malware scan, which is a tag |

pub mod download;
pub mod key;
pub mod scan;
pub mod store;
mod tag_xml;
pub mod upload;

pub use key::ObjectKey;
pub use scan::ScanVerdict;
pub use store::{ObjectInfo, ObjectStore};
pub use upload::{PresignedPost, Sha256, Upload};
