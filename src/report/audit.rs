//! `audit-log.jsonl`: what Cloud Audit Logs would hold of the keys of a run, one entry per line.
//!
//! The entries have the fields of `google.logging.v2.LogEntry` and `google.cloud.audit.AuditLog`,
//! so that filters, metrics and alerts can be tried on them. Projects, addresses and people are
//! invented where the scenario does not name them.

use super::Run;
use super::files::sha256;
use crate::engine::SimTime;
use crate::engine::trace::Call;
use crate::systems;
use crate::systems::contract::model;
use crate::systems::kms::{is_external, key_path};
use crate::systems::spec::{Node, Use};
use serde_json::{Value, json};

/// The project of keys and systems that do not name theirs.
const PROJECT: &str = "my-project";
/// The key ring of keys that do not say their path.
const RING: &str = "my-key-ring";
/// Who makes the calls of administrators.
const ADMINISTRATOR: &str = "key-admin@example.com";
const ROLE: &str = "roles/cloudkms.cryptoKeyEncrypterDecrypter";

/// Where a key is.
struct Place {
    project: String,
    location: String,
    ring: String,
    key: String,
}

impl Place {
    fn of(name: &str, key: &Node) -> Place {
        if let Some(path) = key.get("path").and_then(|path| key_path(path.text())) {
            return Place {
                project: path.project.to_owned(),
                location: path.location.to_owned(),
                ring: path.ring.to_owned(),
                key: path.key.to_owned(),
            };
        }
        let location = key.at("location").text().to_owned();
        Place { project: PROJECT.into(), location, ring: RING.into(), key: name.to_owned() }
    }

    fn name(&self) -> String {
        let Place { project, location, ring, key } = self;
        format!("projects/{project}/locations/{location}/keyRings/{ring}/cryptoKeys/{key}")
    }
}

/// The file.
pub fn lines(run: &Run) -> Vec<u8> {
    let uses: Vec<Use> =
        systems::ALL.iter().flat_map(|system| (system.uses)(&run.scenario.root)).collect();
    let mut out = Vec::new();
    let mut number = 0u64;
    // What is told at the end of a run takes its place in time.
    let mut calls: Vec<&Call> = run.outcome.trace.calls.iter().collect();
    calls.sort_by_key(|call| call.at);
    for call in calls {
        for _ in 0..call.count {
            let entry = entry(run, &uses, call, number);
            serde_json::to_writer(&mut out, &entry).expect("memory takes an entry");
            out.push(b'\n');
            number += 1;
        }
    }
    out
}

/// A Data Access entry, rather than one of Admin Activity.
fn is_data(call: &Call) -> bool {
    ["Encrypt", "Decrypt"].contains(&call.method)
}

fn entry(run: &Run, uses: &[Use], call: &Call, number: u64) -> Value {
    let path = run.path(call.to);
    let name = path.strip_prefix("keys.").unwrap_or(path);
    let place = Place::of(name, run.scenario.root.at("keys").at(name));
    let at = run.instant(call.at);
    let (log, severity) = match (is_data(call), call.status) {
        (true, 0) => ("data_access", "INFO"),
        (true, _) => ("data_access", "ERROR"),
        (false, 0) => ("activity", "NOTICE"),
        (false, _) => ("activity", "ERROR"),
    };
    let mut labels = json!({});
    if let Some(by) = call.by {
        labels["cmeksim/caller"] = run.path(by).into();
    }
    if let Some(created) = call.job {
        labels["cmeksim/job-id"] = job_id(run, call, created).into();
    }
    if let Some(record) = call.record {
        labels["cmeksim/events-seq"] = record.to_string().into();
    }
    json!({
        "logName": format!("projects/{}/logs/cloudaudit.googleapis.com%2F{log}", place.project),
        "resource": resource(call, &place),
        "timestamp": at,
        "receiveTimestamp": at,
        "severity": severity,
        "insertId": insert_id(run, number),
        "labels": labels,
        "protoPayload": payload(run, uses, call, &place),
    })
}

