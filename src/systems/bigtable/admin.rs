//! Admin operations, allowed or refused (BT-36, BT-37), and partitions of replication.

use super::instance::{Instance, Timer, code};
use super::plan::{backup_state, cluster_state};
use crate::engine::{Class, Effects, EntityId, Seq};
use crate::systems::contract::{Answer, Command, Message};

/// What an operation does to the instance, and its name for the trace.
fn operation(code: u16) -> &'static str {
    match code {
        code::CREATE_TABLE => "create-table",
        code::DELETE_TABLE => "delete-table",
        code::MODIFY_FAMILY => "modify-column-family",
        code::RESTORE_TABLE => "restore-table",
        code::CREATE_CLUSTER => "create-cluster",
        code::DELETE_CLUSTER => "delete-cluster",
        code::DELETE_BACKUP => "delete-backup",
        code::DELETE_INSTANCE => "delete-instance",
        other => panic!("command {other} is not for an instance"),
    }
}

impl Instance<'_> {
    pub(super) fn command(
        &mut self,
        command: Command,
        begins: bool,
        occurrence: u32,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        if command.code == code::PARTITION {
            self.partition(command, begins, occurrence, cause, fx);
            return;
        }
        if let Some(reason) = self.refusal(command, fx) {
            let detail = format!("{} is refused: {reason}", operation(command.code));
            let rule = if self.alive() { "BT-36" } else { "BT-40" };
            fx.note(self.plan.entity, rule, cause, detail);
            return;
        }
        match command.code {
            code::CREATE_TABLE => self.create_tables(command.a, cause, fx),
            code::DELETE_TABLE => self.delete_tables(command.a, cause, fx),
            code::MODIFY_FAMILY => {
                fx.note(self.plan.entity, "BT-36", cause, "modify-column-family is done");
            }
            code::RESTORE_TABLE => self.create_tables(1, cause, fx),
            code::CREATE_CLUSTER => self.create_cluster(self.cluster_of(command.a), cause, fx),
            code::DELETE_CLUSTER => self.delete_cluster(self.cluster_of(command.a), cause, fx),
            code::DELETE_BACKUP => {
                let backup = EntityId(command.a);
                fx.enter(backup, backup_state::DELETED, "BT-37", cause, "deleted by the user");
            }
            _ => self.delete("BT-37", cause, "deleted by the user".to_owned(), fx),
        }
        self.settle(fx);
    }

    fn cluster_of(&self, entity: u32) -> usize {
        self.plan
            .clusters
            .iter()
            .position(|cluster| cluster.entity.0 == entity)
            .expect("a command names a cluster of the instance")
    }

    /// Why an operation is refused, if it is.
    fn refusal(&self, command: Command, fx: &Effects<Message>) -> Option<String> {
        if self.deleted {
            return Some("the instance is deleted".to_owned());
        }
        let destroys = [code::DELETE_TABLE, code::DELETE_BACKUP, code::DELETE_INSTANCE];
        if !destroys.contains(&command.code) {
            if self.lost {
                return Some("the instance is inaccessible for good".to_owned());
            }
            let down =
                self.clusters.iter().position(|cluster| cluster.present && cluster.down.is_some());
            if let Some(c) = down {
                return Some(format!("cluster {} is down (BT-36)", self.plan.clusters[c].name));
            }
        }
        let room = 1000u32.saturating_sub(self.tables);
        match command.code {
            code::CREATE_TABLE if command.a > room => {
                Some("an instance has at most 1,000 tables (BR-16)".to_owned())
            }
            code::DELETE_TABLE if command.a > self.tables => {
                Some(format!("the instance has {} tables", self.tables))
            }
            code::RESTORE_TABLE if fx.state(EntityId(command.a)) != backup_state::READY => {
                Some("the backup cannot be read (BT-21)".to_owned())
            }
            code::DELETE_BACKUP if fx.state(EntityId(command.a)) == backup_state::DELETED => {
                Some("the backup is deleted already".to_owned())
            }
            code::CREATE_CLUSTER => self.cannot_create(self.cluster_of(command.a)),
            code::DELETE_CLUSTER => {
                let c = self.cluster_of(command.a);
                let others = self.clusters.iter().filter(|cluster| cluster.present).count();
                if !self.clusters[c].present {
                    Some("the cluster does not exist".to_owned())
                } else if others == 1 {
                    Some("it is the last cluster of the instance".to_owned())
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    /// Creation needs live use of the key.
    fn cannot_create(&self, c: usize) -> Option<String> {
        let cluster = &self.clusters[c];
        let usable = cluster
            .watch
            .as_ref()
            .is_none_or(|watch| watch.standing.certain() == Some(Answer::Granted));
        if cluster.present {
            Some("the cluster exists already".to_owned())
        } else if !usable {
            Some("its key cannot be used (Q-15)".to_owned())
        } else {
            None
        }
    }

    /// BT-23: the key status of a new table is unknown until its first validation.
    fn create_tables(&mut self, count: u32, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let first = self.tables + 1;
        self.tables += count;
        let which = if count == 1 {
            format!("table {first} is")
        } else {
            format!("tables {first} to {} are", self.tables)
        };
        let detail = format!(
            "{which} created; key version and status are unknown until the first validation"
        );
        let seq = fx.note(self.plan.entity, "BT-23", cause, detail);
        for c in 0..self.clusters.len() {
            for _ in 0..count {
                self.add_table(c, Some(seq), fx);
            }
            self.plan_sweep(c, None, fx);
        }
    }

    /// A cluster gains a table.
    fn add_table(&mut self, c: usize, created: Option<Seq>, fx: &mut Effects<Message>) {
        if !self.clusters[c].present {
            return;
        }
        let Some(watch) = &mut self.clusters[c].watch else { return };
        let check = watch.rounds.join(fx.now());
        self.first_sweep(c, check, fx);
        if let Some(seq) = created {
            self.account.creates(check.subject, seq);
            if check.at < fx.horizon() {
                fx.at(Timer::Status.of(c, check.subject), check.at, Class::Check);
            }
        }
    }

    fn delete_tables(&mut self, count: u32, cause: Option<Seq>, fx: &mut Effects<Message>) {
        self.tables -= count;
        let plural = if count == 1 { "table is" } else { "tables are" };
        fx.note(self.plan.entity, "BT-37", cause, format!("{count} {plural} deleted"));
        for c in 0..self.clusters.len() {
            for _ in 0..count {
                let Some(watch) = &mut self.clusters[c].watch else { break };
                let Some(table) = watch.rounds.leave(fx.now()) else { break };
                self.no_more_sweeps(c, table, fx);
            }
        }
    }

    fn create_cluster(&mut self, c: usize, cause: Option<Seq>, fx: &mut Effects<Message>) {
        self.clusters[c].present = true;
        let entity = self.plan.clusters[c].entity;
        fx.enter(entity, cluster_state::SERVING, "BT-36", cause, "created");
        for _ in 0..self.tables {
            self.add_table(c, None, fx);
        }
        if let Some(standing) = self.clusters[c].watch.as_ref().map(|watch| watch.standing) {
            self.watch_deletion_of_key(c, standing, fx);
        }
        self.plan_sweep(c, None, fx);
    }

    fn delete_cluster(&mut self, c: usize, cause: Option<Seq>, fx: &mut Effects<Message>) {
        fx.enter(
            self.plan.clusters[c].entity,
            cluster_state::DELETED,
            "BT-36",
            cause,
            "deleted by the user",
        );
        self.stop_sweeps(c, fx);
        fx.cancel(Timer::Deletion.of(c, 0));
        let cluster = &mut self.clusters[c];
        cluster.present = false;
        if cluster.rising.take().is_some() {
            fx.cancel(Timer::BringUp.of(c, 0));
        }
        if let Some(check) = self.clusters[c].planned.take() {
            fx.cancel(Timer::Sweep.of(c, check.subject));
        }
        for place in 0..self.graces[c].len() {
            fx.cancel(Timer::Grace.of(c, place as u32));
        }
        self.graces[c].clear();
        self.recover("BT-36", cause, fx);
    }

    /// BR-03: replication between a cluster and another (or all others) stops or goes on.
    fn partition(
        &mut self,
        command: Command,
        begins: bool,
        occurrence: u32,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let one = self.cluster_of(command.a);
        let other = (command.b != u32::MAX).then(|| self.cluster_of(command.b));
        let name = |c: usize| self.plan.clusters[c].name.as_str();
        let detail = format!(
            "replication between {} and {} {}",
            name(one),
            other.map_or("the others", name),
            if begins { "stops" } else { "goes on" }
        );
        fx.note(self.plan.entity, "BR-03", cause, detail);
        self.account.partition(occurrence, one, other, begins, fx.now());
    }
}
