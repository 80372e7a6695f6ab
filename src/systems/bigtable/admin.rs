//! Admin operations, allowed or refused (BT-36, BT-37), and partitions of replication.

use super::instance::{Cluster, Instance, Timer, code};
use super::plan::{GraceTimer, backup_state, cluster_state};
use super::protection::SERVICE;
use crate::engine::{Class, Effects, EntityId, Seq};
use crate::limits::TABLES_MAX;
use crate::systems::contract::{Answer, Command, Denial, Message};

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
        code::CREATE_BACKUP => "create-backup",
        code::DELETE_INSTANCE => "delete-instance",
        other => panic!("command {other} is not for an instance"),
    }
}

/// Whose key an operation needs that is refused.
#[derive(Clone, Copy)]
enum Asked {
    /// It does not get that far.
    Nobody,
    /// That of a cluster, for its primary version.
    Key(usize),
    /// That of a backup, for the version that it is pinned to.
    Backup(EntityId),
}

/// Why an operation is refused.
struct Refusal {
    rule: &'static str,
    why: String,
    asked: Asked,
}

impl Refusal {
    fn new(rule: &'static str, why: impl Into<String>) -> Refusal {
        Refusal { rule, why: why.into(), asked: Asked::Nobody }
    }
}

fn no(rule: &'static str, why: impl Into<String>) -> Option<Refusal> {
    Some(Refusal::new(rule, why))
}

