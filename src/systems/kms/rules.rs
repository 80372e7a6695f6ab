//! The rules that keys, grants and managers follow.

use crate::systems::spec::{Confidence::*, Rule};

/// The rules of Cloud KMS and of external managers.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "KMS-01",
        text: "A key version is in one of ten states; only `enabled` serves cryptographic requests.",
        source: "https://cloud.google.com/kms/docs/key-states",
        confidence: Documented,
    },
    Rule {
        id: "KMS-02",
        text: "Disabled keeps the key material and can be enabled again; scheduled-for-destruction refuses every request; destroyed has no material left and its ciphertext is lost.",
        source: "https://cloud.google.com/kms/docs/key-states",
        confidence: Documented,
    },
    Rule {
        id: "KMS-03",
        text: "Only enabled or disabled versions can be scheduled for destruction.",
        source: "https://cloud.google.com/sdk/gcloud/reference/kms/keys/versions/destroy",
        confidence: Documented,
    },
    Rule {
        id: "KMS-04",
        text: "The wait before destruction is 30 days by default and fixed per key at creation.",
        source: "https://cloud.google.com/kms/docs/destroy-restore",
        confidence: Documented,
    },
    Rule {
        id: "KMS-05",
        text: "Organization policy knows minimum waits from 1 to 120 days; older pages describe a 24-hour default.",
        source: "https://docs.cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints",
        confidence: Vague,
    },
    Rule {
        id: "KMS-06",
        text: "Restoring a version that is scheduled for destruction puts it into disabled; a second action, enable, brings data back.",
        source: "https://github.com/googleapis/googleapis/blob/master/google/cloud/kms/v1/service.proto",
        confidence: Documented,
    },
    Rule {
        id: "KMS-07",
        text: "A destroyed version can return only if it was imported and the same material is imported again.",
        source: "https://cloud.google.com/kms/docs/destroy-restore",
        confidence: Documented,
    },
    Rule {
        id: "KMS-09",
        text: "Enabling a key version is strongly consistent.",
        source: "https://docs.cloud.google.com/kms/docs/consistency",
        confidence: Documented,
    },
    Rule {
        id: "KMS-10",
        text: "Disabling is eventually consistent: the version typically stays usable for up to one minute.",
        source: "https://docs.cloud.google.com/kms/docs/consistency",
        confidence: Documented,
    },
    Rule {
        id: "KMS-11",
        text: "In exceptional cases a disabled version stays usable for several hours (three or four, by older pages and the Bigtable page).",
        source: "https://docs.cloud.google.com/kms/docs/consistency",
        confidence: Vague,
    },
    Rule {
        id: "KMS-12",
        text: "An early page gives the shape: about one minute on average, up to three hours for fewer than 1 % of requests. Modelled as 99 % lognormal (30 s, p95 60 s) and 1 % log-uniform (60 s to 4 h), whose mean is 59 s.",
        source: "https://cloud.google.com/kms/docs/consistency",
        confidence: Documented,
    },
    Rule {
        id: "KMS-14",
        text: "Cloud KMS may have problems of data freshness: changes on their way are stuck for as long as that lasts.",
        source: "https://docs.cloud.google.com/kms/docs/consistency",
        confidence: Vague,
    },
    Rule {
        id: "KMS-16",
        text: "Disabling is advised before destroying, and an organization policy can require it.",
        source: "https://cloud.google.com/kms/docs/destroy-restore",
        confidence: Documented,
    },
    Rule {
        id: "KMS-32",
        text: "The SLA counts downtime above an error rate of 10 %: an outage has an error fraction between 0 and 1. Frequent success in a partial outage keeps resetting grace timers (assumed).",
        source: "https://cloud.google.com/kms/sla",
        confidence: Documented,
    },
    Rule {
        id: "Q-01",
        text: "Open: a disable propagates within 3 h, 4 h or \"several hours\", depending on the page. Default: one mixture, cut at 4 h (KMS-12); `model.kms.disable-propagation` takes any other.",
        source: "decision of this model",
        confidence: Assumed,
    },
    Rule {
        id: "Q-09",
        text: "Open: Cloud KMS disables versions, the documents speak of keys. An event that names no version acts on all of them; one that names a version leaves the others as they are (BT-24).",
        source: "decision of this model",
        confidence: Assumed,
    },
    Rule {
        id: "EKM-01",
        text: "Every operation on an external key becomes one operation in the partner's system, and fails if that one fails.",
        source: "https://docs.cloud.google.com/kms/docs/ekm-architectures",
        confidence: Documented,
    },
    Rule {
        id: "EKM-04",
        text: "When the external manager is down, integrated services may fail much as if the key were disabled; each system's own grace decides.",
        source: "https://docs.cloud.google.com/kms/docs/ekm-architectures",
        confidence: Documented,
    },
    Rule {
        id: "KMS-13",
        text: "Changing the primary version, by hand or by rotation, is eventually consistent too: for a while encrypts may use the previous one.",
        source: "https://docs.cloud.google.com/kms/docs/consistency",
        confidence: Documented,
    },
    Rule {
        id: "KMS-17",
        text: "Automatic rotation makes a new primary version every 24 hours to 876,000 hours; old versions stay enabled and billable. Assumed: none is made while no version is enabled.",
        source: "https://github.com/googleapis/googleapis/blob/master/google/cloud/kms/v1/resources.proto",
        confidence: Documented,
    },
    Rule {
        id: "KMS-19",
        text: "Requests carry one of eight reasons; what a partner or a policy does not allow is denied.",
        source: "https://github.com/googleapis/googleapis/blob/master/google/cloud/kms/v1/resources.proto",
        confidence: Documented,
    },
    Rule {
        id: "KMS-20",
        text: "A key may carry a list of allowed reasons; an empty list denies everything.",
        source: "https://github.com/googleapis/googleapis/blob/master/google/cloud/kms/v1/resources.proto",
        confidence: Documented,
    },
    Rule {
        id: "KMS-21",
        text: "There is no limit on how many keys or versions exist; only operation rates are limited. This model keeps at most 4,096 versions of a key.",
        source: "https://docs.cloud.google.com/kms/quotas",
        confidence: Documented,
    },
    Rule {
        id: "KMS-29",
        text: "Every key version that is not destroyed is billed by the month, disabled ones too, at the price of its protection level.",
        source: "https://cloud.google.com/kms/pricing (2025-03-17)",
        confidence: Documented,
    },
    Rule {
        id: "IAM-01",
        text: "A change of an allow policy takes effect in 2 minutes typically, 7 minutes or longer potentially.",
        source: "https://docs.cloud.google.com/iam/docs/access-change-propagation",
        confidence: Documented,
    },
    Rule {
        id: "IAM-02",
        text: "A change of group membership takes several minutes typically, hours or longer potentially.",
        source: "https://docs.cloud.google.com/iam/docs/access-change-propagation",
        confidence: Vague,
    },
    Rule {
        id: "IAM-03",
        text: "Adding a member to a group propagates faster than removing one.",
        source: "https://docs.cloud.google.com/iam/docs/access-change-propagation",
        confidence: Documented,
    },
    Rule {
        id: "EKM-08",
        text: "Errors of an external manager come as FAILED_PRECONDITION with a machine-readable state: they look permanent although they may be transient.",
        source: "https://docs.cloud.google.com/kms/docs/reference/ekm_errors",
        confidence: Documented,
    },
    Rule {
        id: "EKM-09",
        text: "If the external manager answers \"permission denied\" to a request, Cloud EKM disables the key version too: after the repair it has to be enabled, or the key rotated.",
        source: "https://docs.cloud.google.com/kms/docs/reference/ekm_errors",
        confidence: Documented,
    },
    Rule {
        id: "INC-09",
        text: "A key service can answer \"forbidden\" by mistake: callers take it for a denial, not for an outage (Azure, October 2024).",
        source: "https://status.graphisoft.com/incidents/05mq5sjly5lk",
        confidence: Documented,
    },
];
