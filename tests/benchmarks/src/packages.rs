//! The packages in `build/`.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use local_stack::declaration::repository;
use zip::ZipArchive;

use crate::table::{Bar, Row};

/// The functions, in the order of the table.
const FUNCTIONS: [&str; 4] = ["auth-router", "messages-router", "projects-router", "ws-provider"];
/// The most bytes that a package may have.
const LARGEST: f64 = 2_500_000.0;

/// The binaries of the packages.
pub(crate) struct Unpacked {
    folder: PathBuf,
    packages: Option<PathBuf>,
    _temporary: Option<tempfile::TempDir>,
}

impl Unpacked {
    /// Unpacks the packages in `build/`, or uses the binaries in a folder.
    pub(crate) fn new(binaries: Option<&Path>) -> Result<Self, String> {
        if let Some(folder) = binaries {
            return Ok(Self { folder: folder.to_owned(), packages: None, _temporary: None });
        }
        let (packages, temporary) = (repository().join("build"), tempfile::tempdir().map_err(|error| error.to_string())?);
        for function in FUNCTIONS {
            unpack(&packages.join(format!("{function}.zip")), &temporary.path().join(function))?;
        }
        Ok(Self { folder: temporary.path().to_owned(), packages: Some(packages), _temporary: Some(temporary) })
    }

    /// The binary of a function, if it was built.
    pub(crate) fn binary(&self, function: &str) -> Option<PathBuf> {
        Some(self.folder.join(function)).filter(|binary| binary.exists())
    }

    /// The functions that were built, with their binaries.
    pub(crate) fn binaries(&self) -> impl Iterator<Item = (&'static str, PathBuf)> {
        FUNCTIONS.into_iter().filter_map(|function| Some((function, self.binary(function)?)))
    }

    /// The sizes of the packages.
    #[expect(clippy::cast_precision_loss, reason = "a package has less than 2^52 bytes")]
    pub(crate) fn sizes(&self) -> Result<Vec<Row>, String> {
        let Some(packages) = &self.packages else { return Ok(Vec::new()) };
        let size = |function| {
            let package = packages.join(format!("{function}.zip"));
            let size = fs::metadata(&package).map_err(|error| format!("{}: {error}", package.display()))?.len();
            Ok(Row::new(format!("package of {function}"), size as f64, "bytes", Bar::AtMost(LARGEST)))
        };
        FUNCTIONS.into_iter().map(size).collect()
    }
}

fn unpack(package: &Path, binary: &Path) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}: run `make build` first", package.display());
    let mut archive = ZipArchive::new(File::open(package).map_err(fail)?).map_err(|error| error.to_string())?;
    let mut content = Vec::new();
    archive.by_name("bootstrap").map_err(|error| error.to_string())?.read_to_end(&mut content).map_err(fail)?;
    fs::write(binary, content).map_err(fail)?;
    fs::set_permissions(binary, fs::Permissions::from_mode(0o755)).map_err(fail)
}
