//! Calls of administrators, as the Admin Activity log of a key tells of them.

use super::code;
use super::key::Key;
use super::version::{State, refusal};
use crate::engine::{Call, Effects, Seq};
use crate::systems::contract::Message;

/// gRPC status codes of refused calls.
pub(super) const NOT_FOUND: u8 = 5;
pub(super) const PRECONDITION: u8 = 9;
pub(super) const EXHAUSTED: u8 = 8;

/// KMS-16: why a destruction is refused.
const MUST_BE_DISABLED: &str = "schedule-destroy is refused: constraints/cloudkms.disableBeforeDestroy demands that it is disabled first";

/// The method of Cloud KMS behind a command to a version.
pub(super) fn method(command: u16) -> &'static str {
    match command {
        code::SCHEDULE => "DestroyCryptoKeyVersion",
        code::RESTORE => "RestoreCryptoKeyVersion",
        code::SET_PRIMARY => "UpdateCryptoKeyPrimaryVersion",
        code::CREATE_VERSION | code::ROTATE => "CreateCryptoKeyVersion",
        code::IMPORT => "ImportCryptoKeyVersion",
        code::ALLOW_REASONS => "UpdateCryptoKey",
        code::DELETE => "DeleteCryptoKey",
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
            job: None,
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

    /// No version allows a command: tells why, by the state of the primary if it is among them.
    pub(super) fn refuse(
        &mut self,
        command: u16,
        all: &[usize],
        first: bool,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let primary = self.primary as usize - 1;
        let place = if all.contains(&primary) { primary } else { all[0] };
        let state = self.versions[place].state;
        let (rule, why) = match state {
            State::Enabled if first => ("KMS-16", MUST_BE_DISABLED),
            _ => refusal(command, state),
        };
        let harmless = why.contains("changes nothing");
        let status = if harmless { (0, "") } else { (PRECONDITION, why) };
        self.asked(method(command), place as u32 + 1, status, fx);
        fx.note(self.plan.entity, rule, cause, self.which(&[place])(why));
    }
}
