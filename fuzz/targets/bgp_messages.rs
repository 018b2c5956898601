//! Bodies of messages of anybody, and streams of them: what is read is written and read again as the
//! same, and a frame does not depend on how much of the stream is there.

use bgp::Notification;
use bgp::wire::header::{self, LEN};
use bgp::wire::open::Open;
use bgp::wire::refresh;

/// The first octet chooses the decoder.
pub(crate) fn run(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else {
        return;
    };
    match kind % 4 {
        0 => open(bytes),
        1 => notification(bytes),
        2 => route_refresh(bytes, kind & 4 != 0),
        _ => stream(bytes),
    }
}

fn open(body: &[u8]) {
    match Open::parse(body) {
        Ok(open) => {
            let again = Open::parse(&open.encode()[LEN..]);
            assert_eq!(again.as_ref(), Ok(&open));
        }
        Err(error) => assert_eq!(error.code, 2, "an OPEN Message Error"),
    }
}

fn notification(body: &[u8]) {
    let Some(said) = Notification::parse(body) else {
        assert!(body.len() < 2);
        return;
    };
    assert_eq!(
        Notification::parse(&said.encode()[LEN..]),
        Some(said.clone())
    );
    let shown = said.to_string();
    assert!(shown.chars().all(|c| !c.is_control()), "{shown:?}");
}

fn route_refresh(body: &[u8], enhanced: bool) {
    if let Ok(Some((family, subtype))) = refresh::parse(body, enhanced) {
        let bytes = refresh::encode(family, subtype);
        let again = refresh::parse(&bytes[LEN..], enhanced);
        assert_eq!(again, Ok(Some((family, subtype))));
    }
}

fn stream(bytes: &[u8]) {
    let max = header::MESSAGE_EXTENDED_MAX;
    let whole = header::frame(bytes, max);
    for cut in 0..bytes.len().min(40) {
        match (header::frame(&bytes[..cut], max), &whole) {
            (Ok(None), _) => {}
            (Ok(Some(frame)), whole) => assert_eq!(whole.as_ref(), Ok(&Some(frame))),
            (Err(error), whole) => assert_eq!(whole.as_ref(), Err(&error), "found early"),
        }
    }
}
