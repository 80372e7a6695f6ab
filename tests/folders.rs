//! What is in a folder of results after a run was killed, while another is at work in it, and after
//! the disk was full.

#![allow(clippy::unwrap_used, reason = "what is unexpected fails the test")]

#[path = "support/place.rs"]
mod support;

use std::fs;
use support::{Done, Place, done, files};

/// An instance of one cluster with outages at random.
const SCENARIO: &str = r#"schema = 1
[scenario]
name = "one-cluster"
start = 2026-01-01T00:00:00Z
horizon = "60d"
seed = 3
[keys.a]
location = "us-east1"
[bigtable.o]
[bigtable.o.clusters.east]
zone = "us-east1-b"
key = "a"
[[hazards]]
name = "kms"
do = "kms-outage"
location = "us-east1"
every = { exponential = { mean = "10d" } }
lasts = { exponential = { mean = "90m" } }
"#;

/// A folder with the scenario in `s.toml`, and with another one in `t.toml`.
fn place() -> Place {
    let place = Place::new(SCENARIO);
    let longer = SCENARIO.replace("mean = \"90m\"", "mean = \"2h\"");
    fs::write(place.path("t.toml"), &longer).unwrap();
    place
}

const RUN: [&str; 4] = ["run", "s.toml", "--no-charts", "--out"];

/// A folder that holds nothing but what a killed run left is ours, and is tidied up; what only looks
/// like that stays.
#[test]
fn what_a_killed_run_left_is_removed() {
    let place = place();
    place.good(&[&RUN[..], &["whole"]].concat());
    let whole = files(&place.path("whole"));
    fs::create_dir(place.path("o")).unwrap();
    fs::write(place.path("o/.writing-a1B2c3"), "half of a file").unwrap();
    place.good(&[&RUN[..], &["o"]].concat());
    assert_eq!(files(&place.path("o")), whole);
    // Beside a manifest all kinds of files may lie; only one of these is of our form.
    for name in [".writing-xxxxxx", ".writing-xxxxx", ".writing-xxxxxx.txt", ".writing-xx_xxx"] {
        fs::write(place.path("o").join(name), "").unwrap();
    }
    fs::create_dir(place.path("o/.writing-folder")).unwrap();
    place.good(&[&RUN[..], &["o"]].concat());
    let mut left: Vec<String> = files(&place.path("o")).into_keys().collect();
    left.retain(|name| name.starts_with('.'));
    assert_eq!(left, [".writing-xx_xxx", ".writing-xxxxx", ".writing-xxxxxx.txt"]);
    assert!(place.path("o/.writing-folder").is_dir());
    // An experiment begins in such a folder as well.
    fs::create_dir(place.path("r")).unwrap();
    fs::write(place.path("r/.writing-a1B2c3"), "half of a file").unwrap();
    place.good(&["replicate", "s.toml", "-n", "3", "--no-charts", "--out", "r"]);
    assert!(!place.path("r/.writing-a1B2c3").exists());
    // Among other people's files nothing is touched.
    fs::create_dir(place.path("theirs")).unwrap();
    fs::write(place.path("theirs/.writing-a1B2c3"), "").unwrap();
    fs::write(place.path("theirs/notes.txt"), "mine").unwrap();
    for command in [&RUN[..3], &["replicate", "s.toml", "-n", "3"]] {
        let done = place.call(&[command, &["--out", "theirs"]].concat());
        assert_eq!(done.code, Some(3), "{}", done.err);
        assert!(done.err.contains("not of an earlier run"), "{}", done.err);
    }
    assert_eq!(files(&place.path("theirs")).len(), 2);
}

#[cfg(unix)]
#[test]
fn a_link_is_no_left_over() {
    let place = place();
    fs::create_dir(place.path("o")).unwrap();
    std::os::unix::fs::symlink(place.path("s.toml"), place.path("o/.writing-a1B2c3")).unwrap();
    let done = place.call(&[&RUN[..], &["o"]].concat());
    assert_eq!(done.code, Some(3), "{}", done.err);
    assert_eq!(fs::read_to_string(place.path("o/.writing-a1B2c3")).unwrap(), SCENARIO);
}

/// While somebody is at work in a folder, as a locked temporary file tells, a second one is refused
/// and touches nothing.
#[test]
fn two_at_work_in_one_folder_do_not_mix() {
    let place = place();
    place.good(&[&RUN[..], &["o"]].concat());
    let before = files(&place.path("o"));
    let flag = fs::File::create(place.path("o/.writing-a1B2c3")).unwrap();
    flag.lock().unwrap();
    fs::write(place.path("o/.writing-d4E5f6"), "at work").unwrap();
    let done = place.call(&["run", "t.toml", "--out", "o"]);
    assert_eq!(done.code, Some(3), "{}", done.err);
    assert!(done.err.contains("another cmeksim is at work in this folder; wait"), "{}", done.err);
    let mut now = files(&place.path("o"));
    assert_eq!(now.remove(".writing-a1B2c3"), Some(Vec::new()));
    assert_eq!(now.remove(".writing-d4E5f6"), Some(b"at work".to_vec()));
    assert_eq!(now, before);
    drop(flag);
    place.good(&[&RUN[..], &["o"]].concat());
    assert_eq!(files(&place.path("o")), before);
}

/// Killed while files are written, the next run leaves only its own.
#[cfg(unix)]
#[test]
fn killed_while_it_writes_it_leaves_nothing_for_long() {
    let place = place();
    let args = ["replicate", "s.toml", "-n", "20000", "--no-charts", "--quiet", "--out", "o"];
    let temporary = || {
        let names = fs::read_dir(place.path("o")).into_iter().flatten();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".writing-")).count()
    };
    let mut child = place.command(&args).spawn().unwrap();
    while temporary() == 0 && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(temporary() > 0, "the kill came too late");
    place.good(&args);
    place.good(&[&args[..7], &["whole"]].concat());
    assert_eq!(files(&place.path("o")), files(&place.path("whole")));
}

