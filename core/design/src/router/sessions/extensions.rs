//! What a neighbour has beyond RFC 4271: families, keys, several paths, restarts, roles.

use bgp::{AddPath, AddPaths, AoAlgorithm, Families, GracefulRestart, Neighbor, Role};

use super::{said, set};
use crate::model::router::{
    AddPathText, AoMac, Family, GracefulRestartText, NeighborText, RoleWord, TcpAoText,
};
use crate::plan::{AuthConfig, AuthKind};
use crate::reader::At;
use crate::report::Report;

/// Sets what the file has of these.
pub(super) fn set_all(text: &NeighborText, neighbor: &mut Neighbor) {
    neighbor.families = families(text, neighbor);
    if let Some(paths) = &text.add_path {
        let paths = add_path(&paths.value);
        neighbor.add_path = AddPaths {
            ipv4: paths,
            ipv6: paths,
        };
    }
    neighbor.role = text.role.as_ref().map(|at| role(at.value));
    neighbor.graceful_restart = text
        .graceful_restart
        .as_ref()
        .map(|at| graceful_restart(&at.value));
}

/// Those of the file; the family of the session when it names none.
fn families(text: &NeighborText, neighbor: &Neighbor) -> Families {
    let Some(list) = &text.families else {
        return match neighbor.address.is_ipv4() {
            true => Families::IPV4,
            false => Families::IPV6,
        };
    };
    let has = |family| list.value.iter().any(|at: &At<Family>| at.value == family);
    Families {
        ipv4: has(Family::Ipv4),
        ipv6: has(Family::Ipv6),
    }
}

fn add_path(text: &AddPathText) -> AddPath {
    AddPath {
        receive: said(text.receive.as_ref()).unwrap_or(false),
        send: text
            .send
            .as_ref()
            .map(|at| u8::try_from(at.value.0).unwrap_or(u8::MAX)),
    }
}

const fn role(word: RoleWord) -> Role {
    match word {
        RoleWord::Provider => Role::Provider,
        RoleWord::RouteServer => Role::RouteServer,
        RoleWord::RouteServerClient => Role::RouteServerClient,
        RoleWord::Customer => Role::Customer,
        RoleWord::Peer => Role::Peer,
    }
}

fn graceful_restart(text: &GracefulRestartText) -> GracefulRestart {
    let mut restart = GracefulRestart::HELPER;
    set(text.restart_time.as_ref(), &mut restart.restart_time, |t| {
        t.0
    });
    set(text.stale_time.as_ref(), &mut restart.stale_time, |t| t.0);
    set(text.forwarding.as_ref(), &mut restart.forwarding, |on| on);
    set(
        text.notification.as_ref(),
        &mut restart.notification,
        |on| on,
    );
    restart.long_lived = text.long_lived.as_ref().map(|at| at.value.0);
    restart
}

/// How its segments are signed.
pub(super) fn auth(text: &NeighborText, reports: &mut Vec<Report>) -> Option<AuthConfig> {
    if let (Some(password), Some(ao)) = (&text.password_file, &text.tcp_ao) {
        let says = "TCP MD5 and TCP-AO exclude each other (RFC 5925 §1)";
        let report = Report::shape(ao.span, says).also(Some(password.span), "MD5 is here");
        reports.push(report.try_this("keep `tcp_ao` where both ends have it"));
    }
    match (&text.tcp_ao, &text.password_file) {
        (Some(ao), _) => tcp_ao(&ao.value),
        (None, Some(file)) => Some(AuthConfig {
            file: file.value.0.clone(),
            kind: AuthKind::Md5,
        }),
        (None, None) => None,
    }
}

fn tcp_ao(text: &TcpAoText) -> Option<AuthConfig> {
    let octet = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    Some(AuthConfig {
        file: text.key_file.as_ref()?.value.0.clone(),
        kind: AuthKind::Ao {
            algorithm: match said(text.algorithm.as_ref()) {
                Some(AoMac::HmacSha1) | None => AoAlgorithm::HmacSha1,
                Some(AoMac::Aes128Cmac) => AoAlgorithm::Aes128Cmac,
                Some(AoMac::HmacSha256) => AoAlgorithm::HmacSha256,
            },
            send_id: octet(text.send_id.as_ref()?.value.0),
            receive_id: octet(text.receive_id.as_ref()?.value.0),
        },
    })
}
