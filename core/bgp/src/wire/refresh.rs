//! ROUTE-REFRESH (RFC 2918) with the marks around a refresh (RFC 7313).

use crate::wire::Reader;
use crate::wire::capability::Family;
use crate::wire::header::{Kind, message};
use crate::wire::notification::{Notification, code, header, refresh as subcode};

/// What a ROUTE-REFRESH says (RFC 7313 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subtype {
    /// Please send the family's routes again.
    Request,
    /// All routes of the family follow.
    Begin,
    /// All routes of the family have been sent.
    End,
}

impl Subtype {
    const fn number(self) -> u8 {
        match self {
            Self::Request => 0,
            Self::Begin => 1,
            Self::End => 2,
        }
    }
}

/// Reads a body. `None` is an unknown subtype, which RFC 7313 §5 has us ignore. The error is the
/// NOTIFICATION to answer with.
pub fn parse(body: &[u8], enhanced: bool) -> Result<Option<(Family, Subtype)>, Notification> {
    let mut reader = Reader(body);
    let fields = (reader.u16(), reader.u8(), reader.u8());
    let (Some(afi), Some(number), Some(safi)) = fields else {
        return Err(bad_length(body));
    };
    let subtype = match number {
        // Without RFC 7313 the octet is reserved and not looked at.
        _ if !enhanced => Subtype::Request,
        0 => Subtype::Request,
        1 => Subtype::Begin,
        2 => Subtype::End,
        _ => return Ok(None),
    };
    match (reader.is_empty(), subtype) {
        (true, _) => Ok(Some((Family { afi, safi }, subtype))),
        (false, Subtype::Request) => Err(bad_length(body)),
        (false, Subtype::Begin | Subtype::End) => Err(Notification::new(
            code::ROUTE_REFRESH,
            subcode::INVALID_LENGTH,
            message(Kind::RouteRefresh, body),
        )),
    }
}

fn bad_length(body: &[u8]) -> Notification {
    let len = (body.len() + crate::wire::header::LEN) as u16;
    Notification::new(code::HEADER, header::BAD_LENGTH, len.to_be_bytes().to_vec())
}

/// A message about a family's routes.
pub fn encode(family: Family, subtype: Subtype) -> Vec<u8> {
    let [high, low] = family.afi.to_be_bytes();
    message(
        Kind::RouteRefresh,
        &[high, low, subtype.number(), family.safi],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::header::LEN;

    const V6: Family = Family::IPV6_UNICAST;

    #[test]
    fn what_is_written_is_read_again() {
        for subtype in [Subtype::Request, Subtype::Begin, Subtype::End] {
            let bytes = encode(V6, subtype);
            assert_eq!(parse(&bytes[LEN..], true), Ok(Some((V6, subtype))));
        }
    }

    #[test]
    fn rfc7313_5_an_unknown_subtype_is_ignored_and_a_wrong_length_ends_the_session() {
        assert_eq!(parse(&[0, 1, 3, 1], true), Ok(None));
        let error = parse(&[0, 1, 1, 1, 0], true).expect_err("an error");
        assert_eq!((error.code, error.subcode), (7, 1));
        assert_eq!(error.data.len(), LEN + 5, "the data is the whole message");
    }

    #[test]
    fn rfc2918_3_without_rfc7313_the_reserved_octet_does_not_matter() {
        let asked = Some((Family::IPV4_UNICAST, Subtype::Request));
        assert_eq!(parse(&[0, 1, 2, 1], false), Ok(asked));
        for body in [&[0, 1, 0][..], &[0, 1, 0, 1, 9]] {
            let error = parse(body, false).expect_err("an error");
            assert_eq!((error.code, error.subcode), (1, 2), "{body:?}");
        }
    }
}
