//! Why a packet was not taken, in the order in which it is asked, and how often.

/// Why a packet was not taken (RFC 5880 §6.8.6, §6.7; RFC 5881 §5; RFC 5883 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Discard {
    /// The version is not 1.
    Version,
    /// The length field is below that of the mandatory section.
    TooShort,
    /// The length field is above the payload's length.
    TooLong,
    /// The detection multiplier is zero.
    DetectMult,
    /// The multipoint bit is set.
    Multipoint,
    /// The sender's discriminator is zero.
    MyDiscriminator,
    /// No session has the discriminator, or none is between these addresses.
    NoSession,
    /// No discriminator of ours although the sender claims to have heard us.
    YourDiscriminator,
    /// The session is between other addresses, or came to the other kind's port.
    Address,
    /// Sent from too far away.
    Ttl,
    /// Authenticated, and we use none.
    UnexpectedAuth,
    /// Not authenticated, and we demand it.
    MissingAuth,
    /// Type, length or key ID of the authentication are not those in use.
    AuthHeader,
    /// The sequence number is not ahead of the last one, or too far.
    AuthSequence,
    /// Password or digest is wrong.
    AuthDigest,
    /// The session is held down.
    AdminDown,
}

impl Discard {
    /// All, in order.
    pub const ALL: [Self; 16] = [
        Self::Version,
        Self::TooShort,
        Self::TooLong,
        Self::DetectMult,
        Self::Multipoint,
        Self::MyDiscriminator,
        Self::NoSession,
        Self::YourDiscriminator,
        Self::Address,
        Self::Ttl,
        Self::UnexpectedAuth,
        Self::MissingAuth,
        Self::AuthHeader,
        Self::AuthSequence,
        Self::AuthDigest,
        Self::AdminDown,
    ];
}

/// How many packets were not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Discards([u64; Discard::ALL.len()]);

impl Discards {
    /// How many for this reason.
    pub const fn count(&self, reason: Discard) -> u64 {
        self.0[reason as usize]
    }

    /// How many in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) const fn add(&mut self, reason: Discard) {
        self.0[reason as usize] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_counter_of_its_own() {
        let mut discards = Discards::default();
        for reason in Discard::ALL {
            discards.add(reason);
        }
        assert!(
            Discard::ALL
                .iter()
                .all(|reason| discards.count(*reason) == 1)
        );
        assert_eq!(discards.total(), 16);
    }
}
