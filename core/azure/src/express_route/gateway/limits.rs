//! What a gateway's SKU allows. On excess a session ends and comes back, as the platform has it: the
//! one on which one route too many was learned, or the one to which one too many was announced.

use bgp::{ConnId, NeighborId};
use design::plan::ErGatewayConfig;
use inet::Instant;
use std::collections::BTreeMap;

use super::super::ConfigFault;
use super::{Gateway, GatewayMember};

/// Whether a configuration can be at all.
pub(super) fn check(config: &ErGatewayConfig) -> Result<(), ConfigFault> {
    let most = config.limits.circuits;
    if most != 0 && config.connections.len() > most as usize {
        return Err(ConfigFault::Circuits(most));
    }
    Ok(())
}

impl Gateway {
    /// Ends the session of an MSEE on which one route too many came, over all circuits. What one
    /// session alone brings is bounded by its own prefix limit.
    pub(super) fn shed_learned(&mut self, now: Instant, on: ConnId, said: &mut Vec<bgp::Output>) {
        let most = self.config.limits.learned;
        if most == 0 || self.learned_from_circuits() <= most {
            return;
        }
        let speaker = self.speaker();
        let mut msees = self.msees();
        let found = msees.find(|id| {
            let session = speaker.neighbor(*id).and_then(|neighbor| neighbor.session);
            session.is_some_and(|session| session.conn == on)
        });
        drop(msees);
        if let Some(id) = found {
            self.shed(now, id, said);
        }
    }

    /// Ends the sessions to which too many routes are announced.
    pub(super) fn shed_announced(&mut self, now: Instant, said: &mut Vec<bgp::Output>) {
        let most = self.config.limits.announced;
        if most == 0 {
            return;
        }
        let speaker = self.speaker();
        let sent = |id: &NeighborId| speaker.neighbor(*id).map_or(0, |neighbor| neighbor.sent);
        let over: Vec<NeighborId> = self.msees().filter(|id| sent(id) > most).collect();
        for id in over {
            self.shed(now, id, said);
        }
    }

    fn shed(&mut self, now: Instant, id: NeighborId, said: &mut Vec<bgp::Output>) {
        self.sessions_shed += 1;
        self.instance.order(now, bgp::Command::Reset(id), said);
    }

    /// Routes learned from circuits: both MSEEs of one tell the same, so the longer list counts.
    pub fn learned_from_circuits(&self) -> u32 {
        let mut circuits: BTreeMap<&str, u32> = BTreeMap::new();
        for (id, member) in self.members() {
            if let GatewayMember::Msee { circuit, .. } = member {
                let received = self.speaker().neighbor(id).map_or(0, |one| one.received);
                let most = circuits.entry(circuit).or_default();
                *most = received.max(*most);
            }
        }
        circuits.values().sum()
    }

    fn msees(&self) -> impl Iterator<Item = NeighborId> {
        let members = self.members();
        members
            .filter_map(|(id, member)| matches!(member, GatewayMember::Msee { .. }).then_some(id))
    }
}
