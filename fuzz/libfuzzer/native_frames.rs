//! libFuzzer with the target `native_frames`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pegasus_fuzz::targets::native_frames::run(input));
