//! `make build`: a zip with a `bootstrap` for each function, and the zip of the shared-utils layer, in `build/`.
//!
//! `package <function>…` makes only the zips of these functions and the layer. `package --binaries-only` builds and makes no zip.
//!
//! The same source gives the same bytes: entries have a fixed order, time and permissions, and binaries contain no path of the machine that
//! built them.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use local_stack::build::{Profile, build_release};
use local_stack::config::print_line;
use local_stack::declaration::{Declaration, repository};
use shared_utils::random::sha256;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// The glibc version of `provided.al2023`. A binary that needs a later version does not start there.
const GLIBC: (u32, u32) = (2, 34);

fn main() -> ExitCode {
    match package() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            print_line(&format!("error: {reason}"));
            ExitCode::FAILURE
        }
    }
}

fn package() -> Result<(), String> {
    let declaration = Declaration::read().map_err(|error| error.to_string())?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let binaries_only = arguments == ["--binaries-only"];
    let functions: Vec<&String> =
        declaration.functions.keys().filter(|name| arguments.is_empty() || binaries_only || arguments.contains(name)).collect();
    if let Some(unknown) = arguments.iter().find(|argument| !binaries_only && !declaration.functions.contains_key(*argument)) {
        return Err(format!("there is no function {unknown:?}"));
    }
    build_release(&functions)?;
    if binaries_only {
        return Ok(());
    }
    let folder = repository().join("build");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    for function in functions {
        let binary = fs::read(Profile::Release.directory().join(function)).map_err(|error| format!("{function}: {error}"))?;
        if let Some((major, minor)) = newest_glibc(&binary).filter(|newest| *newest > GLIBC) {
            return Err(format!("{function} asks for glibc {major}.{minor}, but provided.al2023 has {}.{}", GLIBC.0, GLIBC.1));
        }
        write_zip(&folder.join(format!("{function}.zip")), &[("bootstrap".to_owned(), 0o755, binary)])?;
    }
    write_zip(&folder.join("shared-utils.zip"), &layer()?)
}

/// The layer's files, in the directory under which they appear in `/opt`.
fn layer() -> Result<Vec<(String, u32, Vec<u8>)>, String> {
    let source = repository().join("libs/shared-utils/layer");
    let mut files = Vec::new();
    for entry in fs::read_dir(&source).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((format!("shared-utils/{name}"), 0o644, fs::read(&path).map_err(|error| error.to_string())?));
    }
    files.sort();
    Ok(files)
}

fn write_zip(path: &Path, entries: &[(String, u32, Vec<u8>)]) -> Result<(), String> {
    let write = || -> Result<(), Box<dyn std::error::Error>> {
        let mut zip = ZipWriter::new(File::create(path)?);
        for (name, mode, bytes) in entries {
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .compression_level(Some(9))
                .last_modified_time(DateTime::default())
                .unix_permissions(*mode);
            zip.start_file(name.as_str(), options)?;
            zip.write_all(bytes)?;
        }
        zip.finish()?;
        Ok(())
    };
    write().map_err(|error| format!("{}: {error}", path.display()))?;
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let unpacked: usize = entries.iter().map(|(_, _, bytes)| bytes.len()).sum();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    print_line(&format!("{name:<22} {:>9} bytes, {unpacked:>9} unpacked, sha256 {}", bytes.len(), sha256(&bytes)));
    Ok(())
}

/// The newest `GLIBC_x.y` that a binary's symbols need.
fn newest_glibc(binary: &[u8]) -> Option<(u32, u32)> {
    let prefix = b"GLIBC_";
    let version = |at: usize| {
        let text: String =
            binary[at + prefix.len()..].iter().take(8).map(|byte| char::from(*byte)).take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        let mut parts = text.split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    };
    binary.windows(prefix.len()).enumerate().filter(|(_, window)| window == prefix).filter_map(|(at, _)| version(at)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_glibc_version_is_found() {
        assert_eq!(newest_glibc(b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0"), Some((2, 34)));
        assert_eq!(newest_glibc(b"nothing"), None);
    }
}
