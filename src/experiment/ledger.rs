//! The form of a ledger: what it belongs to, and one checked record per finished cell.
//!
//! A ledger begins with [`MAGIC`], the length of the identity, the identity as JSON and its
//! checksum. Records of one length follow, in the order of the cells: the number of the cell, the
//! bits that tell what it drew on, its measures, and a checksum. All numbers are little-endian.

use super::plan::Plan;
use super::rows::{Batch, Row};
use super::study::Study;
use crate::scenario::Scenario;
use crate::scenario::read::Overrides;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The first bytes of a ledger: its kind, and the version of its form.
pub const MAGIC: &[u8; 16] = b"cmeksim ledger 2";

/// Everything that the cells of a ledger follow from: with the same identity, the same cells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// Version of the program.
    pub version: String,
    /// The command.
    pub command: String,
    /// The scenario file.
    pub scenario: String,
    /// Overrides of the command line.
    pub set: Vec<String>,
    /// The seed.
    pub seed: u64,
    /// Was it given on the command line?
    pub seed_given: bool,
    /// The files that the scenario names, with their texts.
    pub files: BTreeMap<String, String>,
    /// What the scenario is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Text>,
    /// Where the blocks of replications end. Absent with a single point, whose cells have the same
    /// order however many there are.
    pub blocks: Option<Vec<u64>>,
    /// Which shard it is, and of how many.
    pub shard: Option<(u64, u64)>,
    /// Number of points.
    pub points: usize,
    /// Paths of the measures of a record.
    pub columns: Vec<String>,
    /// Values of each of them in a record.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub each: usize,
    /// What the bits of a record tell that the cell drew on: constants, and chance.
    pub bits: Vec<String>,
}

fn one() -> usize {
    1
}

fn is_one(each: &usize) -> bool {
    *each == 1
}

/// A scenario file and the files that it names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Text {
    /// The scenario file.
    pub scenario: String,
    /// The files that it names, with their texts.
    pub files: BTreeMap<String, String>,
}

/// From which line on two scenario files differ, if they do.
fn line(old: &str, new: &str) -> Option<usize> {
    let (same, lines) = (old == new, old.lines().zip(new.lines()));
    (!same).then(|| 1 + lines.take_while(|(old, new)| old == new).count())
}

/// The name of a file that is not the same in both.
fn odd<'a>(
    old: &'a BTreeMap<String, String>,
    new: &'a BTreeMap<String, String>,
) -> Option<&'a String> {
    old.keys().chain(new.keys()).find(|name| old.get(*name) != new.get(*name))
}

impl Identity {
    /// The identity of a study of a scenario, whose rows are told by its command and its options.
    pub fn of_study(
        scenario: &Scenario,
        command: String,
        overrides: &Overrides,
        files: BTreeMap<String, String>,
        plan: &Plan,
        columns: Vec<String>,
    ) -> Identity {
        let source = scenario.sources.0.first();
        Identity {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command,
            scenario: source.map_or(String::new(), |source| source.text.clone()),
            set: overrides.sets.clone(),
            seed: scenario.seed,
            seed_given: overrides.seed.is_some(),
            files,
            second: None,
            blocks: Some(plan.ends().to_vec()),
            shard: None,
            points: plan.points() as usize,
            columns,
            each: 1,
            bits: Vec::new(),
        }
    }

    /// The identity of an experiment.
    pub fn new(
        study: &Study,
        plan: &Plan,
        command: &str,
        overrides: &Overrides,
        files: BTreeMap<String, String>,
        shard: Option<(u64, u64)>,
    ) -> Identity {
        let several = study.points() > 1 || shard.is_some();
        let columns = study.columns.iter().map(|column| column.path.clone()).collect();
        let command = command.to_owned();
        let of = Identity::of_study(study.base, command, overrides, files, plan, columns);
        Identity { blocks: of.blocks.filter(|_| several), shard, bits: study.bits(), ..of }
    }

