//! `make build`: a zip with a `bootstrap` for each function, and the zip of the shared-utils layer, in `build/`.
//!
//! `package <function>…` makes only the zips of these functions and the layer. `package --binaries-only` builds and makes no zip.
//! `package --arch arm64` builds for 64-bit Arm. `package --folder <folder>` writes to that folder. A zip that holds the same already is left as it is.
//!
//! The same source gives the same bytes: entries have a fixed order, time and permissions, and binaries contain no path of the machine that
//! built them.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use local_stack::build::{Architecture, build_release};
use local_stack::config::print_line;
use local_stack::declaration::{Declaration, repository};
use shared_utils::random::sha256;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// The compression level with the fewest iterations of zopfli that are worth their time.
const ZOPFLI: i64 = 14;
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

/// What is asked for.
struct Arguments {
    functions: Vec<String>,
    binaries_only: bool,
    architecture: Architecture,
    folder: PathBuf,
}

fn arguments() -> Result<Arguments, String> {
    use lexopt::prelude::*;
    let folder = repository().join("build");
    let mut arguments = Arguments { functions: Vec::new(), binaries_only: false, architecture: Architecture::X86, folder };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Long("binaries-only") => arguments.binaries_only = true,
            Long("arch") => {
                let name = parser.value().map_err(|error| error.to_string())?.to_string_lossy().into_owned();
                arguments.architecture = Architecture::named(&name).ok_or_else(|| format!("there is no architecture {name:?}: x86_64 or arm64"))?;
            }
            Long("folder") => arguments.folder = parser.value().map_err(|error| error.to_string())?.into(),
            Value(name) => arguments.functions.push(name.to_string_lossy().into_owned()),
            other => return Err(other.unexpected().to_string()),
        }
    }
    Ok(arguments)
}

fn package() -> Result<(), String> {
    let declaration = Declaration::read().map_err(|error| error.to_string())?;
    let Arguments { functions: wanted, binaries_only, architecture, folder } = arguments()?;
    if let Some(unknown) = wanted.iter().find(|name| !declaration.functions.contains_key(*name)) {
        return Err(format!("there is no function {unknown:?}"));
    }
    let functions: Vec<&String> = declaration.functions.keys().filter(|name| wanted.is_empty() || wanted.contains(name)).collect();
    build_release(&functions, architecture, GLIBC)?;
    if binaries_only {
        return Ok(());
    }
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut zips = Vec::new();
    for function in functions {
        let binary = fs::read(architecture.directory().join(function)).map_err(|error| format!("{function}: {error}"))?;
        check(&binary, architecture).map_err(|reason| format!("{function} {reason}"))?;
        zips.push((folder.join(format!("{function}.zip")), vec![("bootstrap".to_owned(), 0o755, binary)]));
    }
    zips.push((folder.join("shared-utils.zip"), layer()?));
    // Zopfli takes ten seconds for each.
    std::thread::scope(|scope| {
        let threads: Vec<_> = zips.iter().map(|(path, entries)| scope.spawn(|| write_zip(path, entries))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err("a zip was not written: see above".to_owned())))
    })?;
    // Terraform compares it with the architecture of the functions.
    fs::write(folder.join("architecture"), format!("{}\n", architecture.name())).map_err(|error| error.to_string())
}

/// Whether Lambda can start a binary.
fn check(binary: &[u8], architecture: Architecture) -> Result<(), String> {
    let machine = elf_machine(binary).ok_or("is no 64-bit ELF binary, but Lambda runs Linux: build on Linux, or with cargo zigbuild")?;
    if machine != architecture.elf_machine() {
        return Err(format!("is built for the ELF machine {machine}, but {} is {}", architecture.name(), architecture.elf_machine()));
    }
    if let Some((major, minor)) = newest_glibc(binary).filter(|newest| *newest > GLIBC) {
        return Err(format!("asks for glibc {major}.{minor}, but provided.al2023 has {}.{}", GLIBC.0, GLIBC.1));
    }
    Ok(())
}

/// `e_machine` of a little-endian 64-bit ELF binary.
fn elf_machine(binary: &[u8]) -> Option<u16> {
    let header = binary.get(..20).filter(|header| header.starts_with(&[0x7f, b'E', b'L', b'F', 2, 1]))?;
    Some(u16::from_le_bytes([header[18], header[19]]))
}

