//! The laws of the lens contract, for the formats of lines with keys.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portion::Scheme;

fuzz_target!(|data: &[u8]| fuzz::laws::run(
    &[
        Scheme::Ini,
        Scheme::Env,
        Scheme::GitConfig,
        Scheme::SshConfig,
        Scheme::Hosts,
        Scheme::Systemd,
        Scheme::Desktop,
        Scheme::Nginx,
        Scheme::Properties
    ],
    data
));
