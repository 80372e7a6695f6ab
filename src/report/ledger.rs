//! The ledger of an experiment on disk: finished cells are appended, and read again after an
//! interruption. Whatever a crash leaves behind, the whole records before it count.

use super::files::{Failure, LEDGER, make_folder, make_readable};
use super::folder::{BUSY, check_ours, temporary};
use super::words::are;
use crate::experiment::ledger::{Form, Identity, MAGIC};
use crate::experiment::rows::{Batch, Row, Rows};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes of an identity: a scenario, the files it names and the names of its measures.
const IDENTITY_BYTES_MAX: u64 = 1 << 30;

/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 1 << 18;

/// A ledger that is open, and nobody else's while it is.
pub struct Ledger {
    file: File,
    path: PathBuf,
    form: Form,
    /// Where the records begin.
    start: u64,
    /// Numbers of the cells it holds.
    cells: Range<u64>,
    bytes: Vec<u8>,
}

/// Why a ledger could not be opened.
#[derive(Debug)]
pub enum Refusal {
    /// The disk refuses.
    World(Failure),
    /// It belongs to something else.
    Other(String),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        Refusal::World(failure)
    }
}

fn failure<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Failure + 'a {
    move |error| Failure { doing, path: path.to_owned(), said: error.to_string() }
}

/// The identity at the start of a ledger, and where its records begin; nothing if it has none.
fn identity(file: &mut File) -> io::Result<Option<(Identity, u64)>> {
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    let head = MAGIC.len() as u64 + 8;
    file.take(head).read_to_end(&mut bytes)?;
    let length = bytes.get(MAGIC.len()..).and_then(|rest| rest.first_chunk::<8>());
    let length = length.map_or(0, |length| u64::from_le_bytes(*length));
    file.take(length.min(IDENTITY_BYTES_MAX) + 4).read_to_end(&mut bytes)?;
    Ok(Identity::of_bytes(&bytes).map(|(identity, start)| (identity, start as u64)))
}

/// The identity of the ledger in a folder.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn identity_in(folder: &Path) -> Result<Identity, Failure> {
    let path = folder.join(LEDGER);
    let mut file = File::open(&path).map_err(failure("open", &path))?;
    let found = identity(&mut file).map_err(failure("read", &path))?;
    let said = || "it is no ledger of this version".to_owned();
    match found {
        Some((identity, _)) => Ok(identity),
        None => Err(Failure { doing: "read", path, said: said() }),
    }
}

