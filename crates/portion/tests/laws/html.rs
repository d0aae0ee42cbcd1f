//! HTML files, sound and not.

use portion::{Format, Fragment, LensError, Scheme, get, list, put};
use proptest::prelude::*;

const PARTS: &[&str] = &[
    "<p id=a>one</p>",
    "<p id=b>two",
    "<div id=c>",
    "</div>",
    "<b>",
    "</b>",
    "<i class=x>i</i>",
    "<ul id=u>\n  <li>1\n  <li>2</li>\n</ul>",
    "<table id=t><tr><td>x</table>",
    "<table>y<td>",
    "</table>",
    "<a href=q>",
    "</a>",
    "<pre id=e>\n a\n  b</pre>",
    "<textarea id=f>\n<b></textarea>",
    "<script id=g>if (a<b) '</p>'</script>",
    "<!-- c\n  d -->",
    "text & <3",
    "&amp;&nbsp;",
    "<br>",
    "</p>",
    "<img id=h src='x\ny'>",
    "<svg id=s><g/></svg>",
    "<main>",
    "</main>",
    "\n",
    "\n  ",
    "<h1\n  id=k>K</h1>",
    "<template id=l><td>x</td></template>",
    "<select id=n><option>1<option>2</select>",
    "<form id=o>",
    "</form>",
    "é\u{1F980}",
    "<section id=v>\n  <p>in</p>\n</section>",
    "<span id=w></span>",
    "</body>",
    "<!DOCTYPE html>",
    "\u{0}",
];

/// Elements with nothing but text in them hold no other, wherever they stand.
pub(crate) fn related(a: &str, b: &str) -> bool {
    let holds_text = |selector: &str| matches!(selector, "#a" | "#e" | "#f" | "#g" | "#h" | "#k" | "#w");
    a == b || !holds_text(a) || !holds_text(b)
}

pub(crate) fn files() -> BoxedStrategy<Vec<u8>> {
    let parts = prop::collection::vec(prop::sample::select(PARTS), 0..9);
    (parts, 0u8..4, any::<bool>(), prop::bool::weighted(0.1))
        .prop_map(|(parts, frame, crlf, bom)| {
            let inside = parts.concat();
            let text = match frame {
                0 => inside,
                1 => format!("<!DOCTYPE html>\n<title>T</title>\n{inside}\n"),
                _ => format!(
                    "<!doctype html>\n<html>\n<head>\n  <title>T</title>\n</head>\n<body class=y>\n  <div id=z>\n    {}\n  </div>\n</body>\n</html>\n",
                    inside.replace('\n', "\n    ")
                ),
            };
            let text = if crlf { text.replace('\n', "\r\n") } else { text };
            format!("{}{text}", if bom { "\u{feff}" } else { "" }).into_bytes()
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Texts and attributes take any text.
    #[test]
    fn texts(file in files(), id in "[a-w]", name in "(@id2|@src|@class|::text)", new in "[ a<>&\"'\n\té/=]{0,6}") {
        let own = format!("#{id}{name}");
        let fragment = Fragment { format: Format::Text, text: new.as_bytes().to_vec() };
        let written = match get(Scheme::Html, &file, &own) {
            Ok(standing) => {
                prop_assert_eq!(put(Scheme::Html, &file, &own, &standing), Ok(None));
                put(Scheme::Html, &file, &own, &fragment).map(|written| written.unwrap_or_else(|| file.clone()))
            }
            Err(LensError::Missing { .. }) => portion::insert(Scheme::Html, &file, &own, &fragment),
            Err(_) => return Ok(()),
        };
        match written {
            Ok(written) => prop_assert_eq!(&get(Scheme::Html, &written, &own).unwrap(), &fragment),
            Err(error) => {
                // Only what is read raw cannot hold everything.
                let is_raw = id == "g" || matches!(error, LensError::Missing { .. } | LensError::Ambiguous { .. });
                prop_assert!(is_raw || error.to_string().contains("holds ") || error.to_string().contains("tag of its own"), "{own}: {error}");
            }
        }
    }

    /// What is put beside other elements leaves them as they were.
    #[test]
    fn beside(file in files(), other in files(), at in any::<prop::sample::Index>(), from in any::<prop::sample::Index>()) {
        let (items, others) = (list(Scheme::Html, &file).unwrap(), list(Scheme::Html, &other).unwrap());
        prop_assume!(!items.is_empty() && !others.is_empty());
        let (item, donor) = (&items[at.index(items.len())], &others[from.index(others.len())]);
        let new = get(Scheme::Html, &other, &donor.selector).unwrap();
        let Ok(Some(written)) = put(Scheme::Html, &file, &item.selector, &new) else { return Ok(()) };
        let own = get(Scheme::Html, &file, &item.selector).unwrap();
        for beside in items.iter().filter(|beside| beside.selector.starts_with('#')) {
            let was = get(Scheme::Html, &file, &beside.selector).unwrap();
            let holds = |a: &Fragment, b: &Fragment| String::from_utf8_lossy(&a.text).contains(String::from_utf8_lossy(&b.text).trim());
            let is = get(Scheme::Html, &written, &beside.selector);
            // An id of the new element may be that of another.
            let is_other = holds(&was, &own) || holds(&own, &was) || matches!(is, Err(LensError::Ambiguous { .. }));
            let overlaps = beside.lines.0 <= item.lines.1 && item.lines.0 <= beside.lines.1;
            prop_assert!(is_other || overlaps || is.as_ref() == Ok(&was), "{} by {}: {:?}\n{}", beside.selector, item.selector, is, String::from_utf8_lossy(&written));
        }
    }

    /// Any expression at all.
    #[test]
    fn any_expression(file in files(), expression in "(#a|p|li|\\.x| |>|\\+|~|\\*|\\[|\\]|id|=|'|:nth-child\\(|2|\\)|:first-child|@id|::text|,|\\\\){0,8}") {
        if let Ok(fragment) = get(Scheme::Html, &file, &expression) {
            prop_assert_eq!(put(Scheme::Html, &file, &expression, &fragment), Ok(None));
        }
    }
}
