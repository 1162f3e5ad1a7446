//! libFuzzer with the target `peer_messages`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pegasus_fuzz::targets::peer_messages::run(input));
