//! What people and other machines write as text: a machine's policy, addresses, selectors, mappings, the code of an invite.
#![no_main]

use std::path::Path;

use agent::Consent;
use libfuzzer_sys::fuzz_target;
use portion::{Address, Format, Fragment, Mapping, Scheme, Selector};

fuzz_target!(|data: &[u8]| {
    let Some((choice, parts)) = fuzz::input::parts::<3>(data) else { return };
    let Ok([one, two, three]) = parts.try_map_text() else { return };
    fuzz::memory::bounded(data.len(), || match choice {
        b'a' => address(one),
        b'm' => mapping(one, two, three),
        b'i' => invitation(one, two),
        _ => policy(one),
    });
});

trait Texts<'a> {
    fn try_map_text(self) -> Result<[&'a str; 3], std::str::Utf8Error>;
}

impl<'a> Texts<'a> for [&'a [u8]; 3] {
    fn try_map_text(self) -> Result<[&'a str; 3], std::str::Utf8Error> {
        let [one, two, three] = self.map(std::str::from_utf8);
        Ok([one?, two?, three?])
    }
}

fn policy(text: &str) {
    let Ok(allow) = agent::fuzzing::policy(text) else { return };
    for consent in allow.consents() {
        let (Consent::Folder(path) | Consent::File(path) | Consent::Portion(path, _)) = consent;
        assert!(path.is_absolute(), "a path that is not whole is allowed");
        assert!(path.components().all(|part| part != std::path::Component::ParentDir));
        let selector = match consent {
            Consent::Portion(_, selector) => selector.clone(),
            _ => "json:/a".parse().expect("it is a selector"),
        };
        let inside = if matches!(consent, Consent::Folder(_)) { path.join("x") } else { path.clone() };
        assert!(
            allow.root(&inside, &selector).is_some() || inside.file_name().is_none(),
            "what is allowed may be touched"
        );
    }
    if allow.consents().is_empty() {
        assert_eq!(allow.root(Path::new("/etc/hosts"), &"json:/a".parse::<Selector>().expect("it is one")), None);
    }
}

fn address(text: &str) {
    if let Ok(address) = text.parse::<Address>() {
        let written = address.to_string();
        assert_eq!(written.parse::<Address>().as_ref(), Ok(&address), "{written} says the same");
    }
    if let Ok(selector) = text.parse::<Selector>() {
        let written = selector.to_string();
        assert_eq!(written.parse::<Selector>().as_ref(), Ok(&selector), "{written} says the same");
    }
    let _ = Scheme::detect(text, text.as_bytes());
}

/// The laws of a mapping: what is shared and put back is what was, and what is written means the same again.
fn mapping(text: &str, own: &str, value: &str) {
    let Ok(mapping) = text.parse::<Mapping>() else { return };
    let written = mapping.to_string();
    assert_eq!(written.parse::<Mapping>().as_ref(), Ok(&mapping), "{written} says the same");
    let own = Fragment { format: Format::Json, text: own.as_bytes().to_vec() };
    let Ok(shared) = mapping.share(own.clone()) else { return };
    assert_eq!(mapping.share(shared.clone()).as_ref(), Ok(&shared), "nothing private is shared");
    if let Ok(back) = mapping.unshare(Some(&own), &shared) {
        assert_eq!(mapping.share(back).as_ref(), Ok(&shared));
    }
    let Ok(value) = Format::Json.value(value.as_bytes()) else { return };
    if let Ok(updated) = mapping.update(&shared, &value) {
        assert!(mapping.value(&updated).is_ok_and(|again| again.agrees(&value)), "it means the same again");
    }
    if let Ok(rendered) = mapping.render(Format::Json, &value) {
        assert!(mapping.value(&rendered).is_ok_and(|again| again.agrees(&value)), "it means the same again");
    }
}

fn invitation(text: &str, addresses: &str) {
    if let Some(code) = inlay::fuzzing::code(text) {
        assert_eq!(inlay::fuzzing::code(&code).as_ref(), Some(&code), "what was read is written, and read again");
        assert_eq!(inlay::fuzzing::addresses(&code), inlay::fuzzing::addresses(text));
    }
    let _ = inlay::fuzzing::unwraps(text.as_bytes(), addresses.as_bytes());
    let addresses: Vec<String> = addresses.lines().map(str::to_owned).collect();
    let code = inlay::fuzzing::code_of([text.len() as u8; 32], addresses, &[7; 16]);
    assert!(inlay::fuzzing::code(&code).is_some(), "what is made is read: {code}");
}
