//! New inputs from known ones, as a seeded generator has it: what a fuzzer without coverage can do.

use rand::Rng;
use rand::rngs::StdRng;

/// Numbers that lengths, counts and types are wrong with.
const AWKWARD: [u32; 12] = [
    0,
    1,
    2,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x00ff_ffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
];
/// Changes of one input.
const CHANGES_MAX: u32 = 6;
/// Inputs do not grow beyond this.
const INPUT_BYTES_MAX: usize = 32 << 10;

/// A changed copy of one of the inputs, of which there must be some.
pub fn changed(random: &mut StdRng, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut input = one_of(random, inputs).to_vec();
    for _ in 0..random.random_range(1..=CHANGES_MAX) {
        change(random, &mut input, inputs);
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

fn one_of<'a>(random: &mut StdRng, inputs: &'a [Vec<u8>]) -> &'a [u8] {
    &inputs[random.random_range(0..inputs.len())]
}

fn change(random: &mut StdRng, input: &mut Vec<u8>, inputs: &[Vec<u8>]) {
    let at = random.random_range(0..=input.len());
    let length = random.random_range(0..=16).min(input.len() - at);
    match random.random_range(0..8) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.random_range(0..8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = random.random();
            }
        }
        2 => overwrite_number(random, &mut input[at..]),
        3 => input.truncate(at),
        4 => drop(input.drain(at..at + length)),
        5 => {
            let again = input[at..at + length].to_vec();
            input.splice(at..at, again);
        }
        6 => {
            let fresh: [u8; 16] = random.random();
            input.splice(at..at, fresh[..length].iter().copied());
        }
        _ => {
            let other = one_of(random, inputs);
            let from = random.random_range(0..=other.len());
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
    }
}

fn overwrite_number(random: &mut StdRng, place: &mut [u8]) {
    let number = AWKWARD[random.random_range(0..AWKWARD.len())];
    let bytes = if random.random() {
        number.to_be_bytes()
    } else {
        number.to_le_bytes()
    };
    let width = place.len().min([1, 2, 4][random.random_range(0..3)]);
    place[..width].copy_from_slice(&bytes[4 - width..]);
}
