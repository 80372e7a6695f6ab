//! Resource names of keys, and what is wrong with them.

use crate::diag::Diagnostic;
use crate::systems::spec::Node;
use std::collections::BTreeMap;

/// The parts of `projects/P/locations/L/keyRings/R/cryptoKeys/K`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPath<'t> {
    /// The project.
    pub project: &'t str,
    /// The location.
    pub location: &'t str,
    /// The key ring.
    pub ring: &'t str,
    /// The key.
    pub key: &'t str,
}

/// Reads a resource name; nothing if its form is wrong.
pub fn key_path(text: &str) -> Option<KeyPath<'_>> {
    let parts: Vec<&str> = text.split('/').collect();
    let ["projects", project, "locations", location, "keyRings", ring, "cryptoKeys", key] =
        parts.as_slice()
    else {
        return None;
    };
    let id = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    // Projects of a domain are written `example.com:project`.
    let named = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| {
                b.is_ascii_lowercase() || b.is_ascii_digit() || [b'-', b'.', b':'].contains(&b)
            })
    };
    (named(project) && named(location) && id(ring) && id(key)).then_some(KeyPath {
        project,
        location,
        ring,
        key,
    })
}

/// DF-34: what a key path says has to be so. Two keys have two paths.
pub(super) fn check(root: &Node, found: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, key) in root.named("keys") {
        let Some(node) = key.get("path") else { continue };
        let text = node.text();
        let Some(path) = key_path(text) else {
            found.push(
                Diagnostic::error(
                    "key-path",
                    node.span.clone(),
                    format!(
                        "the path of key `{name}` is none: Cloud KMS key {text} cannot be validated."
                    ),
                )
                .label("not the resource name of a key")
                .help(format!(
                    "write `projects/PROJECT/locations/{}/keyRings/RING/cryptoKeys/{name}`",
                    key.at("location").text()
                )),
            );
            continue;
        };
        let location = key.at("location").text();
        if path.location != location {
            found.push(
                Diagnostic::error(
                    "key-path-location",
                    node.span.clone(),
                    format!(
                        "the path of key `{name}` is in {}, but its `location` is {location}",
                        path.location
                    ),
                )
                .label(format!("in {}", path.location))
                .help("let `path` and `location` name the same place"),
            );
        }
        if let Some(other) = seen.insert(text, name) {
            found.push(
                Diagnostic::error(
                    "key-path-taken",
                    node.span.clone(),
                    format!("keys `{other}` and `{name}` have the same path, so they are one key"),
                )
                .label("taken")
                .help("declare one key and let both uses name it"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_names_are_read() {
        let path = key_path("projects/p-1/locations/us-east1/keyRings/r/cryptoKeys/k_2");
        let wanted = KeyPath { project: "p-1", location: "us-east1", ring: "r", key: "k_2" };
        assert_eq!(path, Some(wanted));
        for wrong in [
            "",
            "k",
            "projects/p/locations/us-east1/keyRings/r/cryptoKeys/",
            "projects/p/locations/us-east1/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
            "projects/p/locations/us-east1/keyrings/r/cryptoKeys/k",
            "/projects/p/locations/us-east1/keyRings/r/cryptoKeys/k",
            "projects//locations/us-east1/keyRings/r/cryptoKeys/k",
            "projects/p/locations/us-east1/keyRings/a b/cryptoKeys/k",
        ] {
            assert_eq!(key_path(wrong), None, "{wrong}");
        }
    }
}
