//! The laws of the lens contract, for sections of Org, AsciiDoc, reStructuredText and LaTeX.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portion::Scheme;

fuzz_target!(|data: &[u8]| fuzz::laws::run(&[Scheme::Org, Scheme::Adoc, Scheme::Rst, Scheme::Tex], data));
