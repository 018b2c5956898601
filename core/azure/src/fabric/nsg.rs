//! Network security groups: ordered rules with the platform's defaults behind them, and the
//! connections that they let through.
//!
//! Connections are remembered per NIC, both directions under one entry, so that replies pass
//! whatever the rules say. An entry idle for [`FLOW_IDLE`] is forgotten: the platform publishes
//! four minutes as its TCP idle time-out, and this takes it for all protocols.

use core::net::Ipv4Addr;
use core::time::Duration;

use design::plan::{Direction, NsgAddress, NsgConfig, NsgRuleConfig};
use hashbrown::HashMap;
use inet::hash::Seeded;
use inet::{FiveTuple, Instant};

/// How long a silent connection is remembered.
const FLOW_IDLE: Duration = Duration::from_secs(240);

/// Connections remembered per NIC (the platform's figure for VMs that forward). When idle ones
/// have been forgotten and it is still full, packets of new connections are dropped.
const FLOWS_MAX: usize = 250_000;

/// Where the platform's health probes come from.
const LOAD_BALANCER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// A security group.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    inbound: Vec<NsgRuleConfig>,
    outbound: Vec<NsgRuleConfig>,
}

impl Group {
    pub(crate) fn new(config: &NsgConfig) -> Self {
        let rules = |direction| {
            let mut rules: Vec<NsgRuleConfig> = config
                .rules
                .iter()
                .filter(|rule| rule.direction == direction)
                .cloned()
                .collect();
            rules.sort_by_key(|rule| rule.priority);
            rules
        };
        Self {
            name: config.name.clone(),
            inbound: rules(Direction::In),
            outbound: rules(Direction::Out),
        }
    }

    /// The first rule that matches, and whether it allows. `is_virtual` says whether an address is
    /// in the VirtualNetwork tag.
    pub(crate) fn judge(
        &self,
        direction: Direction,
        flow: FiveTuple,
        is_virtual: &dyn Fn(Ipv4Addr) -> bool,
    ) -> (&str, bool) {
        let rules = match direction {
            Direction::In => &self.inbound,
            Direction::Out => &self.outbound,
        };
        rules
            .iter()
            .find(|rule| matches(rule, flow, is_virtual))
            .map_or_else(
                || default_rule(direction, flow, is_virtual),
                |rule| (&rule.name, rule.allow),
            )
    }
}

fn matches(rule: &NsgRuleConfig, flow: FiveTuple, is_virtual: &dyn Fn(Ipv4Addr) -> bool) -> bool {
    let in_address = |wanted: Option<NsgAddress>, address| match wanted {
        None => true,
        Some(NsgAddress::Prefix(prefix)) => prefix.contains(address),
        Some(NsgAddress::VirtualNetwork) => is_virtual(address),
        Some(NsgAddress::Internet) => !is_virtual(address),
    };
    rule.protocol
        .is_none_or(|protocol| protocol == flow.protocol)
        && rule
            .ports
            .is_none_or(|(low, high)| (low..=high).contains(&flow.destination_port))
        && in_address(rule.source, flow.source)
        && in_address(rule.destination, flow.destination)
}

/// Priorities 65000, 65001 and 65500 of every group.
fn default_rule(
    direction: Direction,
    flow: FiveTuple,
    is_virtual: &dyn Fn(Ipv4Addr) -> bool,
) -> (&'static str, bool) {
    let inside = is_virtual(flow.source) && is_virtual(flow.destination);
    match direction {
        Direction::In if inside => ("AllowVnetInBound", true),
        Direction::In if flow.source == LOAD_BALANCER => ("AllowAzureLoadBalancerInBound", true),
        Direction::In => ("DenyAllInBound", false),
        Direction::Out if inside => ("AllowVnetOutBound", true),
        Direction::Out if !is_virtual(flow.destination) => ("AllowInternetOutBound", true),
        Direction::Out => ("DenyAllOutBound", false),
    }
}

/// The connections of a NIC.
#[derive(Debug)]
pub(crate) struct Flows {
    /// Until when each is remembered, under the direction that was allowed first.
    known: HashMap<FiveTuple, Instant, Seeded>,
}

impl Flows {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            known: HashMap::with_hasher(Seeded(seed)),
        }
    }

    /// Whether the packet belongs to a connection that was let through.
    pub(crate) fn knows(&self, now: Instant, flow: FiveTuple) -> bool {
        [flow, flow.reversed()]
            .iter()
            .any(|key| self.known.get(key).is_some_and(|until| *until > now))
    }

    /// Keeps the connection of a packet alive; `false` when it is not known.
    pub(crate) fn refresh(&mut self, now: Instant, flow: FiveTuple) -> bool {
        for key in [flow, flow.reversed()] {
            if let Some(until) = self.known.get_mut(&key)
                && *until > now
            {
                *until = now + FLOW_IDLE;
                return true;
            }
        }
        false
    }

    /// Remembers a new connection; `false` when there is no room.
    pub(crate) fn remember(&mut self, now: Instant, flow: FiveTuple) -> bool {
        if self.known.len() >= FLOWS_MAX {
            self.known.retain(|_, until| *until > now);
            if self.known.len() >= FLOWS_MAX {
                return false;
            }
        }
        self.known.insert(flow, now + FLOW_IDLE);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(port: u16) -> FiveTuple {
        FiveTuple {
            source: Ipv4Addr::new(10, 0, 0, 4),
            destination: Ipv4Addr::new(10, 1, 0, 4),
            protocol: inet::packet::TCP,
            source_port: port,
            destination_port: 443,
        }
    }

    #[test]
    fn a_silent_connection_is_forgotten_after_its_idle_time() {
        let mut flows = Flows::new(1);
        assert!(flows.remember(Instant::ZERO, flow(1)));
        let later = Instant::from_secs(200);
        assert!(flows.refresh(later, flow(1).reversed()));
        assert!(flows.knows(later + Duration::from_secs(239), flow(1)));
        assert!(!flows.knows(later + Duration::from_secs(240), flow(1)));
    }

    #[test]
    fn a_full_table_refuses_new_connections_until_old_ones_are_idle() {
        let mut flows = Flows::new(1);
        let numbered = |n: u32| FiveTuple {
            source: Ipv4Addr::from_bits(n),
            ..flow(1)
        };
        for n in 0..FLOWS_MAX as u32 {
            assert!(flows.remember(Instant::ZERO, numbered(n)));
        }
        assert!(!flows.remember(Instant::from_secs(1), numbered(u32::MAX)));
        assert!(flows.remember(Instant::from_secs(241), numbered(u32::MAX)));
    }
}
