//! The laws of the lens contract, for source code.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portion::Scheme;

const LANGUAGES: &[Scheme] = &[
    Scheme::Rust,
    Scheme::Python,
    Scheme::JavaScript,
    Scheme::TypeScript,
    Scheme::Tsx,
    Scheme::Go,
    Scheme::Java,
    Scheme::C,
    Scheme::Cpp,
    Scheme::Ruby,
    Scheme::Php,
    Scheme::Bash,
    Scheme::CSharp,
    Scheme::Lua,
    Scheme::Hcl,
    Scheme::Css,
];

fuzz_target!(|data: &[u8]| fuzz::laws::run(LANGUAGES, data));
