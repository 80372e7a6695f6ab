//! Writes outputs whole or not at all: the only place that touches the disk.

use super::folder::{check_ours, claim, temporary};
use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The file that tells what the others are; written last.
pub const MANIFEST: &str = "manifest.json";

/// The finished cells of an experiment: working state, and no output.
pub const LEDGER: &str = "ledger.bin";

/// Files that the disk is waited for at a time.
const WAITING_MAX: usize = 8;

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What writes a file that is too large to be held in memory.
pub type Stream<'a> = Box<dyn FnMut(&mut (dyn Write + Send)) -> Result<(), Failure> + Send + 'a>;

/// Files that are held in memory, by their names.
pub type Files = Vec<(String, Vec<u8>)>;

/// Passes on what is written, and hashes it.
struct Hashing<W> {
    to: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Why a folder could not be written.
#[derive(Debug)]
pub struct Failure {
    /// What was being done.
    pub doing: &'static str,
    /// To what.
    pub path: PathBuf,
    /// What the system said.
    pub said: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot {} {}: {}", self.doing, self.path.display(), self.said)
    }
}

fn failure<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Failure + 'a {
    move |error| Failure { doing, path: path.to_owned(), said: error.to_string() }
}

/// Makes the folder for results, unless it is there.
///
/// # Errors
/// It cannot be made.
pub fn make_folder(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure {
        doing: "make the folder",
        path: folder.to_owned(),
        said: format!("{error}; name another folder with --out"),
    })
}

/// What the manifest says besides the files.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    /// Version of the shapes of the files.
    pub schema: u32,
    /// Version of the program.
    pub version: &'static str,
    /// The command.
    pub command: &'static str,
    /// Name of the scenario.
    pub scenario: String,
    /// SHA-256 of the scenario file.
    pub scenario_sha256: String,
    /// The overrides of the command line.
    pub set: Vec<String>,
    /// The seed.
    pub seed: u64,
    /// Was the seed given on the command line?
    pub seed_given: bool,
    /// What else the command line asked for, by the names of its options, with their defaults.
    pub options: BTreeMap<&'static str, serde_json::Value>,
    /// How sweeps were scheduled.
    pub sweeps: &'static str,
}

#[derive(Serialize)]
struct Manifest<'a> {
    #[serde(flatten)]
    made: &'a Made,
    files: BTreeMap<String, String>,
}

/// Writes the files of a run into a folder, then the manifest. A folder that holds something else
/// is left alone.
///
/// # Errors
/// The folder is not ours, somebody else is at work in it, or the disk refuses.
pub fn write_all(folder: &Path, files: Files, made: &Made) -> Result<(), Failure> {
    write_with(folder, || Ok(files), Vec::new(), made)
}

