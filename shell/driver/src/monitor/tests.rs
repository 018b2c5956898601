//! What stations and files are told, with a station on the loopback.

use tokio::io::AsyncReadExt as _;

use super::*;

const TYPE_AT: usize = 5;
const PEER_DOWN: u8 = 2;
/// Common and per-peer header, and the reason.
const PEER_DOWN_LEN: usize = 6 + 42 + 1;

#[tokio::test]
async fn a_station_and_a_file_hear_the_end_of_a_neighbor_that_the_speaker_has_forgotten() {
    let name = format!("longhaul-monitor-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    drop(std::fs::remove_dir_all(&directory));
    std::fs::create_dir_all(&directory).expect("a directory");
    let mrt = MrtConfig {
        directory: directory.display().to_string(),
        messages: true,
        table_every: None,
        rotate_every: Duration::from_secs(3_600),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let bmp = BmpConfig {
        address: listener.local_addr().expect("bound"),
        statistics_every: Duration::from_secs(3_600),
    };
    let us = Us {
        name: "hub".to_owned(),
        asn: Asn(65_001),
        router_id: Ipv4Addr::new(192, 0, 2, 1),
    };
    let settings = bgp::Settings::new(us.asn, us.router_id);
    let speaker = Speaker::new(settings, 1, inet::Instant::ZERO);
    let started = Monitor::start(us, Some(&mrt), &[bmp]).expect("it starts");
    let mut monitor = started.expect("there is somebody to tell");
    let (mut stream, _) = listener.accept().await.expect("it calls");
    monitor.due().await;
    monitor.turn(&speaker);

    let neighbor = NeighborId(7);
    let session = Session {
        established: true,
        ends: Some(Ends {
            remote_as: Asn(65_002),
            local_as: Asn(65_001),
            remote: IpAddr::from([192, 0, 2, 2]),
            local: IpAddr::from([192, 0, 2, 1]),
        }),
        ..Session::default()
    };
    monitor.sessions.insert(neighbor, session);
    let ended = Event::Ended {
        neighbor,
        established: true,
        reason: Ended::Closed,
    };
    monitor.see(&speaker, &Output::Event(ended));
    monitor.finish();
    let mut told = Vec::new();
    stream.read_to_end(&mut told).await.expect("it hangs up");
    let down = peer_down(&told).expect("a Peer Down");
    assert_eq!(down.len(), PEER_DOWN_LEN);
    assert_eq!(down[28..32], [192, 0, 2, 2], "the neighbour's address");

    drop(monitor);
    let mut files = std::fs::read_dir(&directory).expect("a directory");
    let file = files.next().expect("a file").expect("a file").path();
    let record = std::fs::read(file).expect("it is read");
    assert_eq!(
        record[4..8],
        [0, 17, 0, 5],
        "BGP4MP_ET, BGP4MP_STATE_CHANGE_AS4"
    );
    assert!(record.ends_with(&[0, 6, 0, 1]), "Established to Idle");
    std::fs::remove_dir_all(&directory).expect("it goes");
}

/// The Peer Down among BMP messages.
fn peer_down(mut told: &[u8]) -> Option<&[u8]> {
    loop {
        let len = u32::from_be_bytes(told.get(1..TYPE_AT)?.try_into().ok()?);
        let (message, rest) = told.split_at(len.try_into().ok()?);
        if message[TYPE_AT] == PEER_DOWN {
            return Some(message);
        }
        told = rest;
    }
}