impl Ledger {
    /// Opens the ledger of a folder, or begins one there. The cells count from `first` on.
    ///
    /// A torn or damaged end is cut off. With `fresh` what was there is thrown away. Every row
    /// that is there already goes to `each`.
    ///
    /// # Errors
    /// The ledger belongs to another experiment, the folder to something else, or the disk
    /// refuses.
    pub fn open(
        folder: &Path,
        identity: &Identity,
        first: u64,
        fresh: bool,
        each: &mut dyn FnMut(u64, Row<'_>),
    ) -> Result<Ledger, Refusal> {
        make_folder(folder)?;
        let path = folder.join(LEDGER);
        check_ours(folder)?;
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(failure("open", &path))?;
        lock(&file, &path)?;
        let there = match fresh {
            true => None,
            false => self::identity(&mut file).map_err(failure("read", &path))?,
        };
        let start = match there {
            Some((old, start)) => match old.difference(identity) {
                Some(difference) => return Err(Refusal::Other(difference)),
                None => start,
            },
            None => {
                let length = file.metadata().map_err(failure("read", &path))?.len();
                // What is no ledger at all is not ours to overwrite; a torn start is.
                if !fresh && length >= MAGIC.len() as u64 && !begins(&mut file, &path)? {
                    let said = "it is no ledger of this version".to_owned();
                    return Err(Refusal::World(Failure { doing: "read", path, said }));
                }
                begin(&mut file, identity).map_err(failure("write", &path))?
            }
        };
        let form = identity.form();
        let mut ledger = Ledger { file, path, form, start, cells: first..first, bytes: Vec::new() };
        ledger.resume(each)?;
        Ok(ledger)
    }

    /// Makes the ledger of a folder one of more replications or fewer, where these are the same cells:
    /// what it holds stays, as far as it is asked for. False, and nothing is done, where that is not
    /// so, or where cells of a part would be lost.
    ///
    /// # Errors
    /// Somebody else is at work on it, or the disk refuses.
    pub fn resize(folder: &Path, identity: &Identity) -> Result<bool, Failure> {
        let (mut old, before) = Ledger::read_only(folder, |_| 0)?;
        lock(&old.file, &old.path)?;
        let kept = old.cells.end;
        let (was, is) = (before.resized(identity), identity.resized(&before));
        let Some((_, is)) = was.zip(is).filter(|(was, is)| kept <= *is || kept >= *was) else {
            return Ok(false);
        };
        let path = folder.join(LEDGER);
        let copy = |old: &mut Ledger| {
            let mut new = temporary(folder)?;
            // On a disk without locks the ledger itself has none either.
            let _ = new.as_file().try_lock();
            new.write_all(&identity.to_bytes())?;
            old.file.seek(SeekFrom::Start(old.start))?;
            let bytes = kept.min(is) * old.form.bytes() as u64;
            io::copy(&mut (&old.file).take(bytes), &mut new)?;
            make_readable(new.as_file())?;
            new.as_file().sync_all()?;
            new.persist(&path).map_err(|error| error.error)
        };
        copy(&mut old).map(|_| true).map_err(failure("write", &path))
    }

    /// Opens the ledger in a folder to read it only; gives its identity as well.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn read_only(
        folder: &Path,
        first: impl FnOnce(&Identity) -> u64,
    ) -> Result<(Ledger, Identity), Failure> {
        let path = folder.join(LEDGER);
        let identity = identity_in(folder)?;
        let mut file = File::open(&path).map_err(failure("open", &path))?;
        let found = self::identity(&mut file).map_err(failure("read", &path))?;
        let start = found.map_or(0, |(_, start)| start);
        let first = first(&identity);
        let form = identity.form();
        let mut ledger = Ledger { file, path, form, start, cells: first..first, bytes: Vec::new() };
        ledger.count(&mut |_, _| {}).map_err(|error| failure("read", &ledger.path)(error))?;
        Ok((ledger, identity))
    }

    /// Numbers of the cells it holds.
    pub fn cells(&self) -> Range<u64> {
        self.cells.clone()
    }

    /// Reads what is there, and cuts off what is not whole.
    fn resume(&mut self, each: &mut dyn FnMut(u64, Row<'_>)) -> Result<(), Failure> {
        let end = self.count(each).map_err(failure("read", &self.path))?;
        let cut = |file: &mut File| {
            file.set_len(end)?;
            file.seek(SeekFrom::Start(end))
        };
        cut(&mut self.file).map_err(failure("write", &self.path))?;
        Ok(())
    }

    /// Goes through the whole records; gives where they end.
    fn count(&mut self, each: &mut dyn FnMut(u64, Row<'_>)) -> io::Result<u64> {
        self.file.seek(SeekFrom::Start(self.start))?;
        let mut reader = BufReader::with_capacity(1 << 16, &mut self.file);
        let mut bytes = vec![0; self.form.bytes()];
        let mut row = self.form.room(1);
        let mut end = self.start;
        loop {
            match reader.read_exact(&mut bytes) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(end),
                Err(error) => return Err(error),
            }
            row.clear();
            if self.form.read(&bytes, &mut row) != Some(self.cells.end) {
                return Ok(end);
            }
            each(self.cells.end, row.rows().at(0));
            self.cells.end += 1;
            end += bytes.len() as u64;
        }
    }

    /// Appends the rows of the cells that follow.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn append(&mut self, rows: Rows<'_>) -> Result<(), Failure> {
        self.bytes.clear();
        for (number, row) in (self.cells.end..).zip(rows.iter()) {
            self.form.write(number, row, &mut self.bytes);
        }
        if let Err(error) = self.file.write_all(&self.bytes) {
            return Err(self.refused(&error));
        }
        self.cells.end += rows.len() as u64;
        Ok(())
    }