    /// How another experiment differs from this one, in words, if it does.
    pub fn difference(&self, other: &Identity) -> Option<String> {
        let pair = |what: &str, old: &dyn std::fmt::Display, new: &dyn std::fmt::Display| {
            Some(format!("{what}: {old} there, {new} here"))
        };
        if self.version != other.version {
            return pair("another version of cmeksim", &self.version, &other.version);
        }
        if self.command != other.command {
            return pair("another command", &self.command, &other.command);
        }
        if let Some(line) = line(&self.scenario, &other.scenario) {
            return Some(format!("another scenario: its text differs from line {line} on"));
        }
        if let Some((old, new)) = self.second.as_ref().zip(other.second.as_ref()) {
            if let Some(line) = line(&old.scenario, &new.scenario) {
                let text = format!("another second scenario: its text differs from line {line} on");
                return Some(text);
            }
            if let Some(name) = odd(&old.files, &new.files) {
                return Some(format!("the file {name}, which the second scenario names, differs"));
            }
        }
        if self.set != other.set {
            let shown = |set: &[String]| match set {
                [] => "none".to_owned(),
                set => set.join(" "),
            };
            return pair("other overrides (--set)", &shown(&self.set), &shown(&other.set));
        }
        if self.seed != other.seed {
            return pair("another seed", &self.seed, &other.seed);
        }
        if self.seed_given != other.seed_given {
            let shown = |given: bool| if given { "--seed" } else { "the scenario" };
            let (old, new) = (shown(self.seed_given), shown(other.seed_given));
            return pair("the seed from elsewhere", &old, &new);
        }
        if let Some(name) = odd(&self.files, &other.files) {
            return Some(format!("the file {name}, which the scenario names, differs"));
        }
        if self.blocks != other.blocks {
            let shown = |blocks: &Option<Vec<u64>>| match blocks.as_deref() {
                None | Some([]) => "any".to_owned(),
                Some([only]) => only.to_string(),
                Some([first, .., last]) => format!("{first} to {last}"),
            };
            let (old, new) = (shown(&self.blocks), shown(&other.blocks));
            return pair("other replications per point", &old, &new);
        }
        if self.shard != other.shard {
            let shown = |shard: Option<(u64, u64)>| {
                shard.map_or("all cells".to_owned(), |(shard, of)| format!("{shard}/{of}"))
            };
            return pair("another shard", &shown(self.shard), &shown(other.shard));
        }
        if self.bits != other.bits {
            return Some("another form of its records".to_owned());
        }
        (self != other).then(|| "other measures".to_owned())
    }

    /// Replications, if that is all in which it differs from another one of a single point, whose
    /// cells have the same order however many there are.
    pub fn resized(&self, other: &Identity) -> Option<u64> {
        let blocks = other.blocks.clone();
        let alike = self.points == 1 && *other == Identity { blocks, ..self.clone() };
        self.blocks.as_deref().filter(|_| alike)?.last().copied()
    }

    /// The start of a ledger.
    pub fn to_bytes(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("an identity is plain data");
        let mut bytes = MAGIC.to_vec();
        bytes.extend((json.len() as u64).to_le_bytes());
        bytes.extend(&json);
        bytes.extend(crc32fast::hash(&json).to_le_bytes());
        bytes
    }

    /// Reads the start of a ledger; gives the number of its bytes as well. Absent if it is none,
    /// or not whole.
    pub fn of_bytes(bytes: &[u8]) -> Option<(Identity, usize)> {
        let rest = bytes.strip_prefix(MAGIC.as_slice())?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let json = rest.get(..length)?;
        let check = rest.get(length..)?.first_chunk::<4>()?;
        if crc32fast::hash(json) != u32::from_le_bytes(*check) {
            return None;
        }
        Some((serde_json::from_slice(json).ok()?, MAGIC.len() + 8 + length + 4))
    }

    /// The form of its records.
    pub fn form(&self) -> Form {
        Form { values: self.columns.len() * self.each, used: self.bits.len().div_ceil(64) }
    }
}

/// How long the parts of a record are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    values: usize,
    used: usize,
}

impl Form {
    /// Bytes of a record.
    pub fn bytes(self) -> usize {
        8 + 8 * (self.used + self.values) + 4
    }

    /// Room for the rows of so many records.
    pub fn room(self, records: usize) -> Batch {
        Batch::new(self.values, self.used, records)
    }

    /// Adds a record.
    pub fn write(self, number: u64, row: Row<'_>, to: &mut Vec<u8>) {
        debug_assert_eq!((row.values.len(), row.used.len()), (self.values, self.used));
        let start = to.len();
        to.resize(start + self.bytes() - 4, 0);
        let words = to[start..].as_chunks_mut::<8>().0;
        let (head, values) = words.split_at_mut(1 + self.used);
        head[0] = number.to_le_bytes();
        head[1..].iter_mut().zip(row.used).for_each(|(to, word)| *to = word.to_le_bytes());
        values.iter_mut().zip(row.values).for_each(|(to, value)| *to = value.to_le_bytes());
        let check = crc32fast::hash(&to[start..]);
        to.extend(check.to_le_bytes());
    }

