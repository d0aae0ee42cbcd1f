//! The laws of the lens contract, for JSON, with and without comments.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portion::Scheme;

fuzz_target!(|data: &[u8]| fuzz::laws::run(&[Scheme::Json, Scheme::Jsonc, Scheme::Ipynb, Scheme::Json5], data));
