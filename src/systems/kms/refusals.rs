//! Requests that a key refuses though its versions are enabled: reasons that are not allowed, denials
//! of the external manager and what Cloud EKM makes of them, mistakes of Cloud KMS.

use super::code;
use super::key::Key;
use super::version::{State, Version};
use crate::engine::{Effects, Seq};
use crate::systems::contract::{Command, Denial, Message};

impl Key<'_> {
    /// KMS-19, KMS-20, EKM-09: reasons are refused, or the manager denies, for a while.
    pub(super) fn refuse_for_a_while(
        &mut self,
        command: Command,
        begins: bool,
        occurrence: u32,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let before = self.told();
        let (rule, what) = if command.code == code::REFUSE_REASONS {
            self.refused_reasons.retain(|(number, _)| *number != occurrence);
            if begins {
                self.refused_reasons.push((occurrence, command.b));
            }
            ("KMS-19", "requests with some reasons are refused")
        } else {
            self.manager_denies.retain(|number| *number != occurrence);
            if begins {
                self.manager_denies.push(occurrence);
            }
            ("EKM-08", "the external manager denies permission")
        };
        if self.plan.ekm.is_some() {
            fx.used("model.kms.manager-denial-sticks");
        }
        let detail = if begins { what.to_owned() } else { format!("over: {what}") };
        self.tell(&before, rule, cause, detail, fx);
    }

    /// KMS-20: the key allows these reasons from now on.
    pub(super) fn allow(&mut self, reasons: u32, cause: Option<Seq>, fx: &mut Effects<Message>) {
        self.asked("UpdateCryptoKey", 0, (0, ""), fx);
        let before = self.told();
        self.allowed = reasons;
        let detail = if reasons == 0 {
            "the list of allowed reasons is empty: everything is denied"
        } else {
            "the list of allowed reasons is replaced"
        };
        self.tell(&before, "KMS-20", cause, detail, fx);
    }

    /// EKM-09: the external manager has denied a request, so Cloud EKM disables the version.
    pub(super) fn refused(&mut self, number: u32, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let place = (number as usize).saturating_sub(1);
        let denies = self.standing.denied.map(|(denial, _)| denial) == Some(Denial::Manager);
        let enabled = |version: &Version| version.state == State::Enabled;
        if !denies || !self.versions.get(place).is_some_and(enabled) {
            return;
        }
        let before = self.told();
        let version = &mut self.versions[place];
        version.becomes(State::Disabled, fx.now());
        version.stuck = true;
        version.denied = Some(Denial::Disabled);
        let detail = self.which(&[place])("disabled by Cloud EKM until it is enabled or rotated");
        self.tell(&before, "EKM-09", cause, detail, fx);
    }

    /// Mistaken denials of Cloud KMS.
    pub(super) fn mistaken(&mut self, share: f64, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let before = self.told();
        self.standing.mistaken = share;
        let detail = if share > 0.0 { "" } else { "requests are judged rightly again" };
        self.tell(&before, "INC-09", cause, detail, fx);
    }
}
