//! 64 bytes of JSON at a time: where strings, brackets and colons stand in them.

use wide::u8x16;

/// How many bytes are looked at together.
pub(super) const BLOCK: usize = 64;

/// Where 64 bytes hold what: bit 0 is the first byte.
pub(super) struct Masks {
    /// Outside of strings.
    pub(super) opens: u64,
    /// Outside of strings.
    pub(super) closes: u64,
    pub(super) backslashes: u64,
    /// From a string's opening quote up to its closing one, that one not included.
    pub(super) strings: u64,
}

/// What goes from one block to the next.
#[derive(Default)]
pub(super) struct Carry {
    /// All ones inside of a string.
    string: u64,
    /// The next byte is escaped.
    escape: bool,
}

pub(super) struct Block {
    lanes: [u8x16; 4],
}

impl Block {
    #[inline(always)]
    pub(super) fn new(bytes: &[u8; BLOCK]) -> Block {
        let mut lanes = [u8x16::splat(0); 4];
        // A loop: closures over arrays are not always compiled in place.
        for (lane, bytes) in lanes.iter_mut().zip(bytes.as_chunks::<16>().0) {
            *lane = u8x16::new(*bytes);
        }
        Block { lanes }
    }

    #[inline(always)]
    fn mask(&self, lane: impl Fn(u8x16) -> u8x16) -> u64 {
        let [a, b, c, d] = self.lanes;
        let bits = |bytes| u64::from(lane(bytes).to_bitmask());
        bits(a) | bits(b) << 16 | bits(c) << 32 | bits(d) << 48
    }

    #[inline(always)]
    pub(super) fn equal(&self, byte: u8) -> u64 {
        let wanted = u8x16::splat(byte);
        self.mask(|bytes| bytes.simd_eq(wanted))
    }

    /// The same of a byte that is seldom there, for which one look at all lanes does.
    #[inline(always)]
    fn seldom(&self, byte: u8) -> u64 {
        let wanted = u8x16::splat(byte);
        let [a, b, c, d] = self.lanes;
        let any = a.simd_eq(wanted) | b.simd_eq(wanted) | c.simd_eq(wanted) | d.simd_eq(wanted);
        if any.to_bitmask() == 0 { 0 } else { self.equal(byte) }
    }

    /// `None` for what the grammar does not have, or has only with comments.
    #[inline(always)]
    pub(super) fn masks(&self, carry: &mut Carry) -> Option<Masks> {
        let backslashes = self.seldom(b'\\');
        let mut quotes = self.equal(b'"');
        if backslashes != 0 || carry.escape {
            quotes &= !escaped(backslashes, &mut carry.escape);
        }
        let strings = parity(quotes) ^ carry.string;
        carry.string = if strings >> 63 == 1 { u64::MAX } else { 0 };
        // `[` and `]` are `{` and `}` without this bit.
        let bit = u8x16::splat(0x20);
        let (open, close) = (u8x16::splat(b'{'), u8x16::splat(b'}'));
        let opens = self.mask(|bytes| (bytes | bit).simd_eq(open)) & !strings;
        let closes = self.mask(|bytes| (bytes | bit).simd_eq(close)) & !strings;
        let last_control = u8x16::splat(0x1f);
        let controls = self.mask(|bytes| bytes.min(last_control).simd_eq(bytes));
        if controls & strings != 0 || self.seldom(0) != 0 || self.seldom(b'/') & !strings != 0 {
            return None;
        }
        Some(Masks { opens, closes, backslashes, strings })
    }
}

/// Which bytes a backslash stands before that is not itself escaped.
fn escaped(backslashes: u64, carry: &mut bool) -> u64 {
    let mut escaped = u64::from(*carry);
    let mut rest = backslashes & !escaped;
    *carry = false;
    while rest != 0 {
        let at = rest.trailing_zeros();
        rest &= rest - 1;
        if at == 63 {
            *carry = true;
        } else {
            escaped |= 2 << at;
            rest &= !(2 << at);
        }
    }
    escaped
}

/// Each bit is the parity of the bits up to it.
fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}
