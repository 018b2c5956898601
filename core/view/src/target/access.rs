//! A site's access to an underlay: its links, and what is done to all of them.

use design::plan::{AttachmentConfig, Plan};

use super::TargetError;
use crate::{Action, Fault};

/// A site and an underlay.
pub(super) type Access<'a> = (&'a str, &'a str);

/// Breaks or mends each link of an access: `fault` says of a device and its interface how.
pub(super) fn access_actions(
    plan: &Plan,
    access: Access<'_>,
    up: bool,
    fault: impl Fn(String, String) -> Fault,
) -> Result<Vec<Action>, TargetError> {
    actions("underlay", access, up, links(plan, access), fault)
}

/// The same for the NATs in front of them.
pub(super) fn nat_actions(
    plan: &Plan,
    access: Access<'_>,
    up: bool,
) -> Result<Vec<Action>, TargetError> {
    let behind = links(plan, access).filter(|link| link.nat.is_some());
    let fault = |device, interface| Fault::Rebind { device, interface };
    actions("NAT", access, up, behind, fault)
}

fn links<'a>(
    plan: &'a Plan,
    (site, underlay): Access<'a>,
) -> impl Iterator<Item = &'a AttachmentConfig> {
    let links = plan.fabric.attachments.iter();
    links.filter(move |link| link.site == site && link.cloud == underlay)
}

fn actions<'a>(
    kind: &'static str,
    (site, underlay): Access<'_>,
    up: bool,
    links: impl Iterator<Item = &'a AttachmentConfig>,
    fault: impl Fn(String, String) -> Fault,
) -> Result<Vec<Action>, TargetError> {
    let fault = |link: &AttachmentConfig| Action::Fault {
        fault: fault(link.device.clone(), link.interface.clone()),
        up,
    };
    let actions: Vec<Action> = links.map(fault).collect();
    match actions.is_empty() {
        true => Err(TargetError::Unknown {
            kind,
            name: format!("{site}/{underlay}"),
        }),
        false => Ok(actions),
    }
}
