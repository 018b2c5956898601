//! The field of 256 elements that Reed-Solomon codes count in: octets, with XOR as sum and the polynomial
//! x⁸ + x⁴ + x³ + x² + 1 (0x11d).

/// The product of two elements.
pub(crate) const fn mul(a: u8, b: u8) -> u8 {
    let (mut product, mut power, mut rest) = (0, a, b);
    while rest != 0 {
        if rest & 1 != 0 {
            product ^= power;
        }
        power = (power << 1) ^ if power & 0x80 != 0 { REDUCTION } else { 0 };
        rest >>= 1;
    }
    product
}

/// What gives one when multiplied with `a`, which is not zero: a²⁵⁴.
pub(crate) const fn inverse(a: u8) -> u8 {
    let (mut result, mut power, mut exponent) = (1, a, 254);
    while exponent != 0 {
        if exponent & 1 != 0 {
            result = mul(result, power);
        }
        power = mul(power, power);
        exponent >>= 1;
    }
    result
}

/// Multiplies each octet by x, so often.
pub(crate) fn multiply_by_x(octets: &mut [u8], times: usize) {
    (0..times).for_each(|_| double(octets));
}

/// Multiplies each octet by x: plain shifts and masks of eight at a time, which compilers turn into vector instructions of
/// any machine.
fn double(octets: &mut [u8]) {
    let (words, rest) = octets.as_chunks_mut::<8>();
    for word in words {
        *word = doubled(u64::from_le_bytes(*word)).to_le_bytes();
    }
    rest.iter_mut().for_each(|octet| *octet = mul(*octet, 2));
}

/// x to the power of `exponent`.
pub(crate) const fn power_of_x(exponent: usize) -> u8 {
    let (mut power, mut rest) = (1, exponent);
    while rest > 0 {
        power = mul(power, 2);
        rest -= 1;
    }
    power
}

/// Adds octets to as many of `sum`, which is as long or longer.
pub(crate) fn add(sum: &mut [u8], octets: &[u8]) {
    sum.iter_mut()
        .zip(octets)
        .for_each(|(sum, octet)| *sum ^= octet);
}

/// Adds `factor` times each octet of `octets` to `sum`, which is as long.
pub(crate) fn add_multiple(sum: &mut [u8], octets: &[u8], factor: u8) {
    let products: [u8; 256] = core::array::from_fn(|octet| mul(octet as u8, factor));
    for (sum, octet) in sum.iter_mut().zip(octets) {
        *sum ^= products[usize::from(*octet)];
    }
}

/// Eight elements, each times x.
const fn doubled(word: u64) -> u64 {
    let high = (word & 0x8080_8080_8080_8080) >> 7;
    let reduced = high | high << 2 | high << 3 | high << 4;
    ((word & 0x7f7f_7f7f_7f7f_7f7f) << 1) ^ reduced
}

/// x⁸ in smaller powers: x⁴ + x³ + x² + 1.
const REDUCTION: u8 = 0x1d;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_but_zero_has_an_inverse_and_x_generates_them_all() {
        let mut power = 1;
        let mut seen = [false; 256];
        for _ in 0..255 {
            assert!(!core::mem::replace(&mut seen[usize::from(power)], true));
            assert_eq!(mul(power, inverse(power)), 1);
            power = mul(power, 2);
        }
        assert_eq!((power, seen[0]), (1, false));
    }

    #[test]
    fn many_octets_are_multiplied_as_each_of_them() {
        let octets: Vec<u8> = (0..=255).chain(0..5).collect();
        for times in 0..9 {
            let factor = power_of_x(times);
            let mut product = octets.clone();
            multiply_by_x(&mut product, times);
            let mut sum = vec![0xa5; octets.len()];
            add_multiple(&mut sum, &octets, factor);
            for (at, octet) in octets.iter().enumerate() {
                let expected = mul(*octet, factor);
                assert_eq!((product[at], sum[at]), (expected, 0xa5 ^ expected));
            }
        }
    }
}
