//! What a reload changes. The daemons listen on port 179, which needs root, as the lab does.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use design::NoFiles;
use design::plan::InterfaceConfig;

use super::*;
use crate::process::Device as _;

const DESIGN: &str = include_str!("../../../../examples/07-coexistence.yaml");
const FIRST: Ipv4Addr = Ipv4Addr::new(127, 78, 0, 1);
const SECOND: Ipv4Addr = Ipv4Addr::new(127, 78, 0, 5);
const THIRD: Ipv4Addr = Ipv4Addr::new(127, 78, 0, 9);

/// An MSEE of the example without neighbours, at these addresses.
fn msee(addresses: &[Ipv4Addr]) -> MseeConfig {
    let (design, reports) = design::read("07-coexistence.yaml", DESIGN, &NoFiles);
    let design = design.unwrap_or_else(|| panic!("{reports:?}"));
    let plan = design::resolve(&design, &|locator| locator.to_owned());
    let plan = plan.unwrap_or_else(|reports| panic!("{reports:?}"));
    let msee = plan.msees.first().expect("the example has a circuit");
    let interfaces = addresses.iter().zip(0..).map(|(address, n)| {
        let name = format!("private{n}");
        InterfaceConfig {
            name,
            address: *address,
            prefix_len: 30,
            default_route_metric: None,
        }
    });
    MseeConfig {
        interfaces: interfaces.collect(),
        private_peering: None,
        microsoft_peering: None,
        connections: Vec::new(),
        global_reach: Vec::new(),
        ..msee.clone()
    }
}

fn listens(address: Ipv4Addr) -> bool {
    TcpStream::connect((address, BGP_PORT)).is_ok()
}

#[tokio::test]
async fn a_reload_listens_where_the_new_file_says() {
    let path = std::env::temp_dir().join(format!("msee-{}.yaml", std::process::id()));
    let now = Instant::ZERO;
    let core = Core::msee(&msee(&[FIRST]), 1, now).expect("a good configuration");
    let mut transport = Transport::new().expect("an event loop");
    let first = sockets(&core.addresses());
    transport.listen(&first).expect("loopback addresses");
    let mut device = Device {
        path: path.clone(),
        core,
        datagrams: Datagrams::new().expect("an event loop"),
        fabric: None,
        log: Log::default(),
        out: Vec::new(),
    };
    let mut reload = |config: &str| {
        fs::write(&path, config).expect("a file");
        device.reload(now, &mut transport)
    };
    assert!(listens(FIRST) && !listens(SECOND));
    reload(&msee(&[FIRST, SECOND]).to_yaml()).expect("a good file");
    assert!(listens(FIRST) && listens(SECOND));
    reload(&msee(&[SECOND]).to_yaml()).expect("a good file");
    assert!(!listens(FIRST) && listens(SECOND));
    // Somebody else is at the new address: all of the file is refused.
    let _other = TcpListener::bind((THIRD, BGP_PORT)).expect("a loopback address");
    reload(&msee(&[FIRST, THIRD]).to_yaml()).expect_err("only one can listen there");
    assert!(!listens(FIRST) && listens(SECOND));
    fs::remove_file(&path).expect("it is there");
}