    /// Cuts off what is half written, and says what is left.
    fn refused(&self, error: &io::Error) -> Failure {
        let kept = self.cells.end - self.cells.start;
        let end = self.start + kept * self.form.bytes() as u64;
        // If that fails too, it is cut off when it is read again.
        let _ = self.file.set_len(end).and_then(|()| self.file.sync_data());
        let when = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                "when there is room"
            }
            _ => "once that is put right",
        };
        let cells = are(kept, "cell");
        let said = format!("{error}; {cells} kept; the same command goes on from there {when}");
        Failure { doing: "write", path: self.path.clone(), said }
    }

    /// Makes what was appended last through a loss of power.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn sync(&self) -> Result<(), Failure> {
        self.file.sync_data().map_err(failure("write", &self.path))
    }

    /// Reads the rows of a stretch of cells that it holds, in order and some at a time, each time
    /// with the number of the first.
    ///
    /// # Errors
    /// The disk refuses, or the ledger was damaged since.
    pub fn each(
        &mut self,
        numbers: Range<u64>,
        mut each: impl FnMut(u64, Rows<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut rows = self.form.room(0);
        for part in self.parts(numbers) {
            self.read(part.clone(), &mut rows)?;
            each(part.start, rows.rows())?;
        }
        Ok(())
    }

    /// Reads the rows of two stretches of equal length side by side, some at a time.
    ///
    /// # Errors
    /// The disk refuses, or the ledger was damaged since.
    pub fn each_two(
        &mut self,
        (one, other): (Range<u64>, Range<u64>),
        mut each: impl FnMut(Rows<'_>, Rows<'_>),
    ) -> Result<(), Failure> {
        let (mut rows, mut others) = (self.form.room(0), self.form.room(0));
        for (part, beside) in self.parts(one).into_iter().zip(self.parts(other)) {
            self.read(part, &mut rows)?;
            self.read(beside, &mut others)?;
            each(rows.rows(), others.rows());
        }
        Ok(())
    }

    /// A stretch in parts that are read at a time.
    fn parts(&self, numbers: Range<u64>) -> Vec<Range<u64>> {
        let most = (CHUNK_BYTES / self.form.bytes()).max(1);
        let begins = numbers.clone().step_by(most);
        begins.map(|begin| begin..(begin + most as u64).min(numbers.end)).collect()
    }

    /// Reads the rows of some cells.
    fn read(&mut self, numbers: Range<u64>, rows: &mut Batch) -> Result<(), Failure> {
        let Ledger { file, path, form, start, cells, bytes } = self;
        let record = form.bytes();
        let place = *start + (numbers.start - cells.start) * record as u64;
        file.seek(SeekFrom::Start(place)).map_err(failure("read", path))?;
        let count = (numbers.end - numbers.start) as usize;
        bytes.resize(count * record, 0);
        file.read_exact(bytes).map_err(failure("read", path))?;
        rows.clear();
        for (number, bytes) in numbers.zip(bytes.chunks(record)) {
            if form.read(bytes, rows) != Some(number) {
                let said = format!("the record of cell {number} is damaged");
                return Err(Failure { doing: "read", path: path.clone(), said });
            }
        }
        Ok(())
    }
}

/// Does a file begin like a ledger, or like one whose start a loss of power took away?
fn begins(file: &mut File, path: &Path) -> Result<bool, Failure> {
    let mut magic = [0; MAGIC.len()];
    let mut read = || {
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut magic)
    };
    read().map_err(failure("read", path))?;
    Ok(magic == *MAGIC || magic == [0; MAGIC.len()])
}

/// Writes the start of a ledger; gives its length.
fn begin(file: &mut File, identity: &Identity) -> io::Result<u64> {
    let bytes = identity.to_bytes();
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&bytes)?;
    Ok(bytes.len() as u64)
}

/// Nobody else may write while we do.
fn lock(file: &File, path: &Path) -> Result<(), Failure> {
    let said = match file.try_lock() {
        Ok(()) => return Ok(()),
        Err(TryLockError::WouldBlock) => BUSY.to_owned(),
        Err(TryLockError::Error(error)) => error.to_string(),
    };
    Err(Failure { doing: "lock", path: path.to_owned(), said })
}
