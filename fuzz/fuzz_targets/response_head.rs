#![no_main]

#[path = "../targets/response_head.rs"]
mod response_head;

libfuzzer_sys::fuzz_target!(|data: &[u8]| response_head::run(data));
