//! Repair crews and clocks: what random faults have in common with each other and with the world.
//!
//! Modelled: crews of a limited size that repair the faults of several hazards, first come, first
//! served; clocks of hazards that run only while an entity is in given states. Both are played by
//! the script of the scenario, for they belong to its hazards.
//! Not modelled: priorities, repairs that are broken off, travel, crews that work in shifts.

use super::spec::{
    Confidence::{Assumed, Documented},
    Default, EntityKind, How, Kind, Look, MeasureSpec, ParamSpec, Role, Rule, StateSpec, System,
    TableSpec,
};
use crate::engine::StateId;

/// Repair crews.
pub const SYSTEM: System = System { name: "crews", tables: TABLES, rules: RULES, ..System::PLAIN };

/// State of a crew with a member to spare.
pub const FREE: StateId = 0;
/// State of a crew whose members are all at work.
pub const BUSY: StateId = 1;

/// Repairs that a crew has begun.
pub const REPAIRS: &str = "repairs";
/// How long faults have waited for a member.
pub const WAITING_TIME: &str = "waiting-time";
/// The most faults that waited at the same time.
pub const QUEUE_PEAK: &str = "queue-peak";

const RULES: &[Rule] = &[
    Rule {
        id: "CR-01",
        text: "A fault that needs a crew lasts until a member of the crew is free and its repair, from then on, is done. While all members are at work, further faults wait.",
        source: "MIL-HDBK-338B (1998), section 10.7.1.1: one repairman for several subsystems",
        confidence: Documented,
    },
    Rule {
        id: "CR-02",
        text: "Of our own: faults that wait are repaired first come, first served; a repair that has begun goes on to its end.",
        source: "decision of this model",
        confidence: Assumed,
    },
    Rule {
        id: "CR-03",
        text: "What does not operate does not age: the clock of a hazard with `while` stands still outside of the given states, and goes on from the same age.",
        source: "ReliaWiki, Repairable Systems Analysis Through Simulation",
        confidence: Documented,
    },
];

const fn state(name: &'static str, look: Look, doc: &'static str) -> StateSpec {
    StateSpec { name, alias: None, serves: true, irreversible: false, look, doc }
}

const fn measure(
    name: &'static str,
    unit: &'static str,
    how: How,
    doc: &'static str,
) -> MeasureSpec {
    MeasureSpec { name, unit, how, doc }
}

const CREW: EntityKind = EntityKind {
    name: "repair crew",
    role: Role::Part,
    states: &[
        state("free", Look::Good, "A member is free: a fault that comes now is repaired at once."),
        state("busy", Look::Partial, "All members are at work: a fault that comes now waits."),
    ],
    measures: &[
        measure("busy-time", "s", How::TimeIn(&["busy"]), "Time in which all members are at work."),
        measure(REPAIRS, "count", How::Told, "Repairs that it has begun."),
        measure(
            WAITING_TIME,
            "s",
            How::Told,
            "Time for which faults have waited for a member, all faults together.",
        ),
        measure(QUEUE_PEAK, "count", How::Told, "The most faults that waited at the same time."),
    ],
};

/// The most members of a crew.
const SIZE_MAX: u64 = 1_000;

const TABLES: &[ParamSpec] = &[ParamSpec {
    name: "crews",
    kind: Kind::Named(&TableSpec {
        entity: Some(&CREW),
        params: &[ParamSpec {
            name: "size",
            kind: Kind::Count(1, SIZE_MAX),
            default: Default::Value("1"),
            source: "CR-01",
            doc: "How many faults it can repair at the same time: its members.",
        }],
    }),
    default: Default::Absent,
    source: "",
    doc: "Repair crews, which hazards name.",
}];