/// DF-31: the id of a job, in the form of those of Dataflow: when it was created, and a number.
fn job_id(run: &Run, call: &Call, created: SimTime) -> String {
    let at = run.instant(created);
    let digits: String = at.chars().map(|c| if c.is_ascii_digit() { c } else { '_' }).collect();
    let caller = call.by.map_or("", |by| run.path(by));
    let hash =
        sha256(format!("{} {} {caller} {at}", run.scenario.name, run.scenario.seed).as_bytes());
    let number = u64::from_str_radix(hash.get(..12).unwrap_or("0"), 16).unwrap_or(0);
    format!("{}-{number}", digits.get(..19).unwrap_or(&digits))
}

/// The same entry of the same run has the same id.
fn insert_id(run: &Run, number: u64) -> String {
    let seed = run.scenario.seed;
    let hash = sha256(format!("{} {seed} {number}", run.scenario.name).as_bytes());
    hash.get(..16).unwrap_or_default().to_owned()
}

/// Is the entry about one version, rather than the whole key?
fn about_version(call: &Call) -> bool {
    !is_data(call)
        && call.part > 0
        && [
            "UpdateCryptoKeyVersion",
            "DestroyCryptoKeyVersion",
            "RestoreCryptoKeyVersion",
            "DeleteCryptoKeyVersion",
        ]
        .contains(&call.method)
}

fn resource(call: &Call, place: &Place) -> Value {
    let mut labels = json!({
        "project_id": place.project,
        "location": place.location,
        "key_ring_id": place.ring,
        "crypto_key_id": place.key,
    });
    if !about_version(call) {
        return json!({ "type": "cloudkms_cryptokey", "labels": labels });
    }
    labels["crypto_key_version_id"] = call.part.to_string().into();
    json!({ "type": "cloudkms_cryptokeyversion", "labels": labels })
}

/// The permission that a method needs.
fn permission(method: &str) -> &'static str {
    match method {
        "Encrypt" => "cloudkms.cryptoKeyVersions.useToEncrypt",
        "Decrypt" => "cloudkms.cryptoKeyVersions.useToDecrypt",
        "CreateCryptoKeyVersion" => "cloudkms.cryptoKeyVersions.create",
        "ImportCryptoKeyVersion" => "cloudkms.importJobs.useToImport",
        "DestroyCryptoKeyVersion" => "cloudkms.cryptoKeyVersions.destroy",
        "DeleteCryptoKeyVersion" => "cloudkms.cryptoKeyVersions.delete",
        "DeleteCryptoKey" => "cloudkms.cryptoKeys.delete",
        "RestoreCryptoKeyVersion" => "cloudkms.cryptoKeyVersions.restore",
        "UpdateCryptoKeyVersion" => "cloudkms.cryptoKeyVersions.update",
        "SetIamPolicy" => "cloudkms.cryptoKeys.setIamPolicy",
        _ => "cloudkms.cryptoKeys.update",
    }
}

