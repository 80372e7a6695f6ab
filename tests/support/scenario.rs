//! Reads scenario texts the public way, for several test programs. What is wrong with a text comes
//! back as the user would see it.

use cmeksim::scenario::Scenario;
use cmeksim::scenario::read::{Overrides, read};

/// The checked scenario of a text, or its mistakes.
pub(crate) fn try_scenario(text: &str) -> Result<Scenario, String> {
    let none = |name: &str| Err(format!("{name} is not here"));
    read("test.toml", text.as_bytes(), &Overrides::default(), &none)
        .map_err(|(found, sources)| cmeksim::diag::render(&found, &sources, false))
}

/// The checked scenario of a text that is right.
pub(crate) fn scenario(text: &str) -> Scenario {
    try_scenario(text).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"))
}
