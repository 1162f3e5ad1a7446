//! libFuzzer with the target `group_messages`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pegasus_fuzz::targets::group_messages::run(input));
