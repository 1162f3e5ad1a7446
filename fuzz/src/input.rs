//! Taking an input apart into what a target needs besides bytes.

use std::iter;

/// An input that is read from its front.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of an input.
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// One byte; 0 at the end.
    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&first, rest)) => {
                self.0 = rest;
                first
            }
            None => 0,
        }
    }

    /// One of the choices, of which there must be some.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    /// A part whose length stands in front of it, in two bytes; at most what is left.
    pub fn part(&mut self) -> &'a [u8] {
        let length = usize::from(u16::from_be_bytes([self.byte(), self.byte()]));
        let (part, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        part
    }

    /// Everything that is left, in parts.
    pub fn parts(mut self) -> impl Iterator<Item = &'a [u8]> {
        iter::from_fn(move || (!self.0.is_empty()).then(|| self.part()))
    }

    /// Everything that is left.
    #[must_use]
    pub const fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// An input that [`Input::part`] takes apart again.
#[must_use]
pub fn of_parts(parts: &[&[u8]]) -> Vec<u8> {
    let mut input = Vec::new();
    for part in parts {
        let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
        input.extend_from_slice(&length.to_be_bytes());
        input.extend_from_slice(&part[..usize::from(length)]);
    }
    input
}

/// Cuts a stream into pieces whose lengths follow from `pattern`: from single bytes to all at once.
pub fn pieces(stream: &[u8], pattern: u8) -> impl Iterator<Item = &[u8]> {
    let mut left = stream;
    let mut length = usize::from(pattern);
    iter::from_fn(move || {
        // Any lengths will do, as long as the same pattern gives the same ones.
        length = (length * 5 + 1) % 257;
        let (piece, rest) = left.split_at(left.len().min(length.max(1)));
        left = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_taken_as_they_were_put_together() {
        let input = of_parts(&[b"one", b"", b"three"]);
        let parts: Vec<&[u8]> = Input::new(&input).parts().collect();
        assert_eq!(parts, [&b"one"[..], b"", b"three"]);
        let mut cut = Input::new(&input[..3]);
        assert_eq!(
            (cut.part(), cut.part(), cut.byte()),
            (&b"o"[..], &b""[..], 0)
        );
    }

    #[test]
    fn pieces_are_the_stream() {
        let stream: Vec<u8> = (0..=255).cycle().take(2_000).collect();
        for pattern in 0..=255 {
            let pieces: Vec<&[u8]> = pieces(&stream, pattern).collect();
            assert_eq!(pieces.concat(), stream);
        }
    }
}
