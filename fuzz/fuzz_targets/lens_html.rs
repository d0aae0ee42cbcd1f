//! The laws of the lens contract, for HTML.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portion::Scheme;

fuzz_target!(|data: &[u8]| fuzz::laws::run(&[Scheme::Html], data));
