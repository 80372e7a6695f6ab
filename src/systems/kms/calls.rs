//! Calls of administrators, as the Admin Activity log of a key tells of them.

use super::code;
use super::key::Key;
use crate::engine::{Call, Effects};
use crate::systems::contract::Message;

/// gRPC status codes of refused calls.
pub(super) const NOT_FOUND: u8 = 5;
pub(super) const PRECONDITION: u8 = 9;
pub(super) const EXHAUSTED: u8 = 8;

/// KMS-16: why a destruction is refused.
pub(super) const MUST_BE_DISABLED: &str = "schedule-destroy is refused: constraints/cloudkms.disableBeforeDestroy demands that it is disabled first";

/// The method of Cloud KMS behind a command to a version.
pub(super) fn method(command: u16) -> &'static str {
    match command {
        code::SCHEDULE => "DestroyCryptoKeyVersion",
        code::RESTORE => "RestoreCryptoKeyVersion",
        code::SET_PRIMARY => "UpdateCryptoKeyPrimaryVersion",
        _ => "UpdateCryptoKeyVersion",
    }
}

impl Key<'_> {
    /// DF-32: a call of an administrator, about one version or (number 0) about the key: it is in
    /// the Admin Activity log whether it is refused or not.
    pub(super) fn asked(
        &mut self,
        method: &'static str,
        version: u32,
        (status, why): (u8, &'static str),
        fx: &mut Effects<Message>,
    ) {
        self.admin_calls += 1;
        let call = Call {
            at: fx.now(),
            to: self.plan.entity,
            by: None,
            grant: None,
            method,
            part: version,
            count: 1,
            status,
            why: why.into(),
            record: Some(fx.next_record()),
        };
        fx.call(call);
    }
}
