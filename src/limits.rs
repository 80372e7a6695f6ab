//! Every limit, one named constant each, with its unit and its reason.

/// Bytes of a scenario file: a thousand entities need about 100 KiB.
pub const SCENARIO_BYTES_MAX: usize = 1 << 20;
/// Bytes of a name: file systems and columns stay readable.
pub const NAME_BYTES_MAX: usize = 63;
/// Bytes of a free text (description, because): a page of text.
pub const TEXT_BYTES_MAX: usize = 4096;
/// Entities of a scenario: ids fit in 28 bits and memory stays below 1 GiB.
pub const ENTITIES_MAX: usize = 100_000;
/// Entries in each of `events`, `hazards`, `responses`, `objectives`, `expect`.
pub const ENTRIES_MAX: usize = 10_000;
/// Clusters of one Bigtable instance: 8 regions of 3 zones (BR-01).
pub const CLUSTERS_MAX: usize = 24;
/// Tables of one Bigtable instance (BR-16).
pub const TABLES_MAX: u32 = 1000;
/// Requests per second of one rate: far beyond any service, and their number over the longest
/// horizon still fits in 64 bits.
pub const RATE_MAX: f64 = 1e9;
/// Versions of one key: a rotation a day for eleven years.
pub const VERSIONS_MAX: usize = 4096;
/// US dollars of one price: far beyond any, and sums of them stay finite.
pub const AMOUNT_MAX: f64 = 1e9;
/// Elements that flow through all topics and jobs of a scenario: in units of 10^-18 their sum fits
/// in 127 bits.
pub const FLOW_ELEMENTS_MAX: f64 = 1e19;
/// Nanoseconds of a horizon or of any duration (about 146 years): the sum of two fits in 64 bits.
pub const HORIZON_NS_MAX: u64 = 1 << 62;
/// Events of one replication: stops a runaway model within minutes.
pub const EVENTS_MAX: u64 = 100_000_000;
/// Events at one instant: a zero-delay loop is told as such.
pub const EVENTS_AT_ONE_INSTANT_MAX: u64 = 1_000_000;
/// Records of one trace: bounds the memory of a run to a few hundred MiB.
pub const RECORDS_MAX: usize = 5_000_000;
/// Entries of an audit log that a run writes: about 300 MiB of text.
pub const AUDIT_ENTRIES_MAX: u64 = 250_000;
/// Diagnostics shown for one file; the count of the rest is told.
pub const DIAGNOSTICS_SHOWN_MAX: usize = 100;
/// Nesting of a value in a scenario file.
pub const NESTING_MAX: usize = 16;
/// Components of a mixture distribution.
pub const MIXTURE_COMPONENTS_MAX: usize = 32;
/// Values of an empirical distribution.
pub const EMPIRICAL_VALUES_MAX: usize = 100_000;
/// Design points of a sweep: each is read and checked before anything runs.
pub const POINTS_MAX: usize = 10_000;
/// Design points times the worlds of each: reading them takes minutes on a common machine.
pub const POINTS_AND_WORLDS_MAX: usize = 100_000;
/// Cells of an experiment, design points times replications: days of work on a common machine.
pub const CELLS_MAX: u64 = 100_000_000;
/// Levels of one factor.
pub const LEVELS_MAX: usize = 1_000;
/// Factors of a sweep, and of what is uncertain: as many as the Sobol sequence has dimensions.
pub const FACTORS_MAX: usize = 64;
