//! What can be done to Bigtable instances.

use crate::systems::spec::{ActionSpec, Default, Kind, ParamSpec, param};

const INSTANCE_PARAM: ParamSpec =
    param("instance", Kind::Reference("bigtable"), Default::Required, "", "The instance.");
const CLUSTER_PARAM: ParamSpec = param(
    "cluster",
    Kind::Reference("bigtable.{instance}.clusters"),
    Default::Required,
    "",
    "The cluster.",
);
const BACKUP_PARAM: ParamSpec = param(
    "backup",
    Kind::Reference("bigtable.{instance}.backups"),
    Default::Required,
    "",
    "The backup.",
);
const COUNT_PARAM: ParamSpec =
    param("count", Kind::Count(1, 1000), Default::Value("1"), "", "How many.");

const fn action(
    name: &'static str,
    params: &'static [ParamSpec],
    rule: &'static str,
    doc: &'static str,
) -> ActionSpec {
    ActionSpec { name, lasts: false, params, rule, doc }
}

/// Events.
pub(super) const ACTIONS: &[ActionSpec] = &[
    action(
        "create-table",
        &[INSTANCE_PARAM, COUNT_PARAM],
        "BT-23",
        "Creates tables; refused while a cluster is down (BT-36).",
    ),
    action(
        "delete-table",
        &[INSTANCE_PARAM, COUNT_PARAM],
        "BT-37",
        "Deletes the newest tables; always allowed.",
    ),
    action(
        "modify-column-family",
        &[INSTANCE_PARAM],
        "BT-36",
        "Modifies a column family; refused while a cluster is down.",
    ),
    action(
        "restore-table",
        &[
            INSTANCE_PARAM,
            BACKUP_PARAM,
            param(
                "into",
                Kind::Reference("bigtable"),
                Default::Absent,
                "BT-21",
                "The instance that receives the table; the backup's own when absent.",
            ),
        ],
        "BT-36",
        "Restores a table from a backup, into its own or another instance; refused while a cluster of the receiver is down or the backup cannot be read.",
    ),
    action(
        "create-cluster",
        &[INSTANCE_PARAM, CLUSTER_PARAM],
        "BT-36",
        "Creates a cluster that the scenario declares as absent, or one that was deleted; refused while a cluster is down or its key is not usable.",
    ),
    action(
        "delete-cluster",
        &[INSTANCE_PARAM, CLUSTER_PARAM],
        "BT-36",
        "Deletes a cluster; refused while a cluster is down.",
    ),
    action(
        "create-backup",
        &[INSTANCE_PARAM, BACKUP_PARAM],
        "BT-22",
        "Takes a backup that the scenario declares as absent, pinned to the primary key version of its cluster; refused while the key is not usable.",
    ),
    action(
        "delete-backup",
        &[INSTANCE_PARAM, BACKUP_PARAM],
        "BT-37",
        "Deletes a backup; always allowed.",
    ),
    action("delete-instance", &[INSTANCE_PARAM], "BT-37", "Deletes the instance; always allowed."),
    ActionSpec {
        name: "replication-partition",
        lasts: true,
        params: &[
            INSTANCE_PARAM,
            CLUSTER_PARAM,
            param(
                "peer",
                Kind::Reference("bigtable.{instance}.clusters"),
                Default::Absent,
                "",
                "The other cluster; all others when absent.",
            ),
        ],
        rule: "BR-03",
        doc: "Replication between clusters stops, so that its lag grows; what has waited arrives when it ends (assumed).",
    },
];
