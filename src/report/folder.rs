//! Whose a folder of results is, who is at work in it, and what a run that was killed left there.
//!
//! Whoever writes into a folder first puts up a flag: an empty temporary file that is locked as long
//! as the work lasts. A lock ends with its process, so that temporary files without a locked flag
//! among them are left-overs. A flag is put up before the folder is looked into: of two that come at
//! the same instant, at least one sees the other.

use super::files::{Failure, LEDGER, MANIFEST};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// How names of temporary files begin, and how many letters and digits follow.
const PREFIX: &str = ".writing-";
const LETTERS: usize = 6;

/// How often a flag is put up again after someone else took it for a left-over.
const FLAGS_MAX: usize = 8;

/// A file that has no name yet.
///
/// # Errors
/// The disk refuses.
pub fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(PREFIX).rand_bytes(LETTERS).tempfile_in(folder)
}

/// Is it a name that [`temporary`] gives?
fn is_temporary(name: &OsStr) -> bool {
    let letters = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    letters.is_some_and(|letters| {
        letters.len() == LETTERS && letters.bytes().all(|letter| letter.is_ascii_alphanumeric())
    })
}

/// What is in a folder: its temporary files, and whether there is anything else.
fn look(folder: &Path) -> io::Result<(Vec<PathBuf>, bool)> {
    let (mut temporary, mut others) = (Vec::new(), false);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // A file, and no link to one.
        if is_temporary(&entry.file_name()) && entry.file_type()?.is_file() {
            temporary.push(entry.path());
        } else {
            others = true;
        }
    }
    Ok((temporary, others))
}

fn failure(doing: &'static str, folder: &Path, said: String) -> Failure {
    Failure { doing, path: folder.to_owned(), said }
}

/// Refuses a folder that holds something which is not of an earlier run.
///
/// # Errors
/// It does, or the disk refuses.
pub fn check_ours(folder: &Path) -> Result<(), Failure> {
    if folder.join(MANIFEST).exists() || folder.join(LEDGER).exists() {
        return Ok(());
    }
    match look(folder) {
        Ok((_, false)) => Ok(()),
        Ok((_, true)) => {
            let said = format!(
                "it holds files that are not of an earlier run (no {MANIFEST}); name another \
                 folder with --out"
            );
            Err(failure("write into", folder, said))
        }
        Err(error) => Err(failure("look into", folder, error.to_string())),
    }
}

/// What is said if somebody else is at work.
pub const BUSY: &str =
    "another cmeksim is at work in this folder; wait for it, or name another with --out";

/// Puts up a flag in a folder of ours, and removes what runs that were killed left there. Absent on
/// a disk without locks: there nobody can tell a left-over from a file at work.
///
/// # Errors
/// Somebody else is at work there, or the disk refuses.
pub fn claim(folder: &Path) -> Result<Option<NamedTempFile>, Failure> {
    let refused = |error: io::Error| failure("write into", folder, error.to_string());
    for _ in 0..FLAGS_MAX {
        let flag = temporary(folder).map_err(refused)?;
        match flag.as_file().try_lock() {
            Ok(()) if flag.path().exists() => {
                return match clear(folder, flag.path()).map_err(refused)? {
                    true => Ok(Some(flag)),
                    false => Err(failure("write into", folder, BUSY.to_owned())),
                };
            }
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
    Err(failure("write into", folder, BUSY.to_owned()))
}

/// Removes all temporary files but our flag; false, and nothing is touched, if one of them is the
/// flag of somebody else.
fn clear(folder: &Path, flag: &Path) -> io::Result<bool> {
    let (mut left, _) = look(folder)?;
    // By their names: the folder may be told in another way.
    left.retain(|path| path.file_name() != flag.file_name());
    let mut stale = Vec::new();
    for path in left {
        // What cannot be opened or locked is gone, or another user's.
        let Ok(file) = OpenOptions::new().read(true).write(true).open(&path) else { continue };
        match File::try_lock(&file) {
            Ok(()) => stale.push(path),
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(_)) => {}
        }
    }
    for path in stale {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in a folder, in order.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_names_of_our_form_are_temporary() {
        let folder = tempfile::tempdir().unwrap();
        let file = temporary(folder.path()).unwrap();
        assert!(is_temporary(file.path().file_name().unwrap()), "{}", file.path().display());
        for other in
            [".writing-", ".writing-abcde", ".writing-abcdefg", "writing-abcdef", ".writing-abcd.x"]
        {
            assert!(!is_temporary(OsStr::new(other)), "{other}");
        }
    }

    #[test]
    fn a_flag_keeps_others_out_as_long_as_it_is_up() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".writing-aaaaaa"), "half of it").unwrap();
        let flag = claim(folder.path()).unwrap().unwrap();
        let name = flag.path().file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(names(folder.path()), std::slice::from_ref(&name));
        // What its owner writes now is no left-over to anybody, though nobody locks it.
        fs::write(folder.path().join(".writing-000000"), "at work").unwrap();
        let told = claim(folder.path()).unwrap_err().to_string();
        assert!(told.ends_with(BUSY), "{told}");
        let mut both = [".writing-000000".to_owned(), name];
        both.sort();
        assert_eq!(names(folder.path()), both);
        drop(flag);
        drop(claim(folder.path()).unwrap().unwrap());
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn what_is_not_of_our_form_is_not_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path(".writing-aaaaaa"), "").unwrap();
        check_ours(folder.path()).unwrap();
        fs::create_dir(path(".writing-bbbbbb")).unwrap();
        check_ours(folder.path()).unwrap_err();
        drop(claim(folder.path()).unwrap());
        assert_eq!(names(folder.path()), [".writing-bbbbbb"]);
        fs::write(path(MANIFEST), "{}").unwrap();
        check_ours(folder.path()).unwrap();
    }
}
