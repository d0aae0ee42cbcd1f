//! XML documents.

use portion::{Format, Fragment, LensError, Scheme, get, insert, list, put, remove};
use proptest::prelude::*;

/// One holds the other, or is it. No text in a generated file holds a `/`.
pub(crate) fn related(a: &str, b: &str) -> bool {
    super::by_pointer(a, b)
}

const NAMES: &[&str] = &["a", "b", "b", "p:c", "n:d", "é-1.x"];
const ATTRIBUTES: &[&str] = &[
    "id='1'",
    "id=\"2\"",
    "name = 'x y'",
    "p:k='&lt;&#10;\"'",
    "v=\"'\n\t é&amp;\"",
    "t='n:q'",
    "xmlns='urn:own'",
    "xmlns:p=\"urn:other\"",
];
const INSIDES: &[&str] = &[
    "",
    "",
    " ",
    "one",
    " two\n   lines ",
    "&lt;&#x41;&amp;",
    "<![CDATA[<raw> ]]>",
    "<!-- c\n     d -->",
    "<?pi x\n y?>",
    "é\u{1F980}",
];
const BETWEEN: &[&str] = &["\n", "\n", "\n", " ", "", "\n\n", "<!-- between\n  lines -->", "text", "<?pi?>"];

/// An element, its attributes, and what stands in it.
fn element() -> impl Strategy<Value = String> {
    let tag = (prop::sample::select(NAMES), prop::collection::vec(prop::sample::select(ATTRIBUTES), 0..3), any::<u8>());
    let leaf = (tag.clone(), prop::sample::select(INSIDES))
        .prop_map(|((name, attributes, style), inside)| written(name, &attributes, style, inside));
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let gap = prop::sample::select(BETWEEN);
        (tag.clone(), prop::collection::vec((gap.clone(), inner), 0..4), gap, 0u8..4).prop_map(
            |((name, attributes, style), children, gap, indent)| {
                let unit = ["  ", "\t", "    ", ""][usize::from(indent)];
                let mut inside = String::new();
                for (gap, child) in children {
                    inside.push_str(gap);
                    if gap.ends_with('\n') {
                        inside.push_str(unit);
                        inside.push_str(&child.replace('\n', &format!("\n{unit}")));
                    } else {
                        inside.push_str(&child);
                    }
                }
                inside.push_str(gap);
                written(name, &attributes, style, &inside)
            },
        )
    })
}

fn written(name: &str, attributes: &[&str], style: u8, inside: &str) -> String {
    let mut out = format!("<{name}");
    let mut seen: Vec<&str> = Vec::new();
    for attribute in attributes {
        let key = attribute.split(['=', ' ']).next().unwrap();
        if !seen.contains(&key) {
            seen.push(key);
            out.push_str(if style & 1 == 0 { " " } else { "\n   " });
            out.push_str(attribute);
        }
    }
    if style & 2 != 0 {
        out.push(' ');
    }
    match (inside, style & 4) {
        ("", 0) => format!("{out}/>"),
        _ => format!("{out}>{inside}</{name}>"),
    }
}

/// Documents with prologues, marks and line ends of several kinds.
pub(crate) fn files() -> BoxedStrategy<Vec<u8>> {
    let prologue = prop::sample::select(vec![
        "",
        "<?xml version=\"1.0\"?>\n",
        "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<!-- c -->\n",
        "<!DOCTYPE r PUBLIC \"a\" 'b' [ <!ENTITY e \"]>\"> <!-- ]> --> %x; ]>\n",
    ]);
    (prologue, prop::collection::vec(element(), 0..4), 0u8..3, any::<bool>(), any::<bool>())
        .prop_map(|(prologue, children, ends, bom, rest)| {
            let children: String = children.iter().map(|c| format!("\n  {}", c.replace('\n', "\n  "))).collect();
            let text = format!(
                "{prologue}<r xmlns=\"urn:d\" xmlns:p='urn:p' xmlns:n='urn:&amp;n'>{children}\n</r>{}",
                if rest { "\n<!-- end -->" } else { "" }
            );
            let text = match ends {
                0 => text,
                1 => text.replace('\n', "\r\n"),
                _ => text.replacen('\n', "\r\n", 3),
            };
            format!("{}{text}", if bom { "\u{feff}" } else { "" }).into_bytes()
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Attributes and texts take any text that XML can hold, and nothing beside them changes.
    #[test]
    fn texts(file in files(), at in any::<prop::sample::Index>(), name in "(id|name|p:k|v|text\\(\\))", new in "[ a<>&\"'\\]\n\té\u{1}]{0,6}") {
        let items = list(Scheme::Xml, &file).unwrap();
        let item = &items[at.index(items.len())].selector;
        let own = if name.starts_with("text") { format!("{item}/{name}") } else { format!("{item}/@{name}") };
        let fragment = Fragment { format: Format::Text, text: new.as_bytes().to_vec() };
        let written = match get(Scheme::Xml, &file, &own) {
            Ok(standing) => {
                prop_assert_eq!(put(Scheme::Xml, &file, &own, &standing), Ok(None));
                put(Scheme::Xml, &file, &own, &fragment).map(|written| written.unwrap_or_else(|| file.clone()))
            }
            Err(LensError::Missing { .. }) => insert(Scheme::Xml, &file, &own, &fragment),
            Err(_) => return Ok(()),
        };
        match written {
            Ok(written) => {
                prop_assert_eq!(&get(Scheme::Xml, &written, &own).unwrap(), &fragment);
                // With another key an element is another one.
                if !name.contains("id") && !name.contains("name") && !item.contains("text") {
                    for other in items.iter().filter(|other| !related(item, &other.selector)) {
                        let was = get(Scheme::Xml, &file, &other.selector).unwrap();
                        let is = get(Scheme::Xml, &written, &other.selector);
                        prop_assert_eq!(is.as_ref(), Ok(&was), "{}", other.selector);
                    }
                }
                if !name.starts_with("text") {
                    let without = remove(Scheme::Xml, &written, &own).unwrap();
                    prop_assert!(get(Scheme::Xml, &without, &own).is_err());
                }
            }
            Err(error) => prop_assert!(matches!(error, LensError::Refused(_)), "{own}: {error}"),
        }
    }

    /// Any expression at all.
    #[test]
    fn any_expression(file in files(), expression in "(/|//|r|a|b|p:c|\\*:|\\*|\\[|\\]|1|@id|='|'|=|text\\(\\)|following-sibling::|last\\(\\)| and |\\.){0,9}") {
        if let Ok(fragment) = get(Scheme::Xml, &file, &expression) {
            prop_assert_eq!(put(Scheme::Xml, &file, &expression, &fragment), Ok(None));
        }
    }
}
