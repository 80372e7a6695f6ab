//! A folder with a scenario in which commands are called as users call them, for several test
//! programs.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How a command ended, and what it said.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The end of a command that asks nothing.
pub(crate) fn done(mut command: Command) -> Done {
    let done = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: done.status.code(), out: text(done.stdout), err: text(done.stderr) }
}

/// A folder of its own, gone at the end of the test.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    /// With a scenario in `s.toml`.
    pub(crate) fn new(scenario: &str) -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        fs::write(place.path("s.toml"), scenario).unwrap();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A program that is started here.
    pub(crate) fn program(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.0.path()).env("NO_COLOR", "1");
        command
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.program(env!("CARGO_BIN_EXE_cmeksim"), args)
    }

    pub(crate) fn call(&self, args: &[&str]) -> Done {
        done(self.command(args))
    }

    /// Calls what must succeed; gives what it said beside its results.
    pub(crate) fn good(&self, args: &[&str]) -> String {
        let Done { code, out, err } = self.call(args);
        assert_eq!(code, Some(0), "{args:?}: {out}{err}");
        err
    }
}

/// The bytes of every file of a folder, by name.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let entries = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    names.map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect()
}
