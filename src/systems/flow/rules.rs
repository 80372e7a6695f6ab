//! Decisions of the model on what flows.

use crate::systems::spec::{Confidence::*, Rule};

const OWN: &str = "decision of this model";

/// The rules.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "FL-01",
        text: "Every element that arrived is in one place: written, waiting, in flight, expired or lost; the numbers add up exactly at every instant.",
        source: OWN,
        confidence: Assumed,
    },
    Rule {
        id: "FL-02",
        text: "A job whose sources deliver nothing because of a fault, its own or one further up the chain, is starved; what stopped them is the cause.",
        source: OWN,
        confidence: Assumed,
    },
    Rule {
        id: "FL-03",
        text: "A job writes every element to all of its sinks: while one of them refuses, it stands still and reads nothing.",
        source: OWN,
        confidence: Assumed,
    },
    Rule {
        id: "FL-04",
        text: "When a job ends, what it has read and not acknowledged waits in the source again (and comes twice if it was written), what it has acknowledged and not written is lost.",
        source: OWN,
        confidence: Assumed,
    },
    Rule {
        id: "FL-05",
        text: "What a job reads from or writes to can be out of service for reasons that have nothing to do with keys.",
        source: OWN,
        confidence: Assumed,
    },
    Rule {
        id: "FL-06",
        text: "For the elements that it writes, a job writes rows to each sink in a fixed ratio, 1 by default: filters, aggregation and fan-out. The numbers are exact: elements times the ratio are the rows and a remainder of less than a billionth of a row per second, which is carried.",
        source: OWN,
        confidence: Assumed,
    },
];
