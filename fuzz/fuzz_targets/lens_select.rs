//! The laws of the lens contract, for JSONPath, regular expressions, and formats inside others.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portion::Scheme;

fuzz_target!(|data: &[u8]| {
    fuzz::laws::run(
        &[Scheme::JsonPath, Scheme::Re, Scheme::Json, Scheme::Yaml, Scheme::Toml, Scheme::Md, Scheme::Mark],
        data,
    );
});
