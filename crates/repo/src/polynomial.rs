//! The chunker polynomial of a repository's `config`. We cut by another method, but restic opens no repository without a
//! random irreducible polynomial of degree 53 over GF(2) (restic's chunker, "Pol").

const DEGREE: u32 = 53;

/// A random irreducible polynomial of degree 53, as restic writes it: hexadecimal, one bit a coefficient.
pub(crate) fn random() -> Result<String, getrandom::Error> {
    loop {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes)?;
        // Degree 53, and the constant term set: otherwise x divides it. One in about 27 of those is irreducible.
        let candidate = u64::from_le_bytes(bytes) & ((1 << DEGREE) - 1) | 1 << DEGREE | 1;
        if is_irreducible(candidate) {
            return Ok(format!("{candidate:x}"));
        }
    }
}

/// Ben-Or's test: no common factor with `x^(2^i) - x` for any i up to half the degree.
fn is_irreducible(f: u64) -> bool {
    let Some(degree) = f.checked_ilog2() else { return false };
    let mut power = 2; // x
    for _ in 0..degree / 2 {
        power = multiply(power, power, f);
        if gcd(f, power ^ 2) != 1 {
            return false;
        }
    }
    degree > 0
}

/// `a · b mod f`; both of lower degree than `f`, whose degree is at most 62.
fn multiply(mut a: u64, mut b: u64, f: u64) -> u64 {
    let top = 1 << f.ilog2();
    let mut product = 0;
    while b != 0 {
        if b & 1 == 1 {
            product ^= a;
        }
        a <<= 1;
        if a & top != 0 {
            a ^= f;
        }
        b >>= 1;
    }
    product
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, remainder(a, b));
    }
    a
}

/// `a mod b`, `b` not zero.
fn remainder(mut a: u64, b: u64) -> u64 {
    let degree = b.ilog2();
    while let Some(top) = a.checked_ilog2()
        && top >= degree
    {
        a ^= b << (top - degree);
    }
    a
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn known_polynomials() {
        // x²+x+1, x³+x+1, the AES polynomial, and the two that restic's own documents and tests use.
        for f in [0b111, 0b1011, 0x11b, 0x25b468838dcb75, 0x3DA3358B4DC173] {
            assert!(is_irreducible(f), "{f:x}");
        }
        for f in [0, 1, 0b101, 0b1111, 0x11a, 0x25b468838dcb77] {
            assert!(!is_irreducible(f), "{f:x}");
        }
    }

    #[test]
    fn small_ones_against_trial_division() {
        for f in 2..4096_u64 {
            let divisible = (2..f).any(|d| d.ilog2() < f.ilog2() && remainder(f, d) == 0);
            assert_eq!(is_irreducible(f), !divisible, "{f:b}");
        }
    }

    #[test]
    fn random_ones_have_the_degree() {
        let f = u64::from_str_radix(&random().unwrap(), 16).unwrap();
        assert_eq!(f.ilog2(), DEGREE);
        assert!(is_irreducible(f));
    }
}
