//! libFuzzer with the target `writes`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pegasus_fuzz::targets::writes::run(input));
