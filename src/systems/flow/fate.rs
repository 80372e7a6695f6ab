//! What becomes of work in flight when a job ends, and of what a snapshot brings back.

use super::conveyor::{Conveyor, Piece};
use super::network::{Kept, Network};

impl Network<'_> {
    /// FL-04: a job ends with work in flight. What it had not acknowledged waits in the source
    /// again; what it had acknowledged and not written is lost. The input of a batch job stays
    /// where it is.
    pub(super) fn discard(&mut self, number: usize) {
        let (plan, job) = (&self.plan.jobs[number], &mut self.jobs[number]);
        let own = if plan.batch.is_some() { plan.latency } else { plan.acknowledged_after };
        let (young, old) = job.conveyor.clear(own);
        let tail = job.unacknowledged.as_mut().map(|tail| tail.clear(u64::MAX).0);
        for (queue, range) in old.iter().flat_map(Piece::ranges) {
            self.queues[queue].lose(range);
        }
        for (queue, range) in young.iter().chain(tail.iter().flatten()).flat_map(Piece::ranges) {
            self.queues[queue].redelivered += range.1 - range.0;
            self.queues[queue].give_back(range, self.now);
        }
    }

    /// A batch job begins again: it reads all of its input once more.
    pub(super) fn rewind(&mut self, number: usize) {
        for &queue in &self.plan.jobs[number].queues {
            let queue = &mut self.queues[queue];
            queue.give_back((queue.done_before, queue.arrived()), self.now);
        }
    }

    /// A batch job has read and written everything: its next run has another input.
    pub(super) fn finish_input(&mut self, number: usize) {
        for &queue in &self.plan.jobs[number].queues {
            self.queues[queue].done_before = self.queues[queue].arrived();
        }
    }

    /// DJ-06: a snapshot keeps what the job had acknowledged and not yet written; DJ-07: with the
    /// sources, also where it was in each of them.
    pub(super) fn keep(&mut self, number: usize, slot: usize, sources: bool) {
        let (plan, job) = (&self.plan.jobs[number], &mut self.jobs[number]);
        let mut young = job.conveyor.clone();
        let (young, _) = young.clear(plan.acknowledged_after);
        let tail = job.unacknowledged.iter().flat_map(Conveyor::ranges);
        let open: Vec<_> = young.iter().flat_map(Piece::ranges).chain(tail).collect();
        let head = |&queue: &usize| {
            let in_flight = open.iter().filter(|(own, _)| *own == queue).map(|(_, range)| range.0);
            let waiting = self.queues[queue].standing().map(|range| range.0).min();
            let lowest = in_flight.chain(waiting).min();
            lowest.unwrap_or_else(|| self.queues[queue].arrived())
        };
        let heads = sources.then(|| plan.queues.iter().map(head).collect());
        let conveyor = job.conveyor.older_than(plan.acknowledged_after);
        if let Some(kept) = job.kept.get_mut(slot) {
            *kept = Some(Kept { conveyor, heads });
        }
    }

    /// A new job begins from a snapshot: with what was in flight then, and, if the sources were
    /// part of it, with everything that was not acknowledged then and is still there.
    pub(super) fn restore(&mut self, number: usize, slot: usize) {
        let Some(Some(kept)) = self.jobs[number].kept.get(slot).cloned() else { return };
        self.discard(number);
        let plan = &self.plan.jobs[number];
        for (place, &queue) in plan.queues.iter().enumerate() {
            if let Some(head) = kept.heads.as_ref().and_then(|heads| heads.get(place)) {
                let end = self.queues[queue].arrived();
                self.queues[queue].give_back((*head, end), self.now);
            }
        }
        for (queue, range) in kept.conveyor.ranges() {
            self.queues[queue].bring_back(range);
        }
        self.jobs[number].conveyor = kept.conveyor;
    }
}