/// The same, with files besides that are written as they come, while the others are made.
///
/// # Errors
/// The folder is not ours, somebody else is at work in it, the disk refuses, or a file cannot be
/// made.
pub fn write_with(
    folder: &Path,
    files: impl FnOnce() -> Result<Files, Failure> + Send,
    streams: Vec<(String, Stream<'_>)>,
    made: &Made,
) -> Result<(), Failure> {
    make_folder(folder)?;
    check_ours(folder)?;
    let _flag = claim(folder)?;
    let manifest = folder.join(MANIFEST);
    let whole = manifest.exists();
    let streamed = || {
        let staged = streams.into_iter().map(|(name, stream)| {
            let file = stage(folder, name, stream)?;
            file.sync().map(|()| file)
        });
        staged.collect::<Result<Vec<Staged>, Failure>>()
    };
    let (streamed, held) = rayon::join(streamed, || stage_all(folder, &files()?));
    let mut staged = streamed?;
    staged.extend(held?);
    // Without its manifest a folder does not claim to be whole.
    if whole {
        let old = listed(&manifest);
        fs::remove_file(&manifest).map_err(failure("replace", &manifest))?;
        for name in old.iter().filter(|name| staged.iter().all(|file| file.name != **name)) {
            let stale = folder.join(name);
            if stale.is_file() {
                fs::remove_file(&stale).map_err(failure("remove", &stale))?;
            }
        }
    }
    let mut hashes = BTreeMap::new();
    for file in staged {
        let (name, hash) = file.persist()?;
        hashes.insert(name, hash);
    }
    let mut bytes =
        serde_json::to_vec_pretty(&Manifest { made, files: hashes }).map_err(|error| Failure {
            doing: "describe",
            path: folder.to_owned(),
            said: error.to_string(),
        })?;
    bytes.push(b'\n');
    let manifest = stage(folder, MANIFEST.to_owned(), all_of(folder, MANIFEST, &bytes))?;
    manifest.sync()?;
    manifest.persist().map(|_| ())
}

/// Names of the files of an earlier run; plain names only.
fn listed(manifest: &Path) -> Vec<String> {
    let Ok(text) = fs::read(manifest) else { return Vec::new() };
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let names = value["files"].as_object().map(|files| files.keys().cloned().collect());
    let plain = |name: &String| Path::new(name).components().count() == 1 && !name.starts_with('.');
    names.map_or(Vec::new(), |names: Vec<String>| names.into_iter().filter(plain).collect())
}

/// Writes bytes that are there.
fn all_of<'a>(folder: &Path, name: &str, bytes: &'a [u8]) -> Stream<'a> {
    let path = folder.join(name);
    Box::new(move |to| to.write_all(bytes).map_err(failure("write", &path)))
}

/// A file that is written, under a temporary name.
struct Staged {
    name: String,
    path: PathBuf,
    file: NamedTempFile,
    hash: String,
}

/// Writes files that are held in memory, each under a temporary name.
fn stage_all(folder: &Path, files: &Files) -> Result<Vec<Staged>, Failure> {
    let staged = files
        .iter()
        .map(|(name, bytes)| stage(folder, name.clone(), all_of(folder, name, bytes)))
        .collect::<Result<Vec<Staged>, Failure>>()?;
    // The disk is waited for once, not once for each file, and waiting takes no core.
    let waiting =
        rayon::ThreadPoolBuilder::new().num_threads(staged.len().min(WAITING_MAX)).build();
    match waiting {
        Ok(waiting) => waiting.install(|| staged.par_iter().try_for_each(Staged::sync))?,
        Err(_) => staged.iter().try_for_each(Staged::sync)?,
    }
    Ok(staged)
}

/// Writes a file as it comes, under a temporary name.
fn stage(folder: &Path, name: String, mut stream: Stream<'_>) -> Result<Staged, Failure> {
    let path = folder.join(&name);
    let file = temporary(folder).map_err(failure("write", &path))?;
    let to = io::BufWriter::with_capacity(1 << 16, file);
    let mut to = Hashing { to, hash: Sha256::new() };
    stream(&mut to)?;
    let file = to.to.into_inner().map_err(|error| failure("write", &path)(error.into_error()))?;
    make_readable(file.as_file()).map_err(failure("write", &path))?;
    Ok(Staged { name, path, file, hash: hexadecimal(&to.hash.finalize()) })
}

impl Staged {
    /// Waits until it is on the disk.
    fn sync(&self) -> Result<(), Failure> {
        self.file.as_file().sync_all().map_err(failure("write", &self.path))
    }

    /// Gives it its name; tells that and its hash.
    fn persist(self) -> Result<(String, String), Failure> {
        let Staged { name, path, file, hash } = self;
        file.persist(&path).map_err(|error| failure("write", &path)(error.error))?;
        Ok((name, hash))
    }
}

/// Temporary files are private; outputs are like any other file.
#[cfg(unix)]
pub(super) fn make_readable(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
pub(super) fn make_readable(_: &fs::File) -> io::Result<()> {
    Ok(())
}
