#![no_main]

#[path = "../targets/ipv6_framing.rs"]
mod ipv6_framing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| ipv6_framing::run(data));