fn payload(run: &Run, uses: &[Use], call: &Call, place: &Place) -> Value {
    let key = place.name();
    let (method, change) = call.method.split_once('/').unwrap_or((call.method, ""));
    let resource = match about_version(call) {
        true => format!("{key}/cryptoKeyVersions/{}", call.part),
        false => key.clone(),
    };
    let by = call.by.map(|by| run.path(by));
    let fits = |used: &&Use| match call.grant {
        Some(grant) => used.grant() == run.path(grant),
        None => Some(used.by.as_str()) == by && used.key == run.path(call.to),
    };
    let granted_to = uses.iter().find(fits).map(service_account);
    let data = is_data(call);
    let principal = match &granted_to {
        Some(account) if data => account.as_str(),
        Some(_) | None => ADMINISTRATOR,
    };
    let mut payload = json!({
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "serviceName": "cloudkms.googleapis.com",
        "methodName": method,
        "resourceName": resource,
        "authenticationInfo": { "principalEmail": principal },
        "authorizationInfo": [{
            "resource": resource,
            "permission": permission(method),
            "granted": call.status != PERMISSION_DENIED,
            "resourceAttributes": {},
        }],
        "requestMetadata": {
            "callerIp": if data { "private" } else { "198.51.100.7" },
            "callerSuppliedUserAgent": if data { "" } else { "cmeksim" },
            "requestAttributes": { "time": run.instant(call.at), "auth": {} },
            "destinationAttributes": {},
        },
        "request": request(method, &resource),
        "status": {},
    });
    if let Some(created) = call.job {
        let context = json!({ "dataflow_job_id": job_id(run, call, created) });
        payload["metadata"]["context"] = context;
    }
    if call.status != 0 {
        let version = call.part.to_string();
        let message = call.why.replace("{key}", &key).replace("{version}", &version);
        payload["status"] = json!({ "code": call.status, "message": message });
    }
    // BT-03, KMS-20: reasons are told of external keys, and of keys that have a policy on them.
    let name = run.path(call.to).strip_prefix("keys.").unwrap_or_default();
    let table = run.scenario.root.at("keys").at(name);
    if data && (is_external(table) || table.get("allowed-access-reasons").is_some()) {
        let reason = model(&run.scenario.root, "kms").at("access-reason").text();
        let reason = reason.to_uppercase().replace('-', "_");
        payload["metadata"]["entries"] =
            json!({ "key_access_justification": { "reason": reason } });
    }
    if let (false, Some(account)) = (data, granted_to) {
        payload["serviceData"] = json!({
            "@type": "type.googleapis.com/google.iam.v1.logging.AuditData",
            "policyDelta": { "bindingDeltas": [{
                "action": change,
                "role": ROLE,
                "member": format!("serviceAccount:{account}"),
            }] },
        });
    }
    payload
}

const PERMISSION_DENIED: u8 = 7;

/// The request, with the fields that say what it is about.
fn request(method: &str, resource: &str) -> Value {
    let package = if method == "SetIamPolicy" { "google.iam.v1" } else { "google.cloud.kms.v1" };
    let mut request = json!({ "@type": format!("type.googleapis.com/{package}.{method}Request") });
    let field = match method {
        "SetIamPolicy" => "resource",
        "CreateCryptoKeyVersion" | "ImportCryptoKeyVersion" => "parent",
        "UpdateCryptoKeyVersion" => {
            request["cryptoKeyVersion"] = json!({ "name": resource });
            request["updateMask"] = "state".into();
            return request;
        }
        "UpdateCryptoKey" => {
            request["cryptoKey"] = json!({ "name": resource });
            request["updateMask"] = "keyAccessJustificationsPolicy".into();
            return request;
        }
        _ => "name",
    };
    request[field] = resource.into();
    request
}

/// The address of a service account, with an invented project number.
fn service_account(used: &Use) -> String {
    let project = used.project.as_deref().unwrap_or(PROJECT);
    let digits = sha256(project.as_bytes());
    let number = u64::from_str_radix(digits.get(..10).unwrap_or("0"), 16).unwrap_or(0);
    let number = 100_000_000_000 + number % 900_000_000_000;
    match used.principal {
        "bigtable-agent" => format!("service-{number}@gcp-sa-bigtable.iam.gserviceaccount.com"),
        "dataflow-service-account" => {
            format!("service-{number}@dataflow-service-producer-prod.iam.gserviceaccount.com")
        }
        "compute-engine-agent" => {
            format!("service-{number}@compute-system.iam.gserviceaccount.com")
        }
        "pubsub-agent" => format!("service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"),
        "storage-agent" => format!("service-{number}@gs-project-accounts.iam.gserviceaccount.com"),
        _ => format!("bq-{number}@bigquery-encryption.iam.gserviceaccount.com"),
    }
}
