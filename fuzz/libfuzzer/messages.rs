//! libFuzzer with the target `messages`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pegasus_fuzz::targets::messages::run(input));
