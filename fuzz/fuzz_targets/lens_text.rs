//! The laws of the lens contract, for SQL, marked regions, lines and bytes of any file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portion::Scheme;

fuzz_target!(|data: &[u8]| fuzz::laws::run(&[Scheme::Mark, Scheme::Lines, Scheme::Bytes, Scheme::Sql], data));
