//! What the platform has of its own accord, for the rules here and for the model of the platform.

/// The system routes of type None of a subnet, in the order in which the platform lists them: a
/// packet from an interface to there is dropped unless another route claims it (captures of 2026).
pub const NONE_ROUTES: [([u8; 4], u8); 21] = [
    ([10, 0, 0, 0], 8),
    ([127, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([172, 16, 0, 0], 12),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([25, 4, 0, 0], 14),
    ([25, 148, 0, 0], 15),
    ([25, 150, 0, 0], 16),
    ([25, 152, 0, 0], 14),
    ([25, 156, 0, 0], 16),
    ([25, 159, 0, 0], 16),
    ([25, 176, 0, 0], 13),
    ([25, 184, 0, 0], 14),
    ([40, 108, 0, 0], 17),
    ([40, 109, 0, 0], 16),
    ([104, 146, 0, 0], 17),
    ([104, 147, 0, 0], 16),
    ([157, 59, 0, 0], 16),
    ([23, 103, 0, 0], 18),
    ([20, 35, 252, 0], 22),
];
