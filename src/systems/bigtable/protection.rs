//! What a key protects of an instance, what can never be changed, and what organization policy
//! says of the set-up.

use crate::diag::Diagnostic;
use crate::systems::policy::{NON_CMEK_SERVICES, constraint};
use crate::systems::spec::{Impossible, Node, Protection};

/// The service as organization policy names it.
pub(super) const SERVICE: &str = "bigtable.googleapis.com";

/// BT-10, BT-11, BT-21: what the key of a cluster protects, and what stays under Google's own keys.
pub(super) const PROTECTION: Protection = Protection {
    table: "bigtable",
    covered: &[
        ("all tables of a protected cluster, on SSD and on HDD", "BT-10"),
        ("backups that a protected cluster stores", "BT-21"),
    ],
    uncovered: &[
        ("some row keys, as boundaries of ranges and for routing", "BT-11"),
        ("debugging data: core dumps and operational logs", "BT-11"),
        ("data in transit and in memory", "BT-11"),
        ("some timestamps that garbage collection uses", "BT-11"),
    ],
};

const ON_CLUSTERS_ONLY: &str = "a customer-managed key is set on clusters only";
const IMMUTABLE: &str =
    "the encryption of an instance, cluster, table or backup can never be changed";
const NEW_CLUSTER: &str = "create a new instance with the other key and restore a backup into it (`restore-table` with `into`)";

/// What users look for and Bigtable never allows.
pub(super) const IMPOSSIBLE: &[Impossible] = &[
    Impossible {
        place: "bigtable.*.backups.*",
        names: &["key", "kms-key", "kms-key-name"],
        rule: "BT-17",
        why: ON_CLUSTERS_ONLY,
        instead: "a backup is protected by the key of its `cluster` (BT-21)",
    },
    Impossible {
        place: "bigtable.*.app-profiles.*",
        names: &["key", "kms-key", "kms-key-name"],
        rule: "BT-17",
        why: ON_CLUSTERS_ONLY,
        instead: "write `key` into the tables of the instance's clusters",
    },
    Impossible {
        place: "bigtable.*",
        names: &["key", "kms-key", "kms-key-name", "table-key"],
        rule: "BT-17",
        why: ON_CLUSTERS_ONLY,
        instead: "write `key` into the tables of the instance's clusters",
    },
    Impossible {
        place: "do.create-table",
        names: &["key"],
        rule: "BT-17",
        why: ON_CLUSTERS_ONLY,
        instead: "a table is protected by the keys of the instance's clusters",
    },
    Impossible {
        place: "do.create-backup",
        names: &["key"],
        rule: "BT-17",
        why: ON_CLUSTERS_ONLY,
        instead: "a backup is protected by the key of its `cluster` (BT-21)",
    },
    Impossible {
        place: "do.restore-table",
        names: &["key"],
        rule: "BT-17",
        why: ON_CLUSTERS_ONLY,
        instead: "a restored table is protected by the keys of the clusters that receive it (BT-21)",
    },
    Impossible {
        place: "do.create-cluster",
        names: &["key"],
        rule: "BT-15",
        why: "the key of a cluster is told where the cluster is declared",
        instead: "write `key` into the table of the cluster, with `initially = \"absent\"`",
    },
    Impossible {
        place: "do",
        names: &[
            "change-key",
            "change-cluster-key",
            "set-key",
            "set-cluster-key",
            "switch-key",
            "update-cluster",
            "update-cluster-key",
            "move-cluster-to-key",
        ],
        rule: "BT-18",
        why: IMMUTABLE,
        instead: NEW_CLUSTER,
    },
    Impossible {
        place: "do",
        names: &["enable-cmek", "disable-cmek", "add-key", "remove-key", "encrypt-instance"],
        rule: "BT-19",
        why: "an instance without keys cannot get any, and one with keys cannot go without",
        instead: NEW_CLUSTER,
    },
];

/// BT-20: the policy binds what is created; an instance without keys that is there already stays.
pub(super) fn check_policy(root: &Node, found: &mut Vec<Diagnostic>) {
    let Some(services) = constraint(root, NON_CMEK_SERVICES) else { return };
    if services.list().iter().all(|service| service.text() != SERVICE) {
        return;
    }
    for (name, instance) in root.named("bigtable") {
        if instance.named("clusters").all(|(_, cluster)| cluster.get("key").is_none()) {
            found.push(
                Diagnostic::warning(
                    "policy-non-cmek",
                    instance.span.clone(),
                    format!(
                        "instance `{name}` has no keys, but constraints/{NON_CMEK_SERVICES} names {SERVICE} (BT-20)"
                    ),
                )
                .label("could not be created now")
                .help("the instance must be older than the policy; new clusters of it are refused"),
            );
        }
    }
}
