#![no_main]

#[path = "../targets/ldif.rs"]
mod ldif;

libfuzzer_sys::fuzz_target!(|data: &[u8]| ldif::run(data));