/// The layer's files, in the directory under which they appear in `/opt`.
fn layer() -> Result<Vec<Entry>, String> {
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

/// An entry of a zip: its name, its permissions and its content.
type Entry = (String, u32, Vec<u8>);

/// Whether a zip has exactly these entries, and was written by this tool as it is now. `false` if that cannot be read.
fn holds(path: &Path, entries: &[Entry]) -> bool {
    let written = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let tool = std::env::current_exe().ok().and_then(|tool| written(&tool));
    if tool.is_none() || written(path) <= tool {
        return false;
    }
    let read = || -> Option<Vec<Entry>> {
        let mut zip = ZipArchive::new(File::open(path).ok()?).ok()?;
        let mut found = Vec::new();
        for index in 0..zip.len() {
            let mut entry = zip.by_index(index).ok()?;
            let mut content = Vec::new();
            entry.read_to_end(&mut content).ok()?;
            // The type of the file is beside its permissions.
            found.push((entry.name().ok()?.to_string(), entry.unix_mode()? & 0o777, content));
        }
        Some(found)
    };
    read().is_some_and(|found| found == entries)
}

fn write_zip(path: &Path, entries: &[Entry]) -> Result<(), String> {
    let write = || -> Result<(), Box<dyn std::error::Error>> {
        let mut zip = ZipWriter::new(File::create(path)?);
        for (name, mode, bytes) in entries {
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                // More than 9 is zopfli: smaller by a fortieth, and any reader of zips can read it.
                .compression_level(Some(ZOPFLI))
                .last_modified_time(DateTime::default())
                .unix_permissions(*mode);
            zip.start_file(name.as_str(), options)?;
            zip.write_all(bytes)?;
        }
        zip.finish()?;
        Ok(())
    };
    if !holds(path, entries) {
        write().map_err(|error| format!("{}: {error}", path.display()))?;
    }
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
    fn a_zip_that_holds_the_same_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (path, written) = (folder.path().join("a.zip"), |path: &Path| fs::metadata(path).unwrap().modified().unwrap());
        let entry = |content: &[u8]| [("bootstrap".to_owned(), 0o755, content.to_vec())];
        assert!(!holds(&path, &entry(b"one")));
        write_zip(&path, &entry(b"one")).unwrap();
        let (bytes, first) = (fs::read(&path).unwrap(), written(&path));
        assert!(holds(&path, &entry(b"one")));
        write_zip(&path, &entry(b"one")).unwrap();
        assert_eq!(written(&path), first);

        for other in [entry(b"two"), [("bootstrap".to_owned(), 0o644, b"one".to_vec())], [("other".to_owned(), 0o755, b"one".to_vec())]] {
            assert!(!holds(&path, &other));
        }
        write_zip(&path, &entry(b"two")).unwrap();
        assert_ne!(fs::read(&path).unwrap(), bytes);
        fs::write(&path, b"no zip").unwrap();
        write_zip(&path, &entry(b"one")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        // An earlier version of the tool may have written other bytes.
        File::open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        assert!(!holds(&path, &entry(b"one")));
    }

    #[test]
    fn the_newest_glibc_version_is_found() {
        assert_eq!(newest_glibc(b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0"), Some((2, 34)));
        assert_eq!(newest_glibc(b"nothing"), None);
    }

    #[test]
    fn a_binary_of_another_system_or_processor_is_refused() {
        let elf = |machine: u16| {
            let mut binary = b"\x7fELF\x02\x01\x01".to_vec();
            binary.resize(18, 0);
            binary.extend(machine.to_le_bytes());
            binary
        };
        assert_eq!(check(&elf(62), Architecture::X86), Ok(()));
        assert_eq!(check(&elf(183), Architecture::Arm), Ok(()));
        assert!(check(&elf(183), Architecture::X86).unwrap_err().contains("ELF machine 183"));
        // A 64-bit Mach-O binary.
        assert!(check(b"\xcf\xfa\xed\xfe\x07\x00\x00\x01 and more bytes", Architecture::X86).unwrap_err().contains("no 64-bit ELF"));
        assert!(check(b"", Architecture::X86).is_err());
        let late = [elf(62), b"GLIBC_2.39".to_vec()].concat();
        assert!(check(&late, Architecture::X86).unwrap_err().contains("glibc 2.39"));
    }
}