/// The program where no file can grow beyond so many KiB, as on a disk that is full.
#[cfg(unix)]
fn on_a_full_disk(place: &Place, kib: u64, args: &[&str]) -> Done {
    // Units of `ulimit -f` are 512 bytes; without the trap a signal would end the program.
    let shell = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", 2 * kib);
    let program = env!("CARGO_BIN_EXE_cmeksim");
    done(place.program("sh", &[&["-c", &shell, program], args].concat()))
}

/// When there is no room for more cells, those so far are kept; the same command goes on when there
/// is, with the bytes of one that never stopped.
#[cfg(unix)]
#[test]
fn a_full_disk_keeps_the_cells_so_far() {
    let place = place();
    for (study, count) in [
        (&["replicate", "s.toml", "--no-charts", "-n"][..], "4000"),
        (&["compare", "s.toml", "t.toml", "-n"], "4000"),
    ] {
        let with = |out| [study, &[count, "--out", out]].concat();
        let name = study[0];
        let done = on_a_full_disk(&place, 256, &with(name));
        assert_eq!(done.code, Some(3), "{}", done.err);
        let said = "ledger.bin: File too large (os error 27); ";
        let (_, kept) = done.err.split_once(said).unwrap_or_else(|| panic!("{}", done.err));
        let (cells, rest) = kept.split_once(" cells are kept; ").unwrap();
        assert_eq!(rest.trim(), "the same command goes on from there when there is room");
        let names: Vec<String> = files(&place.path(name)).into_keys().collect();
        assert_eq!(names, ["ledger.bin"]);
        assert!(cells.parse::<u64>().unwrap() > 0, "{cells}");
        let told = place.good(&with(name));
        let on = format!("{cells} cells are done already; going on with the rest");
        assert!(told.contains(&on), "{on}: {told}");
        place.good(&with("whole"));
        assert_eq!(files(&place.path(name)), files(&place.path("whole")), "{name}");
        fs::remove_dir_all(place.path("whole")).unwrap();
    }
}

/// When there is room for the cells but not for the results, no result is half written, and the same
/// command writes them without playing anything again.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_no_half_results() {
    let place = place();
    let with = |out| ["replicate", "s.toml", "-n", "5", "--out", out];
    let done = on_a_full_disk(&place, 8, &with("o"));
    assert_eq!(done.code, Some(3), "{}", done.err);
    let said = "all cells are kept: the same command writes them once it can";
    assert!(done.err.contains(said), "{}", done.err);
    assert_eq!(files(&place.path("o")).into_keys().collect::<Vec<_>>(), ["ledger.bin"]);
    place.good(&with("o"));
    place.good(&with("whole"));
    assert_eq!(files(&place.path("o")), files(&place.path("whole")));
}

/// Studies of one world go on from what is there with another number of replications, done or not,
/// and end with the bytes of a new one.
#[test]
fn a_study_of_one_world_grows_and_shrinks() {
    for study in [&["compare", "s.toml", "t.toml", "-n"][..], &["steady", "s.toml", "-n"]] {
        let place = place();
        let whole = |count| {
            place.good(&[study, &[count, "--out", count]].concat());
            files(&place.path(count))
        };
        let on = |count| place.good(&[study, &[count, "--out", "o"]].concat());
        let done = |said: &str| said.contains("done already");
        assert!(!done(&on("6")));
        let told = on("15");
        assert!(told.contains("6 cells are done already; going on with the rest"), "{told}");
        assert_eq!(files(&place.path("o")), whole("15"), "{study:?}");
        assert!(!done(&on("1")));
        assert_eq!(files(&place.path("o")), whole("1"), "{study:?}");
        let told = on("15");
        assert!(told.contains("1 cell is done already; going on with the rest"), "{told}");
        assert_eq!(files(&place.path("o")), whole("15"), "{study:?}");
        // A part of one: more is going on, and less would lose some of it.
        let ledger = fs::read(place.path("o/ledger.bin")).unwrap();
        fs::write(place.path("o/ledger.bin"), &ledger[..ledger.len() - 8]).unwrap();
        let refused = place.call(&[study, &["13", "--out", "o"]].concat());
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains("15 there, 13 here"), "{}", refused.err);
        let told = on("14");
        assert!(!done(&told), "{told}");
        assert_eq!(files(&place.path("o")), whole("14"), "{study:?}");
        let told = on("17");
        assert!(told.contains("14 cells are done already"), "{told}");
        assert_eq!(files(&place.path("o")), whole("17"), "{study:?}");
    }
}

/// With several worlds more replications are other cells in other places: such a study begins anew.
#[test]
fn a_study_of_several_worlds_begins_anew() {
    let place = place();
    let uncertain = "[uncertain]\ndraws = 3\n[uncertain.factors]\n\
                     \"model.bigtable.kms-grace\" = [\"30m\", \"1h\"]\n";
    fs::write(place.path("s.toml"), format!("{SCENARIO}{uncertain}")).unwrap();
    for study in [&["compare", "s.toml", "t.toml"][..], &["steady", "s.toml"]] {
        let name = study[0];
        place.good(&[study, &["-n", "4", "--out", name]].concat());
        let told = place.good(&[study, &["-n", "6", "--out", name]].concat());
        assert!(!told.contains("done already"), "{told}");
        place.good(&[study, &["-n", "6", "--out", "whole", "--fresh"]].concat());
        assert_eq!(files(&place.path(name)), files(&place.path("whole")), "{name}");
    }
}
