//! Shortcuts with real packets: a TCP connection between two sites behind NATs moves to the tunnel between them and
//! back to the hub, and loses nothing.

use std::fs;

use crate::raised::Raised;

/// Two sites in the south of France whose hub is in Amsterdam.
const DESIGN: &str = "longhaul: 1
name: shortcuts
overlay: {shortcuts: {slots: 2, idle: 10s}}
regions:
  westeurope: {hub: {address_space: 10.1.0.0/20}, nvas: {count: 1}}
sites:
  - {name: lyon, city: Lyon, lans: [10.200.1.0/24], underlays: [{name: internet, nat: true}]}
  - {name: nice, city: Nice, lans: [10.200.2.0/24], underlays: [{name: internet, nat: true}]}
";

/// Sends back what comes, until the connection ends.
const ECHO: &str = "
import socket
server = socket.create_server(('', 7000))
connection, _ = server.accept()
while data := connection.recv(4096):
    connection.sendall(data)
";

/// Lets numbers go and come back over one connection, four a second, until a file is there; is silent until that is
/// gone; and then one more.
const TALK: &str = "
import os, socket, sys, time
address, file = sys.argv[1:]
for attempt in range(50):
    try:
        connection = socket.create_connection((address, 7000), timeout=10)
        break
    except ConnectionRefusedError:
        time.sleep(0.1)
def echo(number):
    line = b'%d\\n' % number
    connection.sendall(line)
    back = b''
    while len(back) < len(line):
        back += connection.recv(4096) or sys.exit('the connection ended')
    if back != line:
        sys.exit('something else came back')
for is_silent in [False, True]:
    for number in range(600):
        if os.path.exists(file) != is_silent:
            break
        if not is_silent:
            echo(number)
        time.sleep(0.25)
echo(0)
print('whole')
";

fn is_direct(lab: &Raised) -> bool {
    let way = lab.way("host1.lyon", "host1.nice", "icmp");
    !way.iter().any(|device| device.starts_with("nva"))
}

fn until(lab: &Raised, what: &str, direct: bool) {
    lab.until(what, || match is_direct(lab) == direct {
        true => Ok(()),
        false => Err(lab.done(&["show", "tunnels", "cpe1.lyon"])),
    });
}

#[test]
fn a_connection_moves_to_a_shortcut_and_back_and_loses_nothing() {
    let lab = Raised::of("shortcuts", DESIGN);
    // Coming up, the lab had its hosts talk; what that made goes first.
    until(&lab, "by the hub while nobody talks", false);
    let address = lab.address("host1.nice");
    let file = std::env::temp_dir().join(format!("silence-{}", std::process::id()));
    let path = file.to_str().expect("the path is UTF-8");
    let talk = ["python3", "-c", TALK, &address, path];
    std::thread::scope(|scope| {
        let server = scope.spawn(|| lab.inside("host1.nice", &["python3", "-c", ECHO]));
        let client = scope.spawn(|| lab.inside("host1.lyon", &talk));
        // A minute may pass between two attempts.
        until(&lab, "by the shortcut", true);
        fs::write(&file, "").expect("a file can be written");
        until(&lab, "by the hub again, when it is idle", false);
        fs::remove_file(&file).expect("it was written above");
        assert_eq!(client.join().expect("the client"), "whole\n");
        server.join().expect("the server");
    });
}
