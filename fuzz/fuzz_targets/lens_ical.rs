//! The laws of the lens contract, for iCalendar and vCard.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portion::Scheme;

fuzz_target!(|data: &[u8]| fuzz::laws::run(&[Scheme::Ics, Scheme::Vcf], data));
