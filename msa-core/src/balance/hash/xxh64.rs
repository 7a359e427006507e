//! XXH64: the hash of keys and of the places on a ring.

const P1: u64 = 0x9e37_79b1_85eb_ca87;
const P2: u64 = 0xc2b2_ae3d_27d4_eb4f;
const P3: u64 = 0x1656_67b1_9e37_79f9;
const P4: u64 = 0x85eb_ca77_c2b2_ae63;
const P5: u64 = 0x27d4_eb2f_1656_67c5;

/// The hash of a key, to be handed to a balancer in [`PickHint::key`](crate::balance::PickHint::key).
///
/// XXH64 with seed 0, which is also Envoy's default: the same bytes give the same number in every process, on every
/// machine and in every version of this crate, so a fleet of clients agrees on who serves a key. Not for secrets: whoever
/// chooses keys can make them collide.
///
/// Source: <https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>.
///
/// ```
/// assert_eq!(msa_core::balance::hash_key("abc"), 0x44bc_2cf5_ad77_0999);
/// ```
#[must_use]
pub fn hash_key(key: impl AsRef<[u8]>) -> u64 {
    xxh64(key.as_ref(), 0)
}

/// XXH64 of the bytes.
pub(in crate::balance) fn xxh64(bytes: &[u8], seed: u64) -> u64 {
    let mut rest = bytes;
    let mut hash = if bytes.len() >= 32 {
        let mut lanes = [
            seed.wrapping_add(P1).wrapping_add(P2),
            seed.wrapping_add(P2),
            seed,
            seed.wrapping_sub(P1),
        ];
        while rest.len() >= 32 {
            for lane in &mut lanes {
                *lane = round(*lane, take8(&mut rest));
            }
        }
        let [a, b, c, d] = lanes;
        let turned = a
            .rotate_left(1)
            .wrapping_add(b.rotate_left(7))
            .wrapping_add(c.rotate_left(12))
            .wrapping_add(d.rotate_left(18));
        lanes.into_iter().fold(turned, |hash, lane| {
            (hash ^ round(0, lane)).wrapping_mul(P1).wrapping_add(P4)
        })
    } else {
        seed.wrapping_add(P5)
    };
    hash = hash.wrapping_add(bytes.len() as u64);
    while rest.len() >= 8 {
        hash = (hash ^ round(0, take8(&mut rest)))
            .rotate_left(27)
            .wrapping_mul(P1)
            .wrapping_add(P4);
    }
    if let Some((four, tail)) = rest.split_first_chunk() {
        hash = (hash ^ u64::from(u32::from_le_bytes(*four)).wrapping_mul(P1))
            .rotate_left(23)
            .wrapping_mul(P2)
            .wrapping_add(P3);
        rest = tail;
    }
    for byte in rest {
        hash = (hash ^ u64::from(*byte).wrapping_mul(P5))
            .rotate_left(11)
            .wrapping_mul(P1);
    }
    avalanche(hash)
}

/// XXH64's last step: every bit of the result depends on every bit of `hash`.
#[inline]
pub(super) fn avalanche(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(P2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(P3);
    hash ^ (hash >> 32)
}

fn round(lane: u64, input: u64) -> u64 {
    lane.wrapping_add(input.wrapping_mul(P2))
        .rotate_left(31)
        .wrapping_mul(P1)
}

/// The next eight bytes; 0 at the end, which the loops above never reach.
fn take8(rest: &mut &[u8]) -> u64 {
    match rest.split_first_chunk() {
        Some((eight, tail)) => {
            *rest = tail;
            u64::from_le_bytes(*eight)
        }
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_reference_hold() {
        // From the sanity check of the reference implementation: its own byte generator, at lengths of every branch.
        let mut generator: u32 = 2_654_435_761;
        let bytes: Vec<u8> = (0..222)
            .map(|_| {
                let byte = (generator >> 24) as u8;
                generator = generator.wrapping_mul(generator);
                byte
            })
            .collect();
        let prime = 2_654_435_761;
        for (len, seed, expected) in [
            (0, 0, 0xef46_db37_51d8_e999),
            (0, prime, 0xac75_fda2_929b_17ef),
            (1, 0, 0x4fce_394c_c889_52d8),
            (1, prime, 0x7398_40cb_819f_a723),
            (14, 0, 0xcffa_8db8_81bc_3a3d),
            (14, prime, 0x5b96_1158_5efc_c9cb),
            (222, 0, 0x9dd5_0788_0deb_b03d),
            (222, prime, 0xdc51_5172_b8ee_0600),
        ] {
            assert_eq!(xxh64(&bytes[..len], seed), expected, "{len} {seed}");
        }
    }

    #[test]
    fn known_words_hash_as_elsewhere() {
        assert_eq!(hash_key(""), 0xef46_db37_51d8_e999);
        assert_eq!(hash_key("a"), 0xd24e_c4f1_a98c_6e5b);
        assert_eq!(hash_key("abc"), 0x44bc_2cf5_ad77_0999);
    }
}