/// Can the key of a cluster be used, as far as anybody can be sure?
fn usable(cluster: &Cluster) -> bool {
    cluster.watch.as_ref().is_none_or(|watch| {
        let primary = watch.view().primary();
        watch.view().standing(primary).certain() == Some(Answer::Granted)
    })
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
        if command.code == code::READ_BACKUP {
            self.backup_is_asked(EntityId(command.a), fx);
            return;
        }
        if let Some(Refusal { rule, why, asked }) = self.refusal(command, fx) {
            let detail = format!("{} is refused: {why}", operation(command.code));
            fx.note(self.plan.entity, rule, cause, detail);
            self.met_denial(asked, fx);
            return;
        }
        match command.code {
            code::CREATE_TABLE => self.create_tables(command.a, cause, fx),
            code::DELETE_TABLE => self.delete_tables(command.a, cause, fx),
            code::MODIFY_FAMILY => {
                fx.note(self.plan.entity, "BT-36", cause, "modify-column-family is done");
            }
            code::RESTORE_TABLE => self.create_tables(1, cause, fx),
            code::CREATE_BACKUP => self.create_backup(EntityId(command.a), cause, fx),
            code::CREATE_CLUSTER => self.create_cluster(self.cluster_of(command.a), cause, fx),
            code::DELETE_CLUSTER => self.delete_cluster(self.cluster_of(command.a), cause, fx),
            code::DELETE_BACKUP => {
                let backup = EntityId(command.a);
                fx.enter(backup, backup_state::DELETED, "BT-37", cause, "deleted by the user");
            }
            _ => self.delete("BT-37", cause, "deleted by the user".to_owned(), fx),
        }
        self.tell_load(cause, fx);
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
    fn refusal(&self, command: Command, fx: &Effects<Message>) -> Option<Refusal> {
        if self.deleted {
            let own = self.plan.entity;
            let rule = fx.last_record(|entity| entity == own).map_or("BT-37", |(_, rule)| rule);
            return no(rule, "the instance is deleted");
        }
        let destroys = [code::DELETE_TABLE, code::DELETE_BACKUP, code::DELETE_INSTANCE];
        if !destroys.contains(&command.code) && self.lost {
            return no("BT-40", "the instance is inaccessible for good");
        }
        // Backups are not among the operations that BT-36 names.
        if !destroys.contains(&command.code) && command.code != code::CREATE_BACKUP {
            let down = |cluster: &Cluster| cluster.present && cluster.down.is_some();
            if let Some(c) = self.clusters.iter().position(down) {
                return no("BT-36", format!("cluster {} is down", self.plan.clusters[c].name));
            }
        }
        if command.code == code::CREATE_CLUSTER
            && let key = self.plan.clusters[self.cluster_of(command.a)].key
            && let Some(why) = self.policy.forbids(SERVICE, key)
        {
            return no("BT-20", why);
        }
        let room = TABLES_MAX.saturating_sub(self.tables);
        let state = || fx.state(EntityId(command.a));
        match command.code {
            code::CREATE_TABLE if command.a > room => {
                no("BR-16", format!("an instance has at most {TABLES_MAX} tables"))
            }
            code::RESTORE_TABLE if room == 0 => {
                no("BR-16", format!("an instance has at most {TABLES_MAX} tables"))
            }
            code::DELETE_TABLE if command.a > self.tables => {
                no("BT-37", format!("the instance has {} tables", self.tables))
            }
            code::RESTORE_TABLE if state() != backup_state::READY => {
                let asked = Asked::Backup(EntityId(command.a));
                Some(Refusal { asked, ..Refusal::new("BT-21", "the backup cannot be read") })
            }
            code::RESTORE_TABLE => self.cannot_protect(),
            code::CREATE_BACKUP => self.cannot_back_up(EntityId(command.a), fx),
            code::DELETE_BACKUP if state() == backup_state::DELETED => {
                no("BT-37", "the backup is deleted already")
            }
            code::DELETE_BACKUP if state() == backup_state::ABSENT => {
                no("BT-37", "the backup does not exist yet")
            }
            code::CREATE_CLUSTER => self.cannot_create(self.cluster_of(command.a)),
            code::DELETE_CLUSTER => self.cannot_delete(self.cluster_of(command.a)),
            _ => None,
        }
    }

    fn cannot_delete(&self, c: usize) -> Option<Refusal> {
        let present = self.clusters.iter().filter(|cluster| cluster.present).count();
        if !self.clusters[c].present {
            no("BT-36", "the cluster does not exist")
        } else if present == 1 {
            no("BT-36", "it is the last cluster of the instance")
        } else {
            None
        }
    }

    /// Creation needs live use of the key.
    fn cannot_create(&self, c: usize) -> Option<Refusal> {
        let cluster = &self.clusters[c];
        if cluster.present {
            no("BT-36", "the cluster exists already")
        } else if !usable(cluster) {
            Some(Refusal { asked: Asked::Key(c), ..Refusal::new("Q-15", "its key cannot be used") })
        } else {
            None
        }
    }

    /// BT-21: a restored table is protected by the key of each cluster that receives it.
    fn cannot_protect(&self) -> Option<Refusal> {
        let bad = |cluster: &Cluster| cluster.present && !usable(cluster);
        let c = self.clusters.iter().position(bad)?;
        Some(self.unusable("BT-21", c))
    }

    /// An operation needs the key of a cluster, which cannot be used.
    fn unusable(&self, rule: &'static str, c: usize) -> Refusal {
        let why = format!("the key of cluster {} cannot be used", self.plan.clusters[c].name);
        Refusal { asked: Asked::Key(c), ..Refusal::new(rule, why) }
    }

    /// BT-22: a backup is pinned to a version, so it needs the key.
    fn cannot_back_up(&self, backup: EntityId, fx: &Effects<Message>) -> Option<Refusal> {
        let c = self.plan.backups.iter().find(|known| known.entity == backup)?.cluster;
        let (cluster, name) = (&self.clusters[c], &self.plan.clusters[c].name);
        let state = fx.state(backup);
        if state == backup_state::DELETED {
            no("BT-22", "the backup has been deleted, and is not taken twice")
        } else if state != backup_state::ABSENT {
            no("BT-22", "the backup exists already")
        } else if !cluster.present {
            no("BT-22", format!("cluster {name} does not exist"))
        } else if cluster.down.is_some() {
            no("BR-13", format!("cluster {name} is down"))
        } else if !usable(cluster) {
            Some(self.unusable("BT-22", c))
        } else {
            None
        }
    }

    /// EKM-09: an operation that meets a denial by the external manager makes it stick, as every
    /// use of the key does.
    fn met_denial(&self, asked: Asked, fx: &mut Effects<Message>) {
        match asked {
            Asked::Nobody => {}
            Asked::Key(c) => {
                let version = self.clusters[c].watch.as_ref().map_or(1, |w| w.view().primary());
                self.asks(c, version, fx);
            }
            // Its own instance knows what it is pinned to.
            Asked::Backup(backup) => {
                let read = Command { a: backup.0, ..Command::new(backup, code::READ_BACKUP) };
                let message = Message::Command { command: read, begins: true, occurrence: 0 };
                fx.send(backup, message, None);
            }
        }
    }

    /// Somebody wants to read a backup that cannot be read.
    fn backup_is_asked(&self, backup: EntityId, fx: &mut Effects<Message>) {
        let place = self.plan.backups.iter().position(|known| known.entity == backup);
        if let Some(place) = place.filter(|_| fx.state(backup) == backup_state::UNUSABLE) {
            self.asks(self.plan.backups[place].cluster, self.backups[place], fx);
        }
    }

    /// The key of a cluster is asked for one version.
    fn asks(&self, c: usize, version: u32, fx: &mut Effects<Message>) {
        let (Some(watch), Some(key)) = (&self.clusters[c].watch, self.plan.clusters[c].key) else {
            return;
        };
        let view = watch.view();
        if view.standing(version).certain() == Some(Answer::Denied(Denial::Manager)) {
            fx.send(key, Message::Refused { version }, view.cause(version));
        }
    }

    /// BT-22: takes a backup, pinned to the primary key version of its cluster.
    fn create_backup(&mut self, entity: EntityId, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let Some(place) = self.plan.backups.iter().position(|known| known.entity == entity) else {
            return;
        };
        let watch = self.clusters[self.plan.backups[place].cluster].watch.as_ref();
        let version = watch.map_or(1, |watch| watch.view().primary());
        self.backups[place] = version;
        let detail = if watch.is_some() {
            format!("taken; pinned to key version {version}")
        } else {
            "taken".to_owned()
        };
        fx.enter(entity, backup_state::READY, "BT-22", cause, detail);
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
        watch.bind(check.subject, watch.view().primary());
        self.first_sweep(c, check, fx);
        if let Some(seq) = created {
            self.account.creates(c, check.subject, seq);
            if check.at < fx.horizon() {
                fx.at(Timer::Status.of(c, check.subject), check.at, Class::Check);
            }
        }
    }

    fn delete_tables(&mut self, count: u32, cause: Option<Seq>, fx: &mut Effects<Message>) {
        self.tables -= count;
        let plural = if count == 1 { "table is" } else { "tables are" };
        let seq = fx.note(self.plan.entity, "BT-37", cause, format!("{count} {plural} deleted"));
        for c in 0..self.clusters.len() {
            for _ in 0..count {
                let Some(table) = self.table_leaves(c, fx) else { break };
                self.no_more_sweeps(c, table, fx);
            }
            self.last_table_of_a_version(c, seq, fx);
        }
        if self.alive() {
            self.recover("BT-28", Some(seq), fx);
        }
    }

    /// BT-21: a backup is lost with the cluster that stores it.
    fn backups_go_with(&mut self, c: usize, cause: Option<Seq>, fx: &mut Effects<Message>) {
        for backup in self.plan.backups.iter().filter(|backup| backup.cluster == c) {
            let state = fx.state(backup.entity);
            if state != backup_state::DELETED && state != backup_state::ABSENT {
                let detail = "lost with the cluster that stored it";
                fx.enter(backup.entity, backup_state::DELETED, "BT-21", cause, detail);
                self.account.lose_backup(state);
            }
        }
    }

    fn create_cluster(&mut self, c: usize, cause: Option<Seq>, fx: &mut Effects<Message>) {
        self.clusters[c].present = true;
        if let Some(watch) = &mut self.clusters[c].watch {
            watch.bind_all(watch.view().primary());
        }
        let entity = self.plan.clusters[c].entity;
        fx.enter(entity, cluster_state::SERVING, "BT-15", cause, "created");
        for _ in 0..self.tables {
            self.add_table(c, None, fx);
        }
        if self.clusters[c].watch.is_some() {
            self.watch_deletion_of_key(c, fx);
        }
        self.plan_sweep(c, None, fx);
    }

    fn delete_cluster(&mut self, c: usize, cause: Option<Seq>, fx: &mut Effects<Message>) {
        fx.enter(
            self.plan.clusters[c].entity,
            cluster_state::ABSENT,
            "BT-36",
            cause,
            "deleted by the user",
        );
        self.stop_sweeps(c, fx);
        fx.cancel(Timer::Deletion.of(c, 0));
        self.call_off(c, fx);
        self.clusters[c].present = false;
        self.forget(c);
        self.backups_go_with(c, cause, fx);
        // A grace that the whole instance shares goes on without this cluster.
        if self.plan.constants.grace_timer != GraceTimer::Instance {
            for place in 0..self.graces[c].len() {
                fx.cancel(Timer::Grace.of(c, place as u32));
            }
            self.graces[c].clear();
        }
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