    /// Reads a record, and adds its row; gives the number of its cell. Absent, and nothing is added,
    /// if it is torn or damaged.
    pub fn read(self, bytes: &[u8], to: &mut Batch) -> Option<u64> {
        let (body, check) = bytes.split_last_chunk::<4>()?;
        if body.len() + 4 != self.bytes() || crc32fast::hash(body) != u32::from_le_bytes(*check) {
            return None;
        }
        let mut words = body.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        let number = words.next()?;
        let row = to.add();
        row.used.iter_mut().zip(words.by_ref()).for_each(|(to, word)| *to = word);
        row.values.iter_mut().zip(words).for_each(|(to, word)| *to = f64::from_bits(word));
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            version: "1".into(),
            command: "sweep".into(),
            scenario: "a\nb\n".into(),
            set: Vec::new(),
            seed: u64::MAX,
            seed_given: false,
            files: BTreeMap::from([("n.txt".into(), "1".into())]),
            second: Some(Text {
                scenario: "c\nd\n".into(),
                files: BTreeMap::from([("n.txt".into(), "2".into())]),
            }),
            blocks: Some(vec![10, 20]),
            shard: None,
            points: 3,
            columns: vec!["a.b".into(), "c.d".into()],
            each: 1,
            bits: (0..70).map(|n| format!("m.n{n}")).collect(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = identity().to_bytes();
        assert_eq!(Identity::of_bytes(&bytes), Some((identity(), bytes.len())));
        for end in 0..bytes.len() {
            assert_eq!(Identity::of_bytes(&bytes[..end]), None);
        }
        let form = identity().form();
        let row = Row { values: &[f64::NAN, 0.1], used: &[5, 9] };
        let (mut bytes, mut read) = (Vec::new(), form.room(1));
        form.write(7, row, &mut bytes);
        assert_eq!(bytes.len(), form.bytes());
        assert_eq!(form.read(&bytes, &mut read), Some(7));
        let read = read.rows().at(0);
        assert!(read.values[0].is_nan() && read.values[1] == 0.1 && read.used == [5, 9]);
    }

    #[test]
    fn every_flipped_bit_of_a_record_is_found() {
        let form = identity().form();
        let (mut bytes, mut read) = (Vec::new(), form.room(0));
        form.write(7, Row { values: &[1.0, 2.0], used: &[0, 3] }, &mut bytes);
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!((form.read(&bytes, &mut read), read.len()), (None, 0));
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn every_difference_has_a_name() {
        type Change = fn(&mut Identity);
        let changes: [(Change, &str); 13] = [
            (|i| i.version = "2".into(), "another version of cmeksim: 1 there, 2 here"),
            (|i| i.command = "replicate".into(), "another command: sweep there, replicate here"),
            (|i| i.scenario = "a\nc\n".into(), "another scenario: its text differs from line 2 on"),
            (
                |i| i.second.as_mut().unwrap().scenario.push('x'),
                "another second scenario: its text differs from line 3 on",
            ),
            (
                |i| i.second.as_mut().unwrap().files.clear(),
                "the file n.txt, which the second scenario names, differs",
            ),
            (|i| i.files.clear(), "the file n.txt, which the scenario names, differs"),
            (|i| i.set = vec!["x=1".into()], "other overrides (--set): none there, x=1 here"),
            (|i| i.seed = 1, "another seed: 18446744073709551615 there, 1 here"),
            (|i| i.seed_given = true, "the seed from elsewhere: the scenario there, --seed here"),
            (|i| i.blocks = Some(vec![9]), "other replications per point: 10 to 20 there, 9 here"),
            (|i| i.shard = Some((1, 4)), "another shard: all cells there, 1/4 here"),
            (|i| i.bits.clear(), "another form of its records"),
            (|i| i.columns.clear(), "other measures"),
        ];
        assert_eq!(identity().difference(&identity()), None);
        for (change, words) in changes {
            let mut other = identity();
            change(&mut other);
            assert_eq!(identity().difference(&other).as_deref(), Some(words));
        }
    }
}
