//! Failing and healing.

use azure::{fabric, route_server};
use view::{Action, Target, TargetError};

use super::World;

impl World {
    /// Lets a target fail now.
    pub fn fail(&mut self, target: &Target) -> Result<(), TargetError> {
        let actions = target.actions(&self.plan, false)?;
        self.failed.retain(|failed| failed != target);
        self.failed.push(target.clone());
        self.note_phase(format!("fail {target}"));
        for action in actions {
            self.act(action);
        }
        Ok(())
    }

    /// Heals a target now. Devices start again from nothing.
    pub fn heal(&mut self, target: &Target) -> Result<(), TargetError> {
        let actions = target.actions(&self.plan, true)?;
        self.failed.retain(|failed| failed != target);
        self.note_phase(format!("heal {target}"));
        for action in actions {
            self.act(action);
        }
        Ok(())
    }

    /// Whether everything is as the Plan has it.
    pub const fn is_intact(&self) -> bool {
        self.failed.is_empty()
    }

    fn note_phase(&mut self, name: String) {
        self.last_change = self.now;
        if let Some(traffic) = &mut self.traffic {
            traffic.phase(self.now, name);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Fault { fault, up } => {
                let input = fabric::Input::Command(view::fabric_fault(fault, up));
                self.fabric
                    .handle(self.now, input, &mut self.fabric_outputs);
                self.carry();
            }
            Action::Kill { device } => {
                let index = self.by_name[&device];
                let slot = &mut self.slots[index as usize];
                slot.device = None;
                self.schedule.set(index, None);
            }
            Action::Maintain { device, on } => {
                let index = self.by_name[&device];
                let command = route_server::Command::Maintenance(on);
                self.manage(index, command);
            }
            Action::Start { device } => {
                let index = self.by_name[&device];
                self.start(index)
                    .expect("it was started from the same configuration before");
            }
        }
    }
}
