//! What the generated contract says of routes for files. Functions call none of this, so nothing of it is linked into them.

use schemars::JsonSchema;
use serde_json::json;
use shared_utils::contract::Operation;

use crate::form::FileForm;
use crate::{Download, File, FilePage, NewFile};

/// The paths of the routes, and what generated clients call the operations.
pub struct FileRoutes {
    /// The path of all files.
    pub files: &'static str,
    /// The path of one file.
    pub file: &'static str,
    /// The path at which an upload is completed.
    pub complete: &'static str,
    /// The names of the operations: list, declare, complete, download, delete.
    pub ids: [&'static str; 5],
    /// Who may list and download.
    pub readers: &'static str,
    /// Who may upload and delete.
    pub writers: &'static str,
    /// Whether messages attach the files. An attached file cannot be deleted alone.
    pub are_attached: bool,
}

/// Describes the declaration of a file with this path and name.
pub fn declaration(pattern: &'static str, id: &'static str, writers: &'static str, max_size: u64) -> Operation {
    Operation::new(http::Method::POST, pattern, id, "Declares a file, to upload it.", writers)
        .takes(|fields| drop(FileForm::read(fields, max_size)))
        .gives::<NewFile>(
            201,
            "The file, and the forms that upload it to S3 within ten minutes. Send every field of a form, then the content in a field `file`.",
            &[],
        )
        .fails(&["conflict"])
}

/// Describes the completion of an upload, with the body that the route responds with.
pub fn completion<T: JsonSchema>(pattern: &'static str, id: &'static str, gives: &'static str) -> Operation {
    let about = "S3 must have the content as it was declared: type, size and checksum. Otherwise 409. What is not completed within a day is removed.";
    Operation::new(http::Method::POST, pattern, id, "Completes an upload.", about).gives::<T>(200, gives, &[]).fails(&["conflict"])
}

/// Describes a download.
pub fn download(pattern: &'static str, id: &'static str, readers: &'static str) -> Operation {
    Operation::new(http::Method::GET, pattern, id, "Gets a URL to download a file.", readers)
        .asks("variant", "The name of a smaller version.", json!({"type": "string"}))
        .header("Prefer")
        .gives::<Download>(200, "The URL, for one minute. It is always a download, whatever the file is.", &[])
        .gives_nothing(302, "With `Prefer: return=minimal`: the URL is in `Location`.", &["Location"])
        .fails(&["invalid_parameter", "conflict"])
}

/// The five routes of files.
pub fn operations(routes: &FileRoutes, max_size: u64) -> Vec<Operation> {
    let [list, declare, complete, get, delete] = routes.ids;
    vec![
        Operation::new(http::Method::GET, routes.files, list, "Lists files.", routes.readers)
            .paged()
            .gives::<FilePage>(200, "Completed files, the newest first.", &[])
            .fails(&["invalid_parameter"]),
        declaration(routes.files, declare, routes.writers, max_size).fails(&["forbidden"]),
        completion::<File>(routes.complete, complete, "The file, which counts now.").fails(&["forbidden"]),
        download(routes.file, get, routes.readers),
        Operation::new(http::Method::DELETE, routes.file, delete, "Deletes a file.", routes.writers)
            .gives_nothing(204, "The file is gone.", &[])
            .fails(if routes.are_attached { &["forbidden", "conflict"] } else { &["forbidden"] }),
    ]
}
