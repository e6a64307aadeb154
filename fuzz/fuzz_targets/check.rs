#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| queue_load::internals::hostile::check(bytes));
