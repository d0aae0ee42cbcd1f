//! Messages on their way: lost, doubled, late.

use agent::step::Event;

use super::{Down, Tick, Up, World};

impl World {
    /// How many of a message arrive, and after how long.
    fn fates(&mut self) -> Vec<u64> {
        if self.calm {
            return vec![1 + self.random.next_number() % 10];
        }
        let (lost, doubled, late) = (self.schedule.lost, self.schedule.doubled, self.schedule.late);
        if self.random.chance(lost) {
            return Vec::new();
        }
        let copies = if self.random.chance(doubled) { 2 } else { 1 };
        (0..copies)
            .map(|_| {
                let most = if self.random.chance(late) { 4_000 } else { 30 };
                1 + self.random.next_number() % most
            })
            .collect()
    }

    pub(super) fn send_up(&mut self, machine: usize, stream: u64, message: Up) {
        let mut fates = self.fates();
        if matches!(message, Up::Report { .. }) {
            // What an agent reports arrives in order, as over any stream, or is lost with the stream; what it backed up may do anything.
            let arrives = self.now() + fates.first().copied().unwrap_or(30);
            self.heard[machine] = self.heard[machine].max(arrives);
            let after = self.heard[machine] - self.now();
            fates = vec![after; fates.len().max(1)];
        }
        for after in fates {
            self.at(after, Tick::ToManager(machine, stream, Box::new(message.clone())));
        }
    }

    pub(super) fn send_down(&mut self, machine: usize, stream: u64, message: Down) {
        // What is said once and never again is not lost while the stream stands.
        let fates = match message {
            Down::Members { .. } | Down::Accept { .. } | Down::Release => vec![6 + self.random.next_number() % 3],
            _ => self.fates().into_iter().map(|after| after + 8).collect(),
        };
        for after in fates {
            self.at(after, Tick::ToAgent(machine, stream, message.clone()));
        }
    }

    pub(super) fn told(&mut self, number: usize, stream: u64, message: Down) {
        let machine = &mut self.machines[number];
        if !machine.alive || machine.stream != Some(stream) {
            return;
        }
        match message {
            Down::Members { members, whole } => machine.members(members, whole),
            Down::Backup { job, member, generation } => machine.handle(Event::Backup { member, job, generation }),
            Down::Restore(instruction) => machine.handle(Event::Restore(instruction)),
            Down::Merge(instruction) => machine.handle(Event::Merge(instruction)),
            Down::Acknowledged { member, generation, committed } => {
                machine.handle(Event::Acknowledged { member, generation, committed });
            }
            Down::Accept { member, give_way } => machine.handle(Event::Accept { member, give_way }),
            Down::Release => machine.handle(Event::Release),
        }
    }
}
